/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mime_parser - with small limits, in pieces of each size: what is written of the events is the message again, whoever
 * looks at lines; encoded, no line of it is too long; no text is longer than the limits allow.
 */

#include "mail/mime_parser.h"
#include "base/check.h"
#include "base/strbuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELD_LIMIT = 1000, LINE_LIMIT = 50, ENCODED_LIMIT = 76 };

static void check_event(const struct mime_options *options, const struct mime_event *event)
{
    if (event->type == MIME_FIELD)
        CHECK(event->text.len <= FIELD_LIMIT && !str_ends_with(event->text, STR("\n")));
    if (event->type == MIME_BODY && !options->needs_no_lines)
        CHECK(event->text.len <= ENCODED_LIMIT && !str_contains_char(event->text, '\n'));
    if (event->type == MIME_FINDING)
        CHECK(event->finding != MIME_FINDING_NONE && mime_finding_text(event->finding).len > 0);
}

static void run(const struct mime_options *options, struct str content, size_t piece, struct strbuf *out)
{
    struct mime_parser *parser = mime_parser_create(options);
    struct mime_event event;

    strbuf_clear(out);
    for (bool is_last = false; !is_last; content = str_from(content, piece)) {
        struct str part = str_part(content, 0, piece);

        is_last = part.len == 0;
        while (mime_parser_next(parser, &part, is_last, &event) != MIME_MORE) {
            check_event(options, &event);
            if (event.type == MIME_FINDING)
                continue;
            strbuf_append(out, event.text);
            if (event.type == MIME_FIELD || (event.type == MIME_BODY && event.ends_line))
                strbuf_append_char(out, '\n');
        }
        CHECK(part.len == 0);
    }
    mime_parser_destroy(&parser);
}

/* Appends it without blanks: those before colons go. */
static void append_solid(struct strbuf *out, struct str text)
{
    struct str word;

    while (str_next_word(&text, " \t", &word))
        strbuf_append(out, word);
}

/* All of it, but for a LF at the end of a header and one before a body without. */
static void check_same(struct str content, struct str out)
{
    struct strbuf before, after;
    size_t added = 0;

    strbuf_init(&before, STRBUF_UNLIMITED);
    strbuf_init(&after, STRBUF_UNLIMITED);
    append_solid(&before, content);
    append_solid(&after, out);
    for (size_t i = 0; i < before.len; i++) {
        while (i + added < after.len && after.data[i + added] != before.data[i])
            CHECK(after.data[i + added] == '\n' && ++added <= 2);
        CHECK(i + added < after.len);
    }
    CHECK(after.len <= before.len + 2);
    strbuf_done(&before);
    strbuf_done(&after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str content = str_from(str_make((const char *) data, size), 1);
    struct mime_options options = {
        .header_size_limit = FIELD_LIMIT,
        .line_limit = LINE_LIMIT,
        .boundary_limit = 10,
        .nesting_limit = 3,
        .findings = 0xf,
    };
    struct strbuf whole, cut;

    if (size == 0)
        return 0;
    strbuf_init(&whole, STRBUF_UNLIMITED);
    strbuf_init(&cut, STRBUF_UNLIMITED);
    for (unsigned i = 0; i < 8; i++) {
        options.encodes_8bit = (i & 1) != 0;
        options.needs_no_lines = (i & 2) != 0;
        options.ignores_mime = (i & 4) != 0;
        run(&options, content, size, &whole);
        run(&options, content, (size_t) data[0] + 1, &cut);
        CHECK(str_equal(strbuf_str(&whole), strbuf_str(&cut)));
        if (!options.encodes_8bit && content.len <= FIELD_LIMIT)
            check_same(content, strbuf_str(&whole));
    }
    strbuf_done(&whole);
    strbuf_done(&cut);
    return 0;
}
