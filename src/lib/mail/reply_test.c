/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/reply.h"

#include "unit.h"

TEST(a_reply_of_several_lines_repeats_code_and_status)
{
    struct strbuf out;

    strbuf_init(&out, 1000);
    EXPECT(reply_append(&out, 250, DSN_STATUS(2, 1, 0), STR("Ok\nand\r more")));
    EXPECT_STR(strbuf_str(&out), STR("250-2.1.0 Ok\r\n250 2.1.0 and? more\r\n"));
    strbuf_clear(&out);
    EXPECT(reply_append(&out, 354, DSN_STATUS(0, 0, 0), STR("End data")));
    EXPECT_STR(strbuf_str(&out), STR("354 End data\r\n"));
    strbuf_clear(&out);
    EXPECT(reply_append(&out, 250, DSN_STATUS(2, 0, 0), STR("")));
    EXPECT_STR(strbuf_str(&out), STR("250 2.0.0\r\n"));
    strbuf_done(&out);
}

TEST(reply_lines_are_read)
{
    static const char *const bad[] = { "", "25", "25x ok", "199 x", "600 x", "250ok" };
    struct str text;
    bool is_last;
    int code;

    EXPECT(reply_parse_line(STR("550-5.1.1 no"), &code, &is_last, &text));
    EXPECT_INT(code, 550);
    EXPECT_FALSE(is_last);
    EXPECT_STR(text, STR("5.1.1 no"));
    EXPECT(reply_parse_line(STR("250"), &code, &is_last, &text));
    EXPECT(is_last);
    EXPECT_STR(text, STR(""));
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        EXPECT_FALSE(reply_parse_line(str_from_c(bad[i]), &code, &is_last, &text));
}

TEST(each_kind_of_failure_has_one_reply)
{
    static const struct {
        enum failure_kind kind;
        int code;
        const char *status;
    } cases[] = {
        { FAILURE_RETRY, 451, "4.3.0" },         { FAILURE_NO_SPACE, 452, "4.3.1" },
        { FAILURE_CONFIGURATION, 451, "4.3.5" }, { FAILURE_TIMEOUT, 451, "4.4.2" },
        { FAILURE_STOPPED, 421, "4.3.2" },       { FAILURE_PROTOCOL, 554, "5.5.0" },
        { FAILURE_PERMANENT, 554, "5.3.0" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct failure why = { .kind = cases[i].kind };
        struct reply reply = reply_of_failure(&why);
        char buffer[DSN_STATUS_SIZE];

        EXPECT_INT(reply.code, cases[i].code);
        EXPECT_STR(dsn_status_format(reply.status, buffer), str_from_c(cases[i].status));
        EXPECT(reply.text.len > 0);
    }
}
