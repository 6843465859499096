/* SPDX-License-Identifier: Apache-2.0 */
/* The traces are what Postfix's checks see of the same mail: H, M, N, B name the table that is asked. */

#include "mail/mime_parser.h"

#include "base/strbuf.h"
#include "unit.h"

static const struct mime_options usual = {
    .header_size_limit = 102400,
    .line_limit = 2048,
    .boundary_limit = 2048,
    .nesting_limit = 100,
};

enum { ALL_FINDINGS = 0xf };

struct run {
    struct strbuf trace;   /* of all that is checked: K[text] */
    struct strbuf content; /* as it is written */
    struct strbuf offsets; /* of body lines */
};

static void run_init(struct run *run)
{
    strbuf_init(&run->trace, STRBUF_UNLIMITED);
    strbuf_init(&run->content, STRBUF_UNLIMITED);
    strbuf_init(&run->offsets, STRBUF_UNLIMITED);
}

static void run_done(struct run *run)
{
    strbuf_done(&run->trace);
    strbuf_done(&run->content);
    strbuf_done(&run->offsets);
}

static char field_class(const struct mime_event *event)
{
    if (event->place == MIME_PART || event->is_mime_field)
        return 'M';
    return event->place == MIME_NESTED ? 'N' : 'H';
}

static void note(struct run *run, char class, struct str text)
{
    if (run->trace.len > 0)
        strbuf_append_char(&run->trace, ' ');
    strbuf_append_char(&run->trace, class);
    strbuf_append_char(&run->trace, '[');
    strbuf_append(&run->trace, text);
    strbuf_append_char(&run->trace, ']');
}

static void take_event(struct run *run, const struct mime_event *event)
{
    switch (event->type) {
    case MIME_FIELD:
        note(run, field_class(event), event->text);
        strbuf_append(&run->content, event->text);
        strbuf_append_char(&run->content, '\n');
        break;
    case MIME_HEADER_END:
        strbuf_append(&run->content, event->text);
        break;
    case MIME_BODY:
        if (event->text.len > 0)
            note(run, 'B', event->text);
        strbuf_printf(&run->offsets, "%u ", (unsigned) event->offset);
        strbuf_append(&run->content, event->text);
        if (event->ends_line)
            strbuf_append_char(&run->content, '\n');
        break;
    case MIME_FINDING:
        note(run, '!', mime_finding_text(event->finding));
        note(run, '=', event->text);
        break;
    case MIME_MORE:
        break;
    }
}

/* In pieces of that size; each lies in memory of its own that is overwritten afterwards. */
static void parse(struct run *run, const struct mime_options *options, struct str text, size_t size)
{
    struct mime_parser *parser = mime_parser_create(options);
    struct mime_event event;
    char copy[200000];

    for (bool is_last = false; !is_last;) {
        struct str part = str_part(text, 0, size < sizeof copy ? size : sizeof copy);

        memcpy(copy, part.data, part.len);
        text = str_from(text, part.len);
        is_last = part.len == 0;
        part.data = copy;
        while (mime_parser_next(parser, &part, is_last, &event) != MIME_MORE)
            take_event(run, &event);
        memset(copy, '-', sizeof copy);
    }
    mime_parser_destroy(&parser);
}

/* The same, however it is cut. */
static void expect_trace_with(const struct mime_options *options, const char *text, const char *trace)
{
    static const size_t sizes[] = { 100000, 1, 2, 3, 7, 64 };

    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        struct run run;

        run_init(&run);
        parse(&run, options, str_from_c(text), sizes[i]);
        EXPECT_STR(strbuf_str(&run.trace), str_from_c(trace));
        run_done(&run);
    }
}

static void expect_trace(const char *text, const char *trace)
{
    expect_trace_with(&usual, text, trace);
}

static void expect_content(const struct mime_options *options, const char *text, const char *content)
{
    for (size_t size = 1; size < 100000; size *= 7) {
        struct run run;

        run_init(&run);
        parse(&run, options, str_from_c(text), size);
        EXPECT_STR(strbuf_str(&run.content), str_from_c(content));
        run_done(&run);
    }
}

#define MULTIPART "Content-Type: multipart/mixed; boundary="

