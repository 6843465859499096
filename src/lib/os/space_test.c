/* SPDX-License-Identifier: Apache-2.0 */
#include "os/space.h"

#include "os/fd.h"
#include "os/file.h"
#include "unit.h"

#include <fcntl.h>

TEST(free_space_is_known)
{
    struct space left;

    EXPECT(space_look(unit_directory(), &left, NULL));
    EXPECT(left.total_bytes >= left.free_bytes);
    EXPECT_FALSE(space_look("/nowhere/at/all", &left, NULL));
}
