/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/dsn.h"

#include "unit.h"

TEST(a_status_is_three_numbers_of_class_2_4_or_5)
{
    static const char *const bad[] = {
        "", "5", "5.1", "5.1.", "3.1.1", "5.1000.1", "5.1.1000", "5.1.1x", "5.1.1 x", "x"
    };
    struct dsn_status status = DSN_STATUS(2, 0, 0);
    char buffer[DSN_STATUS_SIZE];

    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        EXPECT_FALSE(dsn_status_parse(str_from_c(bad[i]), &status));
    EXPECT_INT(status.class, 2);
    EXPECT(dsn_status_parse(STR("4.7.123"), &status));
    EXPECT_STR(dsn_status_format(status, buffer), STR("4.7.123"));
    EXPECT(dsn_status_is_set(status));
    EXPECT_FALSE(dsn_status_is_set(DSN_STATUS(0, 0, 0)));
}

TEST(a_text_may_bring_its_status)
{
    struct dsn_status status;
    char buffer[DSN_STATUS_SIZE];
    struct str detail;

    status = dsn_split_text(STR("5.7.1  No way"), DSN_STATUS(4, 0, 0), false, &detail);
    EXPECT_STR(dsn_status_format(status, buffer), STR("5.7.1"));
    EXPECT_STR(detail, STR("No way"));
    status = dsn_split_text(STR("5.7.1 No way"), DSN_STATUS(4, 0, 0), true, &detail);
    EXPECT_STR(dsn_status_format(status, buffer), STR("4.7.1"));
    status = dsn_split_text(STR("No way"), DSN_STATUS(4, 0, 0), true, &detail);
    EXPECT_STR(dsn_status_format(status, buffer), STR("4.0.0"));
    EXPECT_STR(detail, STR("No way"));
}

TEST(a_reply_has_a_status_of_its_own_class)
{
    char buffer[DSN_STATUS_SIZE];

    EXPECT_STR(dsn_status_format(dsn_status_of_reply(550, STR("5.1.1 x")), buffer), STR("5.1.1"));
    EXPECT_STR(dsn_status_format(dsn_status_of_reply(550, STR("4.1.1 x")), buffer), STR("5.0.0"));
    EXPECT_STR(dsn_status_format(dsn_status_of_reply(450, STR("no")), buffer), STR("4.0.0"));
    EXPECT_FALSE(dsn_status_is_set(dsn_status_of_reply(354, STR("5.1.1 x"))));
}

TEST(notify_and_return_are_read_and_written)
{
    static const char *const bad[] = { "", ",", "NEVER,SUCCESS", "FOO", "SUCCESS,FOO", "SUCCESS DELAY" };
    unsigned notify = 0;
    enum dsn_return what = DSN_RETURN_UNSET;
    struct strbuf out;

    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        EXPECT_FALSE(dsn_notify_parse(str_from_c(bad[i]), &notify));
    EXPECT(dsn_notify_parse(STR("delay,Success,FAILURE"), &notify));
    EXPECT_UINT(notify, DSN_NOTIFY_DELAY | DSN_NOTIFY_SUCCESS | DSN_NOTIFY_FAILURE);
    EXPECT(dsn_notify_parse(STR(",delay,,success,FAILURE,"), &notify));
    strbuf_init(&out, 100);
    EXPECT(dsn_notify_append(&out, notify));
    EXPECT_STR(strbuf_str(&out), STR("SUCCESS,FAILURE,DELAY"));
    strbuf_done(&out);
    EXPECT(dsn_notify_parse(STR("NEVER"), &notify));
    EXPECT_UINT(notify, DSN_NOTIFY_NEVER);
    EXPECT(dsn_return_parse(STR("full"), &what));
    EXPECT_STR(dsn_return_name(what), STR("FULL"));
    EXPECT(dsn_return_parse(STR("HDRS"), &what));
    EXPECT_STR(dsn_return_name(what), STR("HDRS"));
    EXPECT_STR(dsn_return_name(DSN_RETURN_UNSET), STR(""));
    EXPECT_FALSE(dsn_return_parse(STR("ALL"), &what));
}

TEST(an_original_recipient_has_a_type_and_printable_text)
{
    static const char *const bad[] = { "",       "rfc822",       ";a@b",          "rfc822;a b",
                                       "rf c;a", "rfc822;a+0Ab", "utf-8;a\\x{0}", "utf-8;\\x{FC",
                                       "a(b;c" };
    struct arena *arena = arena_create();
    struct str type, address;

    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        EXPECT_FALSE(dsn_orcpt_parse(arena, str_from_c(bad[i]), &type, &address));
    EXPECT(dsn_orcpt_parse(arena, STR("rfc822;u+2Bt@x.example"), &type, &address));
    EXPECT_STR(type, STR("rfc822"));
    EXPECT_STR(address, STR("u+t@x.example"));
    EXPECT(dsn_orcpt_parse(arena, STR("rfc822;"), &type, &address));
    EXPECT_STR(address, STR(""));
    EXPECT(dsn_orcpt_parse(arena, STR("utf-8;\xc3\xa9@x.example"), &type, &address));
    EXPECT_STR(address, STR("\xc3\xa9@x.example"));
    EXPECT(dsn_orcpt_parse(arena, STR("UTF-8;\\x{E9}+2B@x.example"), &type, &address));
    EXPECT_STR(address, STR("\xc3\xa9+2B@x.example"));
    EXPECT(dsn_orcpt_parse(arena, STR("X.4_00;a"), &type, &address));
    EXPECT_STR(type, STR("X.4_00"));
    arena_destroy(&arena);
}

TEST(an_original_recipient_that_nobody_named_is_the_address_as_it_is_written)
{
    struct arena *arena = arena_create();
    struct strbuf out;

    EXPECT_STR(dsn_orcpt_default(arena, STR("a b@x.example"), true), STR("rfc822;\"a b\"@x.example"));
    EXPECT_STR(dsn_orcpt_default(arena, STR("\xc3\xa9@x.example"), true), STR("utf-8;\xc3\xa9@x.example"));
    EXPECT_STR(dsn_orcpt_default(arena, STR("\xc3\xa9@x.example"), false), STR("rfc822;\xc3\xa9@x.example"));
    strbuf_init(&out, 100);
    EXPECT(dsn_orcpt_append(&out, STR("utf-8"), STR("\xc3\xa9+@x.example")));
    EXPECT_STR(strbuf_str(&out), STR("utf-8;\\x{E9}\\x{2B}@x.example"));
    strbuf_clear(&out);
    EXPECT(dsn_orcpt_append(&out, STR("rfc822"), STR("\xc3\xa9+@x.example")));
    EXPECT_STR(strbuf_str(&out), STR("rfc822;+C3+A9+2B@x.example"));
    strbuf_done(&out);
    arena_destroy(&arena);
}