TEST(fields_and_lines_are_told_by_where_they_stand)
{
    expect_trace(
        "Subject: s\nMIME-Version: 1.0\n" MULTIPART "AA\nX-Foo: prim\n\npreamble\n--AA\nContent-Type: text/plain\n"
        "X-Part: p\n\nbody1\n--AA\nContent-Type: message/rfc822\n\nFrom: in\nContent-Type: text/plain\n\n"
        "inner body\n--AA--\nepilogue\n",
        "H[Subject: s] M[MIME-Version: 1.0] M[" MULTIPART "AA] H[X-Foo: prim] B[preamble] B[--AA] "
        "M[Content-Type: text/plain] M[X-Part: p] B[body1] B[--AA] M[Content-Type: message/rfc822] N[From: in] "
        "M[Content-Type: text/plain] B[inner body] B[--AA--] B[epilogue]");
}

TEST(only_six_fields_are_mime_fields)
{
    expect_trace("Content-ID: 1\nContent-Description: 2\ncontent-disposition : 3\nContent-Length: 4\nContent-MD5: 5\n"
                 "Content-Foo: 6\n\n",
                 "M[Content-ID: 1] M[Content-Description: 2] M[content-disposition: 3] H[Content-Length: 4] "
                 "H[Content-MD5: 5] H[Content-Foo: 6]");
}

TEST(blanks_before_the_colon_go)
{
    expect_trace("S \t: s\nContent-Type : message/rfc822\n\nT\t: t :\n\nU : u\n",
                 "H[S: s] M[Content-Type: message/rfc822] N[T: t :] B[U : u]");
}

TEST(a_header_ends_at_what_is_no_field)
{
    expect_trace("S: s\n" MULTIPART "AA\n\n--AA\nT: u\nno header here\nV: w\n--AA\nT: x\n--AA--\nX: y\n",
                 "H[S: s] M[" MULTIPART
                 "AA] B[--AA] M[T: u] B[no header here] B[V: w] B[--AA] M[T: x] B[--AA--] B[X: y]");
    expect_trace(MULTIPART "A\n--A\nX: y\n\nf\n", "M[" MULTIPART "A] B[--A] M[X: y] B[f]");
    expect_trace("X: a\n--A\n" MULTIPART "A\n\n--A\n", "H[X: a] B[--A] B[" MULTIPART "A] B[--A]");
    expect_trace(MULTIPART "A\n\n--A\nX: y\n X2: y\n--A\n Z: y\n",
                 "M[" MULTIPART "A] B[--A] M[X: y\n X2: y] B[--A] B[ Z: y]");
    expect_trace("\nbody\n", "B[body]");
    expect_trace(" body\nX: y\n", "B[ body] B[X: y]");
    expect_trace("", "");
}

TEST(a_boundary_that_looks_like_a_field_is_one_in_a_header)
{
    expect_trace(MULTIPART "AA\n\n--AA: foo\nbar: x\n\nfoo\n--AA\nBar: x\n--AA: foo\nYY: x\n\n--AA--: x\n",
                 "M[" MULTIPART
                 "AA] B[--AA: foo] M[bar: x] B[foo] B[--AA] M[Bar: x] M[--AA: foo] M[YY: x] B[--AA--: x]");
}

TEST(what_is_inside_ends_with_the_part_around_it)
{
    expect_trace(MULTIPART "AA\n\n--AA\n" MULTIPART
                           "BB\n\n--BB\nF: b\n\nt\n--AA\nG: b\n\n--BB\nH: b\n\n--AA--\n--AA\nI: b\n",
                 "M[" MULTIPART "AA] B[--AA] M[" MULTIPART "BB] B[--BB] M[F: b] B[t] B[--AA] M[G: b] B[--BB] B[H: b] "
                 "B[--AA--] B[--AA] B[I: b]");
}

