/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/outgoing.h"

#include "checks/checks.h"
#include "table/table.h"
#include "unit.h"

/* "me@in" becomes "you@out.test"; "bad@in" cannot be told. */
static enum table_result map(void *context, struct arena *arena, struct str *address, struct failure *why)
{
    (void) context, (void) arena;
    if (str_equal(*address, STR("bad@in")) && failure_set(why, FAILURE_RETRY, 0, "no answer"))
        return TABLE_FOUND;
    if (str_equal(*address, STR("bad@in")))
        return TABLE_UNKNOWN;
    if (!str_equal(*address, STR("me@in")))
        return TABLE_ABSENT;
    *address = STR("you@out.test");
    return TABLE_FOUND;
}

/* The rules of each class, one text a field or line. */
struct rules {
    const char *header;
    const char *mime_header;
    const char *nested_header;
    const char *body;
};

struct bench {
    struct table_set *set;
    struct arena *arena;
    struct outgoing_options options;
};

static struct bench open_bench(const struct rules *rules)
{
    const struct table_set_options set_options = { .loop = NULL };
    const struct checks_options options = {
        .tables = {
            [CHECKS_HEADER] = { STR("smtp_header_checks"), str_from_c(rules->header) },
            [CHECKS_MIME_HEADER] = { STR("smtp_mime_header_checks"), str_from_c(rules->mime_header) },
            [CHECKS_NESTED_HEADER] = { STR("smtp_nested_header_checks"), str_from_c(rules->nested_header) },
            [CHECKS_BODY] = { STR("smtp_body_checks"), str_from_c(rules->body) },
        },
        .actions = CHECKS_ACTIONS_DELIVERY,
        .body_size_limit = UINT64_MAX,
    };
    struct bench bench = { .set = table_set_create(&set_options), .arena = arena_create() };

    bench.options = (struct outgoing_options){
        .queue_id = STR("ID"),
        .checks = checks_open(bench.set, &options, bench.arena),
        .line_limit = 2048,
        .boundary_limit = 2048,
        .nesting_limit = 100,
        .address_limit = 3,
    };
    return bench;
}

static void close_bench(struct bench *bench)
{
    table_set_destroy(&bench->set);
    arena_destroy(&bench->arena);
}

static enum outgoing_result filter(const struct bench *bench, struct str text, size_t piece, struct strbuf *out)
{
    struct outgoing *outgoing = outgoing_create(&bench->options);
    enum outgoing_result result = OUTGOING_GOOD;
    struct failure why;

    strbuf_clear(out);
    for (; result == OUTGOING_GOOD && text.len > 0; text = str_from(text, piece))
        result = outgoing_add(outgoing, str_part(text, 0, piece), false, out, &why);
    if (result == OUTGOING_GOOD)
        result = outgoing_add(outgoing, STR_EMPTY, true, out, &why);
    outgoing_destroy(&outgoing);
    EXPECT(outgoing == NULL);
    return result;
}

/* However the content is cut. */
static void expect_outgoing(const struct bench *bench, const char *text, const char *expected)
{
    struct strbuf out;

    strbuf_init(&out, STRBUF_UNLIMITED);
    for (size_t piece = 1; piece < 80; piece++) {
        EXPECT_INT(filter(bench, str_from_c(text), piece, &out), OUTGOING_GOOD);
        EXPECT_STR(strbuf_str(&out), str_from_c(expected));
    }
    strbuf_done(&out);
}

static const struct rules no_rules = { "", "", "", "" };

TEST(content_that_nothing_happens_to_needs_no_filter)
{
    struct bench bench = open_bench(&no_rules);

    EXPECT(outgoing_create(&bench.options) == NULL);
    close_bench(&bench);
}

TEST(addresses_are_mapped_and_all_else_stays)
{
    static const struct {
        const char *text;
        const char *mapped;
    } rows[] = {
        { "From: me@in\n\nFrom: me@in\n", "From: you@out.test\n\nFrom: me@in\n" },
        { "To: A <me@in> (c),\n\tb@in,\n \"q, me@in\" <me@in>\nSubject: me@in\n\n",
          "To: A <you@out.test> (c),\n\tb@in,\n \"q, me@in\" <you@out.test>\nSubject: me@in\n\n" },
        { "Received: from me@in\nDelivered-To: me@in\nX-To: me@in\n\nb",
          "Received: from me@in\nDelivered-To: me@in\nX-To: me@in\n\nb" },
        { "To: me@in, me@in, me@in, me@in\n\n", "To: you@out.test, you@out.test, you@out.test, me@in\n\n" },
        { "To: g: me@in, x@in;, h:;\nCc:\n\n", "To: g: you@out.test, x@in;, h:;\nCc:\n\n" },
        { "Content-Type: message/rfc822\n\nTo: me@in\n\n", "Content-Type: message/rfc822\n\nTo: me@in\n\n" },
        { "\nTo: me@in\n", "\nTo: me@in\n" },
        { "", "" },
    };
    struct bench bench = open_bench(&no_rules);

    bench.options.map = map;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        expect_outgoing(&bench, rows[i].text, rows[i].mapped);
    bench.options.encodes_8bit = true;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        expect_outgoing(&bench, rows[i].text, rows[i].mapped);
    close_bench(&bench);
}

TEST(an_address_that_cannot_be_mapped_now_stops_the_message)
{
    struct bench bench = open_bench(&no_rules);
    struct strbuf out;

    bench.options.map = map;
    strbuf_init(&out, STRBUF_UNLIMITED);
    EXPECT_INT(filter(&bench, STR("To: x@in, bad@in\n\nbody\n"), 7, &out), OUTGOING_NOT_MAPPED);
    EXPECT_INT(filter(&bench, STR("Subject: bad@in\n\nTo: bad@in\n"), 7, &out), OUTGOING_GOOD);
    strbuf_done(&out);
    close_bench(&bench);
}

