/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/verify.h"

#include "unit.h"

static const struct duration hour = { 3600 * 1000000LL };

TEST(a_fixed_sender_stays_as_it_is)
{
    struct arena *arena = arena_create();

    EXPECT_STR(verify_sender(arena, STR("double-bounce"), seconds(0), instant_from_seconds(7)), STR("double-bounce"));
    EXPECT_STR(verify_sender(arena, STR("<>"), hour, instant_from_seconds(7)), STR(""));
    EXPECT_STR(verify_sender(arena, STR(""), hour, instant_from_seconds(7)), STR(""));
    arena_destroy(&arena);
}

TEST(a_changing_sender_is_known_in_its_time_and_the_next)
{
    const struct instant instant_zero = { 0 };
    struct arena *arena = arena_create();
    struct str sender = verify_sender(arena, STR("probe@example.com"), hour, instant_from_seconds(3600 * 31));
    struct str local = str_part(sender, 0, str_find_char(sender, '@'));

    EXPECT_STR(sender, STR("probe11@example.com"));
    EXPECT(verify_is_sender(local, STR("probe@example.com"), hour, instant_from_seconds(3600 * 32 - 1)));
    EXPECT(verify_is_sender(local, STR("probe@example.com"), hour, instant_from_seconds(3600 * 33 - 1)));
    EXPECT(!verify_is_sender(local, STR("probe@example.com"), hour, instant_from_seconds(3600 * 33)));
    EXPECT(!verify_is_sender(STR("probe"), STR("probe@example.com"), hour, instant_from_seconds(3600 * 31)));
    EXPECT(verify_is_sender(STR("PROBE"), STR("probe@example.com"), seconds(0), instant_from_seconds(1)));
    EXPECT(!verify_is_sender(STR(""), STR("<>"), seconds(0), instant_from_seconds(1)));
    EXPECT(verify_is_sender_address(STR("P@Example.com"), STR("p"), STR("example.com"), seconds(0), instant_zero));
    EXPECT(verify_is_sender_address(STR("p@example.com"), STR("p@example.com"), STR("x"), seconds(0), instant_zero));
    EXPECT(!verify_is_sender_address(STR("p@x"), STR("p@example.com"), STR("x"), seconds(0), instant_zero));
    EXPECT(!verify_is_sender_address(STR("p"), STR("p"), STR("example.com"), seconds(0), instant_zero));
    EXPECT(!verify_is_sender_address(STR(""), STR("<>"), STR(""), seconds(0), instant_zero));
    arena_destroy(&arena);
}