TEST(of_boundaries_that_begin_alike_the_innermost_is_meant)
{
    expect_trace(MULTIPART "abcd\n\n--abcd\n" MULTIPART "abc\n\n--abc\nI: n\n\nt\n--abcd\nO: u\n\n--abcd--\nR: r\n",
                 "M[" MULTIPART "abcd] B[--abcd] M[" MULTIPART
                 "abc] B[--abc] M[I: n] B[t] B[--abcd] M[O: u] B[--abcd--] "
                 "M[R: r]");
    expect_trace(MULTIPART "abc\n\n--abc\n" MULTIPART "abcd\n\n--abcd\nI: n\n\nt\n--abcd--\nP: v\n\n--abc\nR: r\n",
                 "M[" MULTIPART "abc] B[--abc] M[" MULTIPART
                 "abcd] B[--abcd] M[I: n] B[t] B[--abcd--] B[P: v] B[--abc] "
                 "M[R: r]");
    expect_trace(
        MULTIPART "abc\n\n--abc\n" MULTIPART "abc\n\n--abc\nI: n\n\nt\n--abc--\nO: u\n\n--abc\nP: v\n\n--abc--\nR: r\n",
        "M[" MULTIPART "abc] B[--abc] M[" MULTIPART "abc] B[--abc] M[I: n] B[t] B[--abc--] B[O: u] B[--abc] M[P: v] "
        "B[--abc--] B[R: r]");
}

TEST(parts_of_a_digest_are_messages)
{
    expect_trace(
        "Content-Type: multipart/digest; boundary=A\n\n--A\n\nF: x\n\nt\n--A\nContent-Type: text/plain\n\nF: x\n"
        "--A\nContent-Type: foo/bar\n\nF: x\n",
        "M[Content-Type: multipart/digest; boundary=A] B[--A] N[F: x] B[t] B[--A] M[Content-Type: text/plain] "
        "B[F: x] B[--A] M[Content-Type: foo/bar] N[F: x]");
}

TEST(only_messages_are_read_as_messages)
{
    expect_trace("Content-Type: message/global\n\nF: x\n", "M[Content-Type: message/global] N[F: x]");
    expect_trace("Content-Type: message/partial\n\nF: x\n", "M[Content-Type: message/partial] B[F: x]");
    expect_trace("Content-Type: message/delivery-status\n\nF: x\n", "M[Content-Type: message/delivery-status] B[F: x]");
    expect_trace("Content-Type: message/rfc822\n\n\nF: x\n", "M[Content-Type: message/rfc822] B[F: x]");
    expect_trace("Content-Type: message/rfc822\n\nF: x\nno\nG: y\n",
                 "M[Content-Type: message/rfc822] N[F: x] B[no] B[G: y]");
}

TEST(without_mime_all_after_the_header_is_body)
{
    struct mime_options options = usual;

    options.ignores_mime = true;
    options.findings = ALL_FINDINGS;
    expect_trace_with(&options, MULTIPART "A\n\n--A\nX: \xc3\xbc\n\n", "M[" MULTIPART "A] B[--A] B[X: \xc3\xbc]");
}

TEST(long_lines_come_in_pieces)
{
    struct mime_options options = usual;

    options.line_limit = 8;
    expect_trace_with(
        &options, "X: 45678901234567\n 1234567890\nY: z\n\n12345678\n123456789\n12345678901234567\n",
        "H[X: 45678901234567\n 1234567890] H[Y: z] B[12345678] B[12345678] B[9] B[12345678] B[90123456] B[7]");
    /* A name that is longer is none. */
    expect_trace_with(&options, "Subjects: s\nS: t\n", "B[Subjects] B[: s] B[S: t]");
    /* The rest of a boundary line is no field of the part. */
    options.line_limit = 16;
    expect_trace_with(&options, MULTIPART "A\n\n--A 567890123456X: y\nZ: z\n\n--A\n",
                      "M[" MULTIPART "A] B[--A 567890123456] B[X: y] M[Z: z] B[--A]");
}

TEST(long_fields_are_cut)
{
    struct mime_options options = usual;

    options.header_size_limit = 20;
    expect_content(&options,
                   "X: 4567890123456789012345\nY: 456789\n 1234567890\n z\nZ: 45678901234567\n 12345\nA: b\n\nx\n",
                   "X: 45678901234567890\nY: 456789\n 123456789\nZ: 45678901234567\n 1\nA: b\n\nx\n");
    /* Near the end a fold is dropped whole. */
    expect_content(&options, "Z: 456789012345678\n 12345\nA: b\n\n", "Z: 456789012345678\nA: b\n\n");
}