TEST(each_class_is_asked_of_its_own)
{
    static const struct rules rules = {
        .header = "inline:{{X: y = REPLACE X: header}, {Content-Type: text/plain = REPLACE X: wrong}}",
        .mime_header = "inline:{{X: y = REPLACE X: mime}, {Content-Type: text/plain = STRIP}}",
        .nested_header = "inline:{{X: y = REPLACE X: nested}}",
        .body = "inline:{{X: y = REPLACE body}, {--A = PREPEND before}}",
    };
    struct bench bench = open_bench(&rules);

    expect_outgoing(
        &bench,
        "X: y\nContent-Type: multipart/mixed; boundary=A\n\nX: y\n--A\nX: y\nContent-Type: text/plain\n\nX: y\n"
        "--A\nContent-Type: message/rfc822\n\nX: y\n\nX: y\n--A--\nX: y",
        "X: header\nContent-Type: multipart/mixed; boundary=A\n\nbody\nbefore\n--A\nX: mime\n\nbody\n"
        "before\n--A\nContent-Type: message/rfc822\n\nX: nested\n\nbody\n--A--\nbody");
    close_bench(&bench);
}

TEST(rules_do_what_they_may)
{
    static const struct rules rules = {
        .header = "inline:{{A: 1 = IGNORE}, {A: 2 = PREPEND B: 2}, {A: 3 = STRIP x}, {A: 4 = WARN}, {A: 5 = INFO}, "
                  "{A: 6 = REJECT}, {A: 7 = DISCARD}, {A: 8 = REPLACE none}, {A: 9 = DUNNO}}",
        .mime_header = "",
        .nested_header = "",
        .body = "inline:{{1 = IGNORE}, {2 = PREPEND .}, {3 = STRIP}, {4 = REPLACE x}, {5 = REJECT}}",
    };
    struct bench bench = open_bench(&rules);

    expect_outgoing(&bench, "A: 1\nA: 2\nA: 3\nA: 4\nA: 5\nA: 6\nA: 7\nA: 8\nA: 9\n\n1\n2\n3\n4\n5\n",
                    "B: 2\nA: 2\nA: 4\nA: 5\nA: 6\nA: 7\nA: 8\nA: 9\n\n.\n2\nx\n5\n");
    close_bench(&bench);
}

TEST(what_stands_for_an_address_field_is_mapped_and_what_is_before_it_is_not)
{
    static const struct rules rules = {
        .header =
            "inline:{{Cc: x@in = REPLACE To: me@in}, {X: y = REPLACE To: me@in}, {To: me@in = PREPEND Cc: me@in}}",
        .mime_header = "",
        .nested_header = "",
        .body = "",
    };
    struct bench bench = open_bench(&rules);

    bench.options.map = map;
    expect_outgoing(&bench, "Cc: x@in\nX: y\nTo: me@in\n\n",
                    "To: you@out.test\nTo: me@in\nCc: me@in\nTo: you@out.test\n\n");
    close_bench(&bench);
}

TEST(the_checks_see_what_the_server_will_see)
{
    static const struct rules rules = {
        .header = "inline:{{Content-Transfer-Encoding: quoted-printable = REPLACE X: coded}, "
                  "{Content-Transfer-Encoding: 8bit = REPLACE X: never}}",
        .mime_header = "inline:{{Content-Transfer-Encoding: 8bit = REPLACE X: never}}",
        .nested_header = "",
        .body = "inline:{{gr<FC>n = REPLACE plain}}",
    };
    struct bench bench = open_bench(&rules);

    bench.options.encodes_8bit = true;
    expect_outgoing(&bench, "Content-Transfer-Encoding: 8bit\n\ngr\xfcn\n", "X: coded\n\ngr=FCn\n");
    close_bench(&bench);
}

TEST(a_table_that_cannot_answer_stops_the_message)
{
    static const struct rules rules = { "", "", "", "cdb:/nosuch/file" };
    struct bench bench = open_bench(&rules);
    struct strbuf out;

    strbuf_init(&out, STRBUF_UNLIMITED);
    EXPECT_INT(filter(&bench, STR("A: b\n\nc\n"), 3, &out), OUTGOING_NOT_CHECKED);
    EXPECT_INT(filter(&bench, STR("A: b\n\n"), 3, &out), OUTGOING_GOOD);
    strbuf_done(&out);
    close_bench(&bench);
}

/* RFC 6532 section 3.7, RFC 6533: unlike message/rfc822 they may be encoded, and their headers have to be. */
TEST(other_messages_are_encoded_as_a_whole)
{
    static const char *const types[] = {
        "message/global",  "message/global-headers",  "message/global-delivery-status",
        "message/partial", "message/delivery-status", "message/rfc822x",
    };
    struct bench bench = open_bench(&no_rules);

    bench.options.encodes_8bit = true;
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        struct str content = arena_printf(bench.arena,
                                          "Content-Type: multipart/report; boundary=b\n\n--b\n"
                                          "Content-Type: %s\nContent-Transfer-Encoding: 8bit\n\n"
                                          "Subject: \xc3\xbc\nContent-Transfer-Encoding: 8bit\n\n\xc3\xa4\n--b--\n",
                                          types[i]);
        struct str expected = arena_printf(bench.arena,
                                           "Content-Type: multipart/report; boundary=b\n\n--b\n"
                                           "Content-Type: %s\nContent-Transfer-Encoding: quoted-printable\n\n"
                                           "Subject: =C3=BC\nContent-Transfer-Encoding: 8bit\n\n=C3=A4\n--b--\n",
                                           types[i]);

        expect_outgoing(&bench, content.data, expected.data);
    }
    close_bench(&bench);
}
