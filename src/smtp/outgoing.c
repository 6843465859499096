/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/outgoing.h"

#include "base/memory.h"
#include "base/time.h"
#include "checks/checks.h"
#include "run/fiber.h"
#include "smtp/log_lines.h"

/* How long one message may keep the others of the process waiting, and how often that is looked at. */
enum { TURN_US = 10000, LOOKS_A_CLOCK = 16 };

/* The queue has no longer fields than cleanup let in (header_size_limit), which is far less. */
enum { FIELD_MAXIMUM = 64 * 1024 * 1024 };

struct outgoing {
    struct outgoing_options options;
    struct mime_parser *parser;
    struct arena *scratch; /* one field or line */
};

struct outgoing *outgoing_create(const struct outgoing_options *options)
{
    bool is_mime = options->encodes_8bit || checks_has_any(options->checks);
    const struct mime_options mime = {
        .header_size_limit = FIELD_MAXIMUM,
        .line_limit = options->line_limit,
        .boundary_limit = options->boundary_limit,
        .nesting_limit = options->nesting_limit,
        .ignores_mime = !is_mime,
        .encodes_8bit = options->encodes_8bit,
        .needs_no_lines = !checks_has(options->checks, CHECKS_BODY),
    };
    struct outgoing *outgoing;

    if (!is_mime && options->map == NULL)
        return NULL;
    outgoing = memory_alloc(sizeof *outgoing);
    outgoing->options = *options;
    outgoing->parser = mime_parser_create(&mime);
    outgoing->scratch = arena_create();
    return outgoing;
}

void outgoing_destroy(struct outgoing **outgoing)
{
    if (*outgoing == NULL)
        return;
    mime_parser_destroy(&(*outgoing)->parser);
    arena_destroy(&(*outgoing)->scratch);
    memory_free(*outgoing);
    *outgoing = NULL;
}

/* ---- checks ---- */

static enum checks_class class_of(const struct mime_event *event)
{
    if (event->type == MIME_BODY)
        return CHECKS_BODY;
    if (event->is_mime_field || event->place == MIME_PART)
        return CHECKS_MIME_HEADER;
    return event->place == MIME_NESTED ? CHECKS_NESTED_HEADER : CHECKS_HEADER;
}

static void tell(const struct outgoing *outgoing, enum checks_class class, struct str text,
                 const struct checks_verdict *verdict)
{
    smtp_log_check(outgoing->options.queue_id, checks_action_word(verdict->action), checks_class_word(class), text,
                   verdict->text);
}

/* Whether the text goes on, perhaps as another one, with what goes before it in *before_out. */
static bool obey(const struct outgoing *outgoing, enum checks_class class, const struct checks_verdict *verdict,
                 struct str *text, struct str *before_out)
{
    if (verdict->complaint.len > 0)
        smtp_log_bad_rule(verdict->complaint);
    if (verdict->action == CHECKS_NONE)
        return true;
    if (verdict->action == CHECKS_IGNORE)
        return false;
    tell(outgoing, class, *text, verdict);
    if (verdict->action == CHECKS_PREPEND)
        *before_out = verdict->text;
    else if (verdict->action == CHECKS_REPLACE)
        *text = verdict->text;
    return verdict->action != CHECKS_STRIP;
}

static struct checks_verdict ask(const struct outgoing *outgoing, enum checks_class class,
                                 const struct mime_event *event)
{
    const struct checks *checks = outgoing->options.checks;

    if (class == CHECKS_BODY)
        return checks_body(checks, event->text, event->offset, outgoing->scratch);
    return checks_header(checks, class, event->text, outgoing->scratch);
}

/* ---- events ---- */

static bool put_field(const struct outgoing *outgoing, const struct mime_event *event, struct str text,
                      struct strbuf *out, struct failure *why)
{
    const struct outgoing_options *options = &outgoing->options;

    if (options->map != NULL && event->place == MIME_PRIMARY && generic_headers_concern(event->text))
        return generic_headers_put(options->map, options->map_context, options->address_limit, outgoing->scratch, text,
                                   out, why);
    strbuf_append(out, text);
    strbuf_append_char(out, '\n');
    return true;
}

/* A field or a piece of the body. */
static enum outgoing_result take_text(const struct outgoing *outgoing, const struct mime_event *event,
                                      struct strbuf *out, struct failure *why)
{
    enum checks_class class = class_of(event);
    struct str text = event->text, before = STR_EMPTY;

    if (checks_has(outgoing->options.checks, class)) {
        struct checks_verdict verdict = ask(outgoing, class, event);

        if (verdict.action == CHECKS_UNKNOWN) {
            smtp_log_table_trouble(checks_title(outgoing->options.checks, class),
                                   arena_c(outgoing->scratch, verdict.complaint));
            smtp_log_not_checked(outgoing->options.queue_id, checks_class_word(class));
            return OUTGOING_NOT_CHECKED;
        }
        if (!obey(outgoing, class, &verdict, &text, &before))
            return OUTGOING_GOOD;
    }
    if (before.len > 0) {
        strbuf_append(out, before);
        strbuf_append_char(out, '\n');
    }
    if (event->type == MIME_FIELD)
        return put_field(outgoing, event, text, out, why) ? OUTGOING_GOOD : OUTGOING_NOT_MAPPED;
    strbuf_append(out, text);
    if (event->ends_line)
        strbuf_append_char(out, '\n');
    return OUTGOING_GOOD;
}

static void give_way(const struct outgoing *outgoing, unsigned looks, struct instant *turn)
{
    if (looks % LOOKS_A_CLOCK != 0 || outgoing->options.loop == NULL || !checks_has_any(outgoing->options.checks) ||
        instant_since(clock_monotonic(), *turn).us < TURN_US)
        return;
    fiber_yield(outgoing->options.loop);
    *turn = clock_monotonic();
}

enum outgoing_result outgoing_add(struct outgoing *outgoing, struct str piece, bool is_last, struct strbuf *out,
                                  struct failure *why)
{
    struct mime_event event;
    enum outgoing_result result = OUTGOING_GOOD;
    struct instant turn = clock_monotonic();
    unsigned looks = 0;

    while (result == OUTGOING_GOOD && mime_parser_next(outgoing->parser, &piece, is_last, &event) != MIME_MORE) {
        if (event.type == MIME_FIELD || event.type == MIME_BODY)
            result = take_text(outgoing, &event, out, why);
        else
            strbuf_append(out, event.text);
        arena_reset(outgoing->scratch);
        give_way(outgoing, ++looks, &turn);
    }
    return result;
}