TEST(offsets_start_again_with_each_part)
{
    struct run run;

    run_init(&run);
    parse(&run, &usual,
          STR("Subject: s\n" MULTIPART "A\n\np1\np2\n--A\nX: y\n--A\nY: z\n\nb1\nb2\n\nb3\n--A\n\nc1\n--A--\ne1\ne2\n"),
          5);
    EXPECT_STR(strbuf_str(&run.offsets), STR("1 4 7 0 1 4 7 8 11 1 0 6 9 "));
    strbuf_clear(&run.offsets);
    parse(&run, &usual, STR("X: y\nbody\nbody2\n"), 5);
    EXPECT_STR(strbuf_str(&run.offsets), STR("0 5 "));
    run_done(&run);
}

TEST(only_the_start_of_a_boundary_counts)
{
    struct mime_options options = usual;

    options.boundary_limit = 5;
    expect_trace_with(&options, MULTIPART "ABCDEFGH\n\n--ABCDEXX\nX: y\n\n--ABCDE--\nX: y\n",
                      "M[" MULTIPART "ABCDEFGH] B[--ABCDEXX] M[X: y] B[--ABCDE--] B[X: y]");
}

TEST(what_is_nested_too_deep_is_text_and_told)
{
    struct mime_options options = usual;

    options.nesting_limit = 1;
    options.findings = ALL_FINDINGS;
    expect_trace_with(&options,
                      MULTIPART "A\n\n--A\n" MULTIPART "B\n\n--B\n" MULTIPART "C\n\n--C\n" MULTIPART
                                "D\n\n--D\nX: y\n\n--C--\n--A\n" MULTIPART "E\n\n--E\nX: y\n",
                      "M[" MULTIPART "A] B[--A] M[" MULTIPART "B] B[--B] M[" MULTIPART
                      "C] B[--C] ![MIME nesting exceeds safety limit] =[" MULTIPART "D] M[" MULTIPART
                      "D] B[--D] B[X: y] B[--C--] B[--A] M[" MULTIPART "E] B[--E] M[X: y]");
}

TEST(bytes_beyond_ascii_are_told_once)
{
    struct mime_options options = usual;

    options.findings = ALL_FINDINGS;
    expect_trace_with(&options, "X: gr\xfcn\nY: \xfc\n\nx\n\xfc\n\xfc\n",
                      "![improper use of 8-bit data in message header] =[X: gr\xfcn] H[X: gr\xfcn] H[Y: \xfc] B[x] "
                      "![improper use of 8-bit data in message body] =[\xfc] B[\xfc] B[\xfc]");
}

TEST(a_part_may_say_8bit_and_what_it_is_in_need_not)
{
    struct mime_options options = usual;

    options.findings = MIME_FINDING_8BIT_BODY;
    expect_trace_with(&options, "Content-Transfer-Encoding: 8bit\n\n\xfc\n",
                      "M[Content-Transfer-Encoding: 8bit] B[\xfc]");
    expect_trace_with(&options, "Content-Transfer-Encoding: base64\n\n\xfc\n",
                      "M[Content-Transfer-Encoding: base64] B[\xfc]");
    expect_trace_with(&options, MULTIPART "A\n\n--A\nContent-Transfer-Encoding: 8bit\n\n\xfc\n--A--\n\xfd\n",
                      "M[" MULTIPART "A] B[--A] M[Content-Transfer-Encoding: 8bit] B[\xfc] B[--A--] "
                      "![improper use of 8-bit data in message body] =[\xfd] B[\xfd]");
    expect_trace_with(&options, "Content-Transfer-Encoding: 8bit\n" MULTIPART "A\n\n\xfc\n",
                      "M[Content-Transfer-Encoding: 8bit] M[" MULTIPART "A] "
                      "![improper use of 8-bit data in message body] =[\xfc] B[\xfc]");
}

TEST(what_holds_parts_is_not_encoded)
{
    static const struct {
        const char *type;
        const char *encoding;
        bool is_wrong;
    } rows[] = {
        { "multipart/mixed; boundary=A", "base64", true },
        { "multipart/mixed; boundary=A", "binary", false },
        { "multipart/mixed", "quoted-printable", true },
        { "multipart/mixed", "x-foo", false },
        { "message/rfc822", "quoted-printable", true },
        { "message/rfc822", "8bit", false },
        { "message/global", "quoted-printable", false },
        { "message/partial", "8bit", true },
        { "message/partial", "base64", false },
        { "message/external-body", "binary", true },
        { "message/delivery-status", "quoted-printable", false },
        { "text/plain", "base64", false },
    };
    struct mime_options options = usual;

    options.findings = MIME_FINDING_ENCODING_DOMAIN;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct run run;
        struct strbuf text;

        run_init(&run);
        strbuf_init(&text, STRBUF_UNLIMITED);
        strbuf_printf(&text, "Content-Transfer-Encoding: %s\nContent-Type: %s\n\nx\n", rows[i].encoding, rows[i].type);
        parse(&run, &options, strbuf_str(&text), 1000);
        EXPECT(rows[i].is_wrong ==
               (str_find(strbuf_str(&run.trace), STR("![invalid message/* or multipart/* encoding domain]")) !=
                STR_NOT_FOUND));
        strbuf_done(&text);
        run_done(&run);
    }
}

