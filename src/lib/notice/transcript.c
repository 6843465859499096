/* SPDX-License-Identifier: Apache-2.0 */
#include "notice/transcript.h"

#include "config/shared_settings.h"
#include "mail/date.h"
#include "mail/quote.h"
#include "protocol/cleanup.h"

/* Bytes kept of a session, and of one line. */
enum { KEPT_MAXIMUM = 32 * 1024, LINE_KEPT = 2000 };

/* How wide the mail is, and how far a line that goes on is moved in. */
enum { WIDTH = 78, INDENT = 4 };

unsigned notice_classes(const struct strlist *words)
{
    static const struct {
        const char *name;
        unsigned classes;
    } rows[] = {
        { "bounce", NOTICE_BOUNCE | NOTICE_DOUBLE_BOUNCE },
        { "2bounce", NOTICE_DOUBLE_BOUNCE },
        { "data", NOTICE_DATA },
        { "delay", NOTICE_DELAY },
        { "policy", NOTICE_POLICY },
        { "protocol", NOTICE_PROTOCOL },
        { "resource", NOTICE_RESOURCE },
        { "software", NOTICE_SOFTWARE },
    };
    unsigned classes = 0;

    for (size_t i = 0; i < words->count; i++) {
        for (size_t k = 0; k < ARRAY_COUNT(rows); k++) {
            if (str_equal_nocase(words->items[i], str_from_c(rows[k].name)))
                classes |= rows[k].classes;
        }
    }
    return classes;
}

/* ---- gathering ---- */

void transcript_init(struct transcript *transcript, unsigned wanted)
{
    *transcript = (struct transcript){ .wanted = wanted };
    strbuf_init(&transcript->text, STRBUF_UNLIMITED);
}

void transcript_done(struct transcript *transcript)
{
    strbuf_done(&transcript->text);
}

void transcript_clear(struct transcript *transcript)
{
    strbuf_clear(&transcript->text);
    transcript->lines = 0;
    transcript->seen = 0;
    transcript->is_cut = false;
}

/* The older half goes. */
static void make_room(struct transcript *transcript)
{
    struct str text = strbuf_str(&transcript->text);
    size_t end;

    if (text.len <= KEPT_MAXIMUM)
        return;
    end = text.len / 2 + str_find_char(str_from(text, text.len / 2), '\n') + 1;
    strbuf_consume(&transcript->text, end);
    transcript->is_cut = true;
}

static void add_lines(struct transcript *transcript, struct str direction, struct str text)
{
    struct str line;

    if (transcript->wanted == 0)
        return;
    do {
        str_cut(text, '\n', &line, &text);
        strbuf_append(&transcript->text, direction);
        strbuf_append(&transcript->text, str_part(line, 0, LINE_KEPT));
        strbuf_append_char(&transcript->text, '\n');
        transcript->lines++;
    } while (text.len > 0);
    make_room(transcript);
}

void transcript_add_in(struct transcript *transcript, struct str text)
{
    add_lines(transcript, STR("In:  "), text);
}

void transcript_add_out(struct transcript *transcript, struct str text)
{
    add_lines(transcript, STR("Out: "), text);
}

bool transcript_is_wanted(const struct transcript *transcript)
{
    return (transcript->wanted & transcript->seen) != 0;
}

/* ---- the mail ---- */

static void append_clean(struct strbuf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char) text.data[i];

        strbuf_append_char(out, c < ' ' || c == 127 ? '?' : (char) c);
    }
}

/* How much of text stands on one line of width: up to the last blank there, or to the first one behind it. */
static size_t fit(struct str text, size_t width)
{
    size_t place;

    if (text.len <= width)
        return text.len;
    place = str_find_last_char(str_part(text, 0, width + 1), ' ');
    if (place != STR_NOT_FOUND && place > 0)
        return place;
    place = str_find_char(text, ' ');
    return place == STR_NOT_FOUND ? text.len : place;
}

/* Every line is moved in by one. */
static void append_folded(struct strbuf *out, struct str line)
{
    size_t width = WIDTH;

    do {
        size_t len = fit(line, width);

        strbuf_printf(out, " %*s", (int) (WIDTH - width), "");
        append_clean(out, str_part(line, 0, len));
        strbuf_append_char(out, '\n');
        line = str_trim_left(str_from(line, len));
        width = WIDTH - INDENT;
    } while (line.len > 0);
}

