/* SPDX-License-Identifier: Apache-2.0 */
#include "os/interface.h"

#include "unit.h"

TEST(the_loopback_interface_is_listed)
{
    struct arena *arena = arena_create();
    struct interface_list list;
    bool has_loopback = false;

    EXPECT(interface_list(arena, &list, NULL));
    for (size_t i = 0; i < list.count; i++)
        has_loopback = has_loopback || (list.items[i].is_loopback && list.items[i].prefix_bits == 8);
    EXPECT(has_loopback);
    arena_destroy(&arena);
}
