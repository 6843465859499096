/* SPDX-License-Identifier: Apache-2.0 */
#include "postqueue/print.h"

#include "unit.h"

#include <stdlib.h>

static void tell(struct showq_sink sink)
{
    const struct showq_message deferred = { STR("deferred"), STR("7D891A720BE"),  1795313987, 265,
                                            false,           STR("s@example.com") };
    const struct showq_message held = { STR("hold"), STR("81D7DA720D7"),        1795313987, 1272,
                                        false,       STR("\"a b\"@example.com") };
    const struct showq_recipient c = { STR("c@baz.test"), STR("another \"reason\" (with parens)") };
    const struct showq_recipient a = { STR("a@bar.test"),
                                       STR("connect to bar.test[192.0.2.1]:25: Connection refused") };
    const struct showq_recipient b = { STR("b@bar.test"), a.reason };
    const struct showq_recipient x = { STR("\"x y\"@bar.test"), STR("") };

    sink.message(sink.context, &deferred);
    sink.recipient(sink.context, &c);
    sink.recipient(sink.context, &a);
    sink.recipient(sink.context, &b);
    sink.message_end(sink.context);
    sink.message(sink.context, &held);
    sink.recipient(sink.context, &x);
    sink.message_end(sink.context);
}

static void expect_table(bool is_long, const char *expected)
{
    struct print print;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    setenv("TZ", "UTC", 1);
    print_init(&print, out, is_long);
    tell(print_table(&print));
    print_table_end(&print);
    print_done(&print);
    fclose(out);
    EXPECT_TEXT(text, expected);
    free(text); /* from open_memstream */
}

TEST(the_table_is_postfix_own)
{
    expect_table(false, "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n"
                        "7D891A720BE     265 Sun Nov 22 02:19:47  s@example.com\n"
                        "                                              (another \"reason\" (with parens))\n"
                        "                                         c@baz.test\n"
                        "                       (connect to bar.test[192.0.2.1]:25: Connection refused)\n"
                        "                                         a@bar.test\n"
                        "                                         b@bar.test\n"
                        "\n"
                        "81D7DA720D7!    1272 Sun Nov 22 02:19:47  \"a b\"@example.com\n"
                        "                                         \"x y\"@bar.test\n"
                        "\n"
                        "-- 1 Kbytes in 2 Requests.\n");
}

TEST(long_ids_have_wider_columns)
{
    expect_table(true, "----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------\n"
                       "7D891A720BE            265 Sun Nov 22 02:19:47 s@example.com\n"
                       "                                              (another \"reason\" (with parens))\n"
                       "                                               c@baz.test\n"
                       "                       (connect to bar.test[192.0.2.1]:25: Connection refused)\n"
                       "                                               a@bar.test\n"
                       "                                               b@bar.test\n"
                       "\n"
                       "81D7DA720D7!          1272 Sun Nov 22 02:19:47 \"a b\"@example.com\n"
                       "                                               \"x y\"@bar.test\n"
                       "\n"
                       "-- 1 Kbytes in 2 Requests.\n");
}

TEST(json_is_one_object_a_line)
{
    struct print print;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    print_init(&print, out, false);
    tell(print_json(&print));
    print_done(&print);
    fclose(out);
    EXPECT_TEXT(text,
                "{\"queue_name\": \"deferred\", \"queue_id\": \"7D891A720BE\", \"arrival_time\": 1795313987, "
                "\"message_size\": 265, \"forced_expire\": false, \"sender\": \"s@example.com\", \"recipients\": "
                "[{\"address\": \"c@baz.test\", \"delay_reason\": \"another \\\"reason\\\" (with parens)\"}, "
                "{\"address\": \"a@bar.test\", \"delay_reason\": \"connect to bar.test[192.0.2.1]:25: Connection "
                "refused\"}, {\"address\": \"b@bar.test\", \"delay_reason\": \"connect to bar.test[192.0.2.1]:25: "
                "Connection refused\"}]}\n"
                "{\"queue_name\": \"hold\", \"queue_id\": \"81D7DA720D7\", \"arrival_time\": 1795313987, "
                "\"message_size\": 1272, \"forced_expire\": false, \"sender\": \"\\\"a b\\\"@example.com\", "
                "\"recipients\": [{\"address\": \"\\\"x y\\\"@bar.test\"}]}\n");
    free(text); /* from open_memstream */
}

TEST(an_empty_queue_has_one_line)
{
    struct print print;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    print_init(&print, out, false);
    print_table_end(&print);
    print_done(&print);
    fclose(out);
    EXPECT_TEXT(text, "Mail queue is empty\n");
    free(text); /* from open_memstream */
}
