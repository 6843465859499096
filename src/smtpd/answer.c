/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/answer.h"

#include "base/arena.h"
#include "run/fiber.h"
#include "run/stream.h"
#include "smtpd/footer.h"
#include "smtpd/history.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

#include <stdarg.h>

enum { ANSWER_MAXIMUM = 8192 };

static bool is_error(struct str text)
{
    return text.len > 0 && (text.data[0] == '4' || text.data[0] == '5');
}

struct str answer_soften(const struct session *session, struct arena *arena, struct str text)
{
    char *copy;
    size_t start = 0, end;

    if (!session->smtpd->shared->soft_bounce || text.len < 3 || text.data[0] != '5')
        return text;
    copy = arena_c(arena, text);
    do {
        end = str_find_char(str_from(text, start), '\n');
        copy[start] = '4';
        if (text.len > start + 5 && copy[start + 4] == '5' && copy[start + 5] == '.')
            copy[start + 4] = '4';
        start += end + 1;
    } while (end != STR_NOT_FOUND && start < text.len);
    return str_make(copy, text.len);
}

struct str answer_tame(struct arena *arena, struct str text, char instead)
{
    char *copy = arena_alloc(arena, text.len + 1);

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char) text.data[i];

        copy[i] = c < ' ' || c == 127 ? instead : text.data[i];
    }
    return str_make(copy, text.len);
}

/* The client that makes many mistakes waits for its answers. */
static void slow_down(struct session *session)
{
    const struct smtpd_settings *settings = session->settings;
    struct failure why;

    if (session->error_count <= (unsigned) settings->soft_error_limit || settings->error_sleep_time.us == 0)
        return;
    if (!stream_flush(session->stream, &why)) {
        session_break(session, &why);
        return;
    }
    fiber_sleep(session->smtpd->loop, settings->error_sleep_time);
}

static bool write_lines(struct session *session, struct str text, struct failure *why)
{
    struct str rest = text, line;
    bool has_more;

    do {
        has_more = str_cut(rest, '\n', &line, &rest);
        if (!stream_write(session->stream, line, why) || !stream_write(session->stream, STR("\r\n"), why))
            return false;
    } while (has_more);
    return true;
}

/* One line, whatever those said whose words are in it: what they say must not become a reply of its own. */
static struct str one_line(struct session *session, struct str text)
{
    return answer_tame(session->command_arena, text, ' ');
}

/* Nobody has asked again what the client has heard an answer to: a refusal is for what it asks next. */
static void keep_back(struct session *session, struct str text)
{
    if (is_error(text) && session->kept_refusal.len == 0)
        session->kept_refusal = arena_str(session->arena, text);
}

static void send_text(struct session *session, struct str text, bool is_counted)
{
    struct failure why;

    if (session_is_broken(session))
        return;
    text = answer_soften(session, session->command_arena, text);
    if (is_error(text)) {
        session->has_answered_error |= is_counted;
        session->error_count += is_counted;
        if (is_counted)
            history_count_error(session);
        text = footer_add(session, text);
    }
    slow_down(session);
    if (session_is_broken(session))
        return;
    history_server_said(session, text);
    if (session->is_rehearsing) {
        keep_back(session, text);
    } else if (!write_lines(session, text, &why)) {
        session_break(session, &why);
        return;
    }
    if (session->end == SESSION_GOES_ON && (str_starts_with(text, STR("421")) || str_starts_with(text, STR("521"))))
        session->end = SESSION_DROPPED;
}

void answer_send(struct session *session, struct str text)
{
    send_text(session, one_line(session, text), true);
}

void answer_send_uncounted(struct session *session, struct str text)
{
    send_text(session, one_line(session, text), false);
}

void answer_send_lines(struct session *session, struct str text)
{
    send_text(session, text, true);
}

void answer_kept(struct session *session)
{
    struct failure why;

    if (!session_is_broken(session) && !write_lines(session, session->kept_refusal, &why))
        session_break(session, &why);
}

void answer_challenge(struct session *session, struct str challenge)
{
    struct failure why;

    if (session_is_broken(session))
        return;
    if (!stream_write(session->stream, STR("334 "), &why) || !write_lines(session, challenge, &why))
        session_break(session, &why);
}

void answer(struct session *session, const char *format, ...)
{
    struct strbuf text;
    va_list args;

    strbuf_init(&text, ANSWER_MAXIMUM);
    va_start(args, format);
    strbuf_vprintf(&text, format, args);
    va_end(args);
    answer_send(session, strbuf_str(&text));
    strbuf_done(&text);
}
