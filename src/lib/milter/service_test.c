/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/service.h"

#include "milter/settings.h"
#include "unit.h"

static const struct milter_settings settings = {
    .connect_timeout = { 30 * 1000000 },
    .command_timeout = { 31 * 1000000 },
    .content_timeout = { 300 * 1000000LL },
    .protocol = { "6", 1 },
    .default_action = { "tempfail", 8 },
};

static struct milter_services parse(const char *list)
{
    static struct arena *arena;

    arena_destroy(&arena);
    arena = arena_create();
    return milter_services_parse(str_from_c(list), &settings, arena);
}

TEST(milters_are_named_in_a_list)
{
    struct milter_services services = parse("inet:localhost:8891, unix:opendkim/sock  inet:[::1]:25");

    EXPECT_UINT(services.count, 3);
    EXPECT_STR(services.items[0].name, STR("inet:localhost:8891"));
    EXPECT_STR(services.items[0].host, STR("localhost"));
    EXPECT_UINT(services.items[0].port, 8891);
    EXPECT_INT(services.items[0].default_action, MILTER_DEFAULT_TEMPFAIL);
    EXPECT_UINT(services.items[0].version, 6);
    EXPECT_TEXT(services.items[1].path, "opendkim/sock");
    EXPECT_STR(services.items[2].host, STR("::1"));
    for (size_t i = 0; i < services.count; i++)
        EXPECT_STR(services.items[i].trouble, STR_EMPTY);
    EXPECT_UINT(parse("").count, 0);
}

TEST(a_milter_may_have_settings_of_its_own)
{
    struct milter_services services = parse(
        "{ inet:h:1, { connect_timeout = 10s }, { command_timeout=2m } content_timeout=1h, default_action=accept, "
        "{protocol = 2 no_header_reply} }, inet:h:2");
    const struct milter_service *service = &services.items[0];

    EXPECT_UINT(services.count, 2);
    EXPECT_STR(service->trouble, STR_EMPTY);
    EXPECT_STR(service->name, STR("inet:h:1"));
    EXPECT_INT(service->connect_timeout.us, 10 * 1000000);
    EXPECT_INT(service->content_timeout.us, 3600 * 1000000LL);
    EXPECT_INT(service->default_action, MILTER_DEFAULT_ACCEPT);
    EXPECT_INT(services.items[1].default_action, MILTER_DEFAULT_TEMPFAIL);
    EXPECT_UINT(services.items[1].version, 6);
}

TEST(what_is_wrong_is_told)
{
    static const struct {
        const char *list;
        const char *trouble;
    } rows[] = {
        { "foo:bar", "invalid transport name: foo in Milter service: foo:bar" },
        { "127.0.0.1:9", "invalid transport name: 127.0.0.1 in Milter service: 127.0.0.1:9" },
        { "nothing", "no transport name in Milter service: nothing" },
        { "{ inet:h:1, default_action=maybe }", "unrecognized default action: maybe" },
        { "{ inet:h:1, protocol=9 }", "bad protocol information: 9" },
        { "{ inet:h:1, nosuch=1 }", "unknown option: nosuch=1" },
        { "{ inet:h:1, nosuch }", "missing '=' after attribute name: nosuch" },
        { "{ inet:h:1, command_timeout=x }", "bad time: command_timeout=x" },
        { "inet:h:no-such-port", "no port of that name: h:no-such-port" },
        { "{}", "no Milter service in: {}" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct milter_services services = parse(rows[i].list);

        EXPECT_UINT(services.count, 1);
        EXPECT_STR(services.items[0].trouble, str_from_c(rows[i].trouble));
    }
}
