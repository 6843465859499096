/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/log_lines.h"

#include "unit.h"

TEST(delays_have_two_digits_that_count)
{
    static const struct {
        int64_t us;
        int resolution;
        const char *text;
    } rows[] = {
        { 0, 2, "0" },        { -5, 2, "0" },        { 4000, 2, "0" },       { 6000, 2, "0.01" },
        { 60000, 2, "0.06" }, { 123456, 2, "0.12" }, { 500000, 2, "0.5" },   { 1234567, 2, "1.2" },
        { 9960000, 2, "10" }, { 12345678, 2, "12" }, { 99600000, 2, "100" }, { 123456789, 2, "123" },
        { 123456, 0, "0" },   { 1500000, 0, "2" },   { 123456, 6, "0.12" },  { 1234, 6, "0.0012" },
        { 1000000, 2, "1" },  { 1050000, 1, "1.1" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct strbuf out;

        strbuf_init(&out, 100);
        delivery_delay_append(&out, (struct duration){ rows[i].us }, rows[i].resolution);
        EXPECT_TEXT(strbuf_c(&out), rows[i].text);
        strbuf_done(&out);
    }
}

static struct delivery_line sample(void)
{
    return (struct delivery_line){
        .queue_id = STR("98AC3161ABF"),
        .recipient = STR("a b@example.com"),
        .relay = STR("mx.example.com[192.0.2.1]:25"),
        .arrival = { 1000000000 },
        .activated = { 1000010000 },
        .dispatched = { 1000010000 },
        .connected = { 1000210000 },
        .done = { 1000310000 },
        .dsn = DSN_STATUS(2, 0, 0),
        .status = STR("sent"),
        .text = STR("250 2.0.0 Ok: queued as 4F"),
    };
}

static void expect_line(const struct delivery_line *line, const char *expected)
{
    struct strbuf out;

    strbuf_init(&out, 1000);
    delivery_line_format(line, 2, &out);
    EXPECT_TEXT(strbuf_c(&out), expected);
    strbuf_done(&out);
}

TEST(the_line_is_postfix_s)
{
    struct delivery_line line = sample();

    expect_line(&line, "98AC3161ABF: to=<\"a b\"@example.com>, relay=mx.example.com[192.0.2.1]:25, delay=0.31, "
                       "delays=0.01/0/0.2/0.1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4F)");
    line.original = STR("alias@example.com");
    line.connection_use = 2;
    expect_line(&line, "98AC3161ABF: to=<\"a b\"@example.com>, orig_to=<alias@example.com>, "
                       "relay=mx.example.com[192.0.2.1]:25, conn_use=2, delay=0.31, delays=0.01/0/0.2/0.1, dsn=2.0.0, "
                       "status=sent (250 2.0.0 Ok: queued as 4F)");
}

TEST(an_agent_without_connection_spends_all_in_the_last_part)
{
    struct delivery_line line = sample();

    line.connected.us = 0;
    line.relay = STR_EMPTY;
    line.original = line.recipient;
    expect_line(&line, "98AC3161ABF: to=<\"a b\"@example.com>, relay=none, delay=0.31, delays=0.01/0/0/0.3, dsn=2.0.0, "
                       "status=sent (250 2.0.0 Ok: queued as 4F)");
}
