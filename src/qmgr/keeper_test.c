/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/keeper.h"

#include "config/main_cf.h"
#include "unit.h"

static int64_t backoff(const char *text, int64_t age)
{
    struct arena *arena = arena_create();
    struct keeper *keeper = arena_new(arena, struct keeper);
    struct failure why;
    struct main_cf *cf;
    void *settings;
    int64_t found;

    EXPECT(main_cf_parse(str_from_c(text), STR("main.cf"), STR("/etc/x"), arena, &cf, &why));
    EXPECT(settings_load(&qmgr_settings_table, cf, STR_EMPTY, arena, &settings, &why));
    keeper->settings = settings;
    found = keeper_backoff(keeper, instant_add(clock_now(), seconds(-age)));
    arena_destroy(&arena);
    return found;
}

TEST(the_next_attempt_comes_after_the_age_within_the_bounds)
{
    static const char bounds[] = "minimal_backoff_time = 1h\nmaximal_backoff_time = 10h\n";

    EXPECT_INT(backoff(bounds, 0), 3600);
    EXPECT_INT(backoff(bounds, 100 * 3600), 36000);
    EXPECT(backoff(bounds, 2 * 3600) >= 7200 && backoff(bounds, 2 * 3600) < 36000);
    EXPECT_INT(backoff("", 0), 300);
    EXPECT_INT(backoff("", 100 * 3600), 4000);
}