void transcript_write_body(const struct transcript *transcript, const struct transcript_mail *mail, struct strbuf *out)
{
    struct str rest = strbuf_str(&transcript->text);
    struct str line;

    if (mail->opening.len > 0) {
        append_clean(out, mail->opening);
        strbuf_append(out, STR("\n\n"));
    }
    strbuf_append(out, STR("Transcript of session follows.\n\n"));
    if (transcript->is_cut)
        strbuf_append(out, STR(" [...]\n"));
    while (rest.len > 0) {
        str_cut(rest, '\n', &line, &rest);
        append_folded(out, line);
    }
    if (mail->opening.len == 0)
        strbuf_append_char(out, '\n');
    if (mail->reason.len > 0)
        strbuf_printf(out, "Session aborted, reason: %.*s\n", STR_ARG(mail->reason));
    strbuf_append(out, STR("\nFor other details, see the local mail logfile\n"));
}

/* As header_from_format says. */
static void append_person(const struct shared_settings *shared, const char *name, struct str address,
                          struct strbuf *out)
{
    bool is_obsolete = shared->header_from_format == HEADER_FROM_OBSOLETE;

    if (!is_obsolete)
        strbuf_printf(out, "%s <", name);
    quote_address(out, address);
    if (is_obsolete)
        strbuf_printf(out, " (%s)", name);
    else
        strbuf_append_char(out, '>');
}

static void write_header(const struct transcript_mail *mail, struct arena *arena, struct str queue_id,
                         struct instant now, struct strbuf *out)
{
    const struct shared_settings *shared = mail->shared;

    strbuf_printf(out, "Received: by %.*s (%.*s)\n\tid %.*s; ", STR_ARG(shared->myhostname), STR_ARG(shared->mail_name),
                  STR_ARG(queue_id));
    date_append(out, now);
    strbuf_append(out, STR("\nDate: "));
    date_append(out, now);
    strbuf_append(out, STR("\nFrom: "));
    append_person(shared, "Mail Delivery System",
                  arena_printf(arena, "MAILER-DAEMON@%.*s", STR_ARG(shared->myhostname)), out);
    strbuf_append(out, STR("\nTo: "));
    append_person(shared, "Postmaster", mail->recipient, out);
    strbuf_printf(out, "\nSubject: %.*s ", STR_ARG(shared->mail_name));
    append_clean(out, mail->subject);
    strbuf_append(out, STR("\n\n"));
}

static bool send_envelope(const struct transcript_mail *mail, struct call *call, struct arena *arena,
                          struct instant now, struct failure *why)
{
    const struct shared_settings *shared = mail->shared;
    struct cleanup_envelope envelope = {
        .arrival = now,
        .sender = arena_printf(arena, "%.*s@%.*s", STR_ARG(shared->double_bounce_sender), STR_ARG(shared->myhostname)),
    };
    struct cleanup_recipient recipient = { .address = mail->recipient };

    strlist_add_view(&envelope.attributes, arena, STR("rewrite_context=local"));
    strlist_add_view(&envelope.attributes, arena, STR("log_message_origin=local"));
    return call_send(call, &cleanup_envelope_message, &envelope, shared->ipc_timeout, why) &&
           call_send(call, &cleanup_recipient_message, &recipient, shared->ipc_timeout, why);
}

static bool send_content(const struct transcript *transcript, const struct transcript_mail *mail, struct call *call,
                         struct arena *arena, struct str queue_id, struct instant now, struct failure *why)
{
    struct strbuf text;
    bool is_sent;

    strbuf_init(&text, STRBUF_UNLIMITED);
    write_header(mail, arena, queue_id, now, &text);
    transcript_write_body(transcript, mail, &text);
    is_sent = cleanup_call_content(call, strbuf_str(&text), mail->shared->ipc_timeout, why);
    strbuf_done(&text);
    return is_sent;
}

bool transcript_send(const struct transcript *transcript, const struct transcript_mail *mail, struct failure *why)
{
    struct duration timeout = mail->shared->ipc_timeout;
    uint64_t flags = CLEANUP_FLAG_INTERNAL | CLEANUP_FLAG_MAP_OK |
                     cleanup_autodetects(&mail->shared->smtputf8_autodetect_classes, "notify") |
                     cleanup_filters(&mail->shared->internal_mail_filter_classes, "notify");
    struct arena *arena = arena_create();
    const struct cleanup_result *result;
    struct instant now = clock_now();
    struct str queue_id;
    struct call *call = NULL;
    bool is_sent;

    is_sent = cleanup_call_open(mail->cleanup, flags, arena, timeout, &call, &queue_id, why) &&
              send_envelope(mail, call, arena, now, why) &&
              send_content(transcript, mail, call, arena, queue_id, now, why) &&
              cleanup_call_finish(call, arena, timeout, &result, why);
    if (is_sent && result->status != CLEANUP_OK)
        is_sent = failure_set(why, FAILURE_RETRY, 0, "cleanup refused it (%u) %.*s", (unsigned) result->status,
                              STR_ARG(result->reason));
    call_end(&call);
    arena_destroy(&arena);
    return is_sent;
}