TEST(lines_that_nobody_looks_at_come_together)
{
    static const char text[] =
        "S: s\n" MULTIPART "A\n\npre\namble\n--A\nX: y\n\none\n- two\n-- three\n--A\nContent-Transfer-Encoding: 8bit\n"
        "Content-Type: message/rfc822\n\nX: y\n\nin\nner\n--A--\nepi\nlogue\nend";
    struct mime_options options = usual;

    options.needs_no_lines = true;
    expect_content(&options, text, text);
    expect_content(&usual, text, text);
    expect_trace_with(&options, MULTIPART "A\n\n--A\nX: y\n--A\nY: z\n\n--A--\n",
                      "M[" MULTIPART "A] B[--A] M[X: y] B[--A] M[Y: z] B[--A--]");
    for (size_t size = 1; size < 100; size++) {
        struct run run;

        run_init(&run);
        parse(&run, &options, str_from_c(text), size);
        EXPECT_STR(strbuf_str(&run.content), str_from_c(text));
        EXPECT(str_find(strbuf_str(&run.trace), STR("N[X: y]")) != STR_NOT_FOUND);
        EXPECT_UINT(str_count_char(strbuf_str(&run.trace), 'M'), 4);
        run_done(&run);
    }
}

TEST(eight_bit_parts_become_quoted_printable)
{
    struct mime_options options = usual;

    options.encodes_8bit = true;
    for (int i = 0; i < 2; i++) {
        options.needs_no_lines = i == 1;
        expect_content(
            &options,
            MULTIPART
            "A\nContent-Transfer-Encoding: 8bit\nX: y\n\npre\xfc\n--A\nContent-Transfer-Encoding: 8bit\nX: 1\n\n"
            "gr\xfcn = \n--A\nContent-Transfer-Encoding: 7bit\n\n=\xfc\n--A\nContent-Transfer-Encoding: binary\n\n"
            "\xfc\t\n--A--\n=\xfc\n",
            MULTIPART "A\nX: y\nContent-Transfer-Encoding: 7bit\n\npre\xfc\n--A\nX: 1\nContent-Transfer-Encoding: "
                      "quoted-printable\n\ngr=FCn =3D=20\n--A\nContent-Transfer-Encoding: 7bit\n\n=\xfc\n--A\n"
                      "Content-Transfer-Encoding: quoted-printable\n\n=FC=09\n--A--\n=\xfc\n");
    }
    expect_content(&options, "Content-Transfer-Encoding: 8bit\nX: \xfc\n",
                   "X: \xfc\nContent-Transfer-Encoding: quoted-printable\n");
    expect_content(&options, "Content-Transfer-Encoding: 8bit\n\xfc",
                   "Content-Transfer-Encoding: quoted-printable\n\n=FC");
    expect_content(
        &options,
        MULTIPART "A\n\n--A\nContent-Transfer-Encoding: 8bit\n\xfc\n--A\nContent-Transfer-Encoding: 8bit\n--A--\n",
        MULTIPART "A\n\n--A\nContent-Transfer-Encoding: quoted-printable\n=FC\n--A\nContent-Transfer-Encoding: "
                  "quoted-printable\n--A--\n");
}

