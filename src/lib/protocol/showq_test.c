/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/showq.h"

#include "unit.h"

static struct strbuf told;

static void tell_message(void *context, const struct showq_message *message)
{
    (void) context;
    strbuf_printf(&told, "[%.*s %.*s %lld %llu %d %.*s", STR_ARG(message->queue_name), STR_ARG(message->queue_id),
                  (long long) message->arrival_seconds, (unsigned long long) message->size, message->is_forced_expire,
                  STR_ARG(message->sender));
}

static void tell_recipient(void *context, const struct showq_recipient *recipient)
{
    (void) context;
    strbuf_printf(&told, " <%.*s|%.*s>", STR_ARG(recipient->address), STR_ARG(recipient->reason));
}

static void tell_end(void *context)
{
    (void) context;
    strbuf_append_char(&told, ']');
}

static const struct showq_sink sink = { tell_message, tell_recipient, tell_end, NULL };

static void write_two(struct strbuf *out)
{
    const struct showq_message first = { STR("deferred"), STR("ABC"), 1000, 265, false, STR("s@example.com") };
    const struct showq_message second = { STR("hold"), STR("DEF"), 2000, 1, true, STR("MAILER-DAEMON") };
    const struct showq_recipient a = { STR("a@bar.test"), STR("connect refused") };
    const struct showq_recipient b = { STR("b@bar.test"), STR("") };

    showq_append_greeting(out);
    showq_append_message(out, &first);
    showq_append_recipient(out, &a);
    showq_append_recipient(out, &b);
    showq_append_message_end(out);
    showq_append_message(out, &second);
    showq_append_message_end(out);
    showq_append_end(out);
}

TEST(the_stream_is_postfix_own)
{
    static const char expected[] = "protocol\0mail_queue_list_protocol\0\0queue_name\0deferred\0queue_id\0ABC\0time\0"
                                   "1000\0size\000265\0forced_expire\0000\0sender\0s@example.com\0recipient\0"
                                   "a@bar.test\0reason\0connect refused\0recipient\0b@bar.test\0reason\0\0\0"
                                   "queue_name\0hold\0queue_id\0DEF\0time\0002000\0size\0001\0forced_expire\0001\0"
                                   "sender\0MAILER-DAEMON\0\0";
    struct strbuf out;

    strbuf_init(&out, STRBUF_UNLIMITED);
    write_two(&out);
    EXPECT_STR(strbuf_str(&out), str_make(expected, sizeof expected));
    strbuf_done(&out);
}

TEST(what_is_written_is_read_again_in_pieces_of_any_size)
{
    struct strbuf out;
    size_t step;

    strbuf_init(&out, STRBUF_UNLIMITED);
    strbuf_init(&told, STRBUF_UNLIMITED);
    write_two(&out);
    for (step = 1; step <= out.len; step++) {
        struct showq_reader reader;
        size_t at;

        strbuf_clear(&told);
        showq_reader_init(&reader, &sink);
        for (at = 0; at < out.len; at += step)
            EXPECT(showq_reader_take(&reader, str_part(strbuf_str(&out), at, step)));
        EXPECT(showq_reader_is_complete(&reader));
        showq_reader_done(&reader);
        EXPECT_STR(strbuf_str(&told), STR("[deferred ABC 1000 265 0 s@example.com <a@bar.test|connect refused> "
                                          "<b@bar.test|>][hold DEF 2000 1 1 MAILER-DAEMON]"));
    }
    strbuf_done(&out);
    strbuf_done(&told);
}

TEST(what_is_cut_off_or_no_listing_is_noticed)
{
    struct showq_reader reader;

    strbuf_init(&told, STRBUF_UNLIMITED);
    showq_reader_init(&reader, &sink);
    EXPECT(showq_reader_take(&reader, str_make("protocol\0mail_queue_list_protocol\0\0queue_name\0hold\0", 51)));
    EXPECT_FALSE(showq_reader_is_complete(&reader));
    showq_reader_done(&reader);
    showq_reader_init(&reader, &sink);
    EXPECT_FALSE(showq_reader_take(&reader, str_make("protocol\0other\0\0", 16)));
    showq_reader_done(&reader);
    strbuf_done(&told);
}
