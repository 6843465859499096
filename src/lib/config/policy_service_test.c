/* SPDX-License-Identifier: Apache-2.0 */
#include "config/policy_service.h"

#include "unit.h"

static const struct policy_settings defaults = { .timeout = { 100 }, .try_limit = 2 };

static bool parse(struct arena *arena, const char *text, struct policy_service *service, struct failure *why)
{
    return policy_service_parse(str_from_c(text), &defaults, arena, service, why);
}

TEST(places_are_read)
{
    struct arena *arena = arena_create();
    struct policy_service service;
    struct failure why;

    EXPECT(parse(arena, "inet:127.0.0.1:10023", &service, &why));
    EXPECT_STR(service.place, STR("inet:127.0.0.1:10023"));
    EXPECT_STR(service.name, STR("127.0.0.1:10023"));
    EXPECT_STR(service.host, STR("127.0.0.1"));
    EXPECT_UINT(service.port, 10023);
    EXPECT(parse(arena, "[::1]:25", &service, &why));
    EXPECT_STR(service.host, STR("::1"));
    EXPECT(parse(arena, "inet::25", &service, &why));
    EXPECT_STR(service.host, STR("localhost"));
    EXPECT(parse(arena, "unix:private/policy", &service, &why));
    EXPECT_STR(service.name, STR("private/policy"));
    EXPECT_STR(service.host, STR(""));
    EXPECT_INT(service.settings.try_limit, 2);
    arena_destroy(&arena);
}

TEST(settings_stand_over_the_defaults)
{
    struct arena *arena = arena_create();
    struct policy_service service;
    struct failure why;

    EXPECT(parse(arena,
                 "{ inet:a.test:1, timeout=10s, max_idle=1m, max_ttl=1h, retry_delay=3, request_limit=4, "
                 "{ default_action = DEFER not now }, policy_context=submission }",
                 &service, &why));
    EXPECT_INT(service.settings.timeout.us, seconds(10).us);
    EXPECT_INT(service.settings.max_idle.us, seconds(60).us);
    EXPECT_INT(service.settings.max_ttl.us, seconds(3600).us);
    EXPECT_INT(service.settings.retry_delay.us, seconds(3).us);
    EXPECT_INT(service.settings.request_limit, 4);
    EXPECT_INT(service.settings.try_limit, 2);
    EXPECT_STR(service.settings.default_action, STR("DEFER not now"));
    EXPECT_STR(service.settings.context, STR("submission"));
    arena_destroy(&arena);
}

TEST(what_is_no_service_is_told)
{
    static const struct {
        const char *text;
        const char *reason;
    } rows[] = {
        { "{ }", "no server is named" },
        { "private/policy", "\"private/policy\": need unix:path or inet:host:port" },
        { "inet:host:nosuchport", "\"host:nosuchport\": no port of that name" },
        { "{ unix:p, timeout=soon }", "unix:p: \"timeout=soon\" is no setting of a policy service" },
        { "{ unix:p, timout=1s }", "unix:p: \"timout=1s\" is no setting of a policy service" },
        { "{ unix:p, try_limit }", "unix:p: \"try_limit\" is no setting of a policy service" },
    };
    struct arena *arena = arena_create();

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct policy_service service;
        struct failure why;

        EXPECT(!parse(arena, rows[i].text, &service, &why));
        EXPECT_TEXT(why.text, rows[i].reason);
    }
    arena_destroy(&arena);
}