TEST(messages_inside_become_7bit_and_global_ones_are_encoded_whole)
{
    struct mime_options options = usual;

    options.encodes_8bit = true;
    expect_trace_with(&options,
                      "Content-Transfer-Encoding: 8bit\nContent-Type: message/rfc822\n\nX: "
                      "\xfc\nContent-Transfer-Encoding: 8bit\n\n\xfc\n",
                      "M[Content-Type: message/rfc822] H[Content-Transfer-Encoding: 7bit] N[X: \xfc] "
                      "N[Content-Transfer-Encoding: quoted-printable] B[=FC]");
    expect_trace_with(&options,
                      "Content-Transfer-Encoding: 8bit\nContent-Type: message/global\n\nX: "
                      "\xfc\nContent-Transfer-Encoding: 8bit\n\n\xfc\n",
                      "M[Content-Type: message/global] H[Content-Transfer-Encoding: quoted-printable] B[X: =FC] "
                      "B[Content-Transfer-Encoding: 8bit] B[=FC]");
}

TEST(fields_that_can_be_encoded_are_told)
{
    struct mime_parser *parser = mime_parser_create(&usual);
    struct str text =
        STR(MULTIPART "A\n\n--A\nContent-Type: message/global\nContent-Transfer-Encoding: 8bit\n\nX: y\n" MULTIPART
                      "B\n\n--B\nX: y\n\n--B--\n--A\nX: y\nContent-Type: message/global\n\nX: y\n");
    struct mime_event event;
    char marks[20] = "";

    for (size_t i = 0; mime_parser_next(parser, &text, false, &event) != MIME_MORE;) {
        if (event.type == MIME_FIELD)
            marks[i++] = event.may_be_encoded ? '+' : '-';
    }
    EXPECT_TEXT(marks, "---+++--");
    mime_parser_destroy(&parser);
}

TEST(of_several_encodings_the_last_known_one_counts)
{
    struct mime_options options = usual;

    options.encodes_8bit = true;
#define ENCODING "Content-Transfer-Encoding: "
    expect_content(&options, ENCODING "8bit\n" ENCODING "7bit\n\n\xfc\n", ENCODING "7bit\n\n\xfc\n");
    expect_content(&options, ENCODING "7bit\n" ENCODING "8bit\n\n\xfc\n",
                   ENCODING "7bit\n" ENCODING "quoted-printable\n\n=FC\n");
    expect_content(&options, ENCODING "8bit\n" ENCODING "x-foo\n\n\xfc\n", ENCODING "quoted-printable\n\n=FC\n");
    expect_content(&options, ENCODING "x-foo\n" ENCODING "8bit\n\n\xfc\n",
                   ENCODING "x-foo\n" ENCODING "quoted-printable\n\n=FC\n");
    expect_content(&options, ENCODING "quoted-printable\n\n\xfc=\n", ENCODING "quoted-printable\n\n\xfc=\n");
}

TEST(long_lines_are_encoded_without_a_seam)
{
    struct mime_options options = usual;

    options.encodes_8bit = true;
    options.line_limit = 30;
    expect_content(&options,
                   ENCODING "8bit\n\n123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 \n"
                            "123456789 \n\xfc",
                   ENCODING
                   "quoted-printable\n\n123456789 123456789 123456789 123456789 123456789 123456789 123456789 123=\n"
                   "456789=20\n123456789=20\n=FC");
}

TEST(memory_is_bounded_however_deep_it_is_nested)
{
    struct mime_options options = usual;
    struct strbuf text;
    struct run run;

    run_init(&run);
    strbuf_init(&text, STRBUF_UNLIMITED);
    for (int i = 0; i < 10000; i++)
        strbuf_printf(&text, MULTIPART "b%06d\n\n--b%06d\n", i, i);
    for (int i = 0; i < 10000; i++)
        strbuf_append(&text, STR("--b000099\n\n"));
    options.findings = MIME_FINDING_NESTING;
    parse(&run, &options, strbuf_str(&text), 4096);
    EXPECT(str_find(strbuf_str(&run.trace), STR("![MIME nesting exceeds safety limit] =[" MULTIPART "b000102]")) !=
           STR_NOT_FOUND);
    EXPECT_STR(strbuf_str(&run.content), strbuf_str(&text));
    strbuf_done(&text);
    run_done(&run);
}

TEST(bytes_of_all_kinds_pass)
{
    struct run run;
    struct str text = STR("X: a\0b\r\nY\0: c\n\nd\0\r\ne\rf\n\r\n");

    run_init(&run);
    parse(&run, &usual, text, 3);
    EXPECT_STR(strbuf_str(&run.content), STR("X: a\0b\r\n\nY\0: c\n\nd\0\r\ne\rf\n\r\n"));
    run_done(&run);
}
