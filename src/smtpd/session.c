/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/session.h"

#include "daemon/daemon.h"
#include "log/dialogue.h"
#include "protocol/handed_session.h"
#include "run/loop.h"
#include "run/stream.h"
#include "smtpd/answer.h"
#include "smtpd/history.h"
#include "smtpd/log_lines.h"
#include "smtpd/names.h"
#include "smtpd/policy.h"
#include "smtpd/proxy.h"
#include "smtpd/session_milters.h"
#include "smtpd/smtpd.h"
#include "smtpd/takeover.h"

enum { GOODBYE_SECONDS = 10 };

const char *session_protocol(const struct session *session)
{
    return session->is_esmtp ? "ESMTP" : "SMTP";
}

bool session_break(struct session *session, const struct failure *why)
{
    if (session_is_broken(session))
        return false;
    if (why->kind == FAILURE_TIMEOUT)
        session->end = SESSION_TIMED_OUT;
    else if (why->kind == FAILURE_STOPPED)
        session->end = SESSION_STOPPED;
    else
        session->end = SESSION_LOST;
    return false;
}

bool session_is_synchronised(struct session *session)
{
    /* What came together with the command. A look into the socket would be a system call a command, for what
     * depends on chance anyway. */
    struct str early = stream_buffered(session->stream);

    if (early.len == 0 || session->smtpd->is_standalone)
        return true;
    if (!session->has_sent_early)
        log_improper_pipelining(session, early);
    session->has_sent_early = true;
    if (!session->settings->forbid_unauth_pipelining)
        return true;
    answer(session, "554 5.5.0 Error: SMTP protocol synchronization");
    session->end = SESSION_DROPPED;
    return false;
}

/* Memory for a command is held only while commands come. */
static void set_idle(struct session *session, bool is_idle)
{
    if (is_idle)
        arena_destroy(&session->command_arena);
    else if (session->command_arena == NULL)
        session->command_arena = arena_create();
    else
        arena_reset(session->command_arena);
}

/* One request: with per_request_deadline its bytes must all come in the time that else one read has. */
static void set_deadline(struct session *session)
{
    const struct smtpd_settings *settings = session->settings;

    if (!settings->per_request_deadline)
        return;
    stream_set_deadline(session->stream, instant_add(loop_now(session->smtpd->loop), settings->timeout));
    stream_set_minimum_rate(session->stream, 0);
}

static bool refuse_bare_newline(struct session *session)
{
    const struct smtpd *smtpd = session->smtpd;

    log_reject(session, "reject", STR("bare <LF> received"), STR_EMPTY);
    history_next_is(session, NOTICE_POLICY);
    answer(session, "%d %d.5.2 %.*s Error: bare <LF> received", smtpd->settings->forbid_bare_newline_reject_code,
           smtpd->settings->forbid_bare_newline_reject_code / 100, STR_ARG(smtpd->shared->myhostname));
    session->end = SESSION_DROPPED;
    return false;
}

static bool note_bare_newline(struct session *session)
{
    session->has_sent_bare_newline = true;
    if (session->settings->forbid_bare_newline == BARE_NEWLINE_REJECT && !session->is_bare_newline_excluded)
        return refuse_bare_newline(session);
    return true;
}

/* The rest of a line that is too long is dropped. */
static bool skip_line(struct session *session, size_t limit)
{
    struct failure why;
    struct str piece;

    do {
        if (!stream_read_line(session->stream, limit, &piece, &why))
            return session_break(session, &why);
    } while (piece.data[piece.len - 1] != '\n');
    return true;
}

/* maximum: with the line's end; limit: what the log says of it. */
static bool read_raw(struct session *session, size_t maximum, size_t limit, struct str *raw_out)
{
    struct failure why;
    struct str raw;

    if (stream_buffered(session->stream).len == 0)
        set_idle(session, true);
    if (!daemon_session_read_line(session->connection, maximum, &raw, &why))
        return session_break(session, &why);
    set_idle(session, false);
    *raw_out = arena_str(session->command_arena, raw);
    if (raw.len > 0 && raw.data[raw.len - 1] == '\n')
        return true;
    if (raw.len < maximum) {
        session->end = SESSION_LOST;
        return false;
    }
    log_request_too_long(session, limit, *raw_out);
    return skip_line(session, maximum);
}

/* Without its end. A NUL ends it too: nothing behind one was meant for us. */
static bool read_line(struct session *session, size_t maximum, size_t limit, struct str *line_out,
                      bool *is_too_long_out)
{
    struct str line;

    set_deadline(session);
    if (!read_raw(session, maximum, limit, &line))
        return false;
    *is_too_long_out = line.len == 0 || line.data[line.len - 1] != '\n';
    if (line.len > 0 && line.data[line.len - 1] == '\n') {
        line = str_part(line, 0, line.len - 1);
        if (line.len > 0 && line.data[line.len - 1] == '\r')
            line = str_part(line, 0, line.len - 1);
        else if (!note_bare_newline(session))
            return false;
    }
    if (str_contains_char(line, '\0'))
        line = str_part(line, 0, str_find_char(line, '\0'));
    *line_out = line;
    return true;
}

static bool read_command(struct session *session, struct str *line_out)
{
    size_t limit = (size_t) session->smtpd->shared->line_length_limit;
    bool is_too_long; /* what there is of it is answered */

    return read_line(session, limit, limit, line_out, &is_too_long);
}

bool session_read_line(struct session *session, size_t limit, struct str *line_out, bool *is_too_long_out)
{
    size_t maximum = limit > STREAM_READ_MAX - 2 ? STREAM_READ_MAX : limit + 2;

    if (!read_line(session, maximum, limit, line_out, is_too_long_out))
        return false;
    *is_too_long_out |= line_out->len > limit;
    return true;
}

/* Nothing is known of who is there. */
static void send_away(struct session *session)
{
    answer(session, "421 4.3.0 %.*s Server local error", STR_ARG(session->smtpd->shared->myhostname));
}

void session_execute(struct session *session, struct str line)
{
    history_client_said(session, line);
    command_execute(session, line);
}

static void serve_commands(struct session *session)
{
    struct str line;
    bool is_first = true;

    while (session->end == SESSION_GOES_ON) {
        if (session->error_count >= (unsigned) session->settings->hard_error_limit) {
            log_too_many_errors(session);
            history_next_is(session, NOTICE_POLICY);
            answer(session, "421 4.7.0 %.*s Error: too many errors", STR_ARG(session->smtpd->shared->myhostname));
            if (!session_is_broken(session))
                session->end = SESSION_TOO_MANY_ERRORS;
            return;
        }
        if (!read_command(session, &line))
            continue;
        history_client_said(session, line);
        if (is_first && proxy_is_forged(session, line)) {
            send_away(session);
            return;
        }
        is_first = false;
        command_execute(session, line);
    }
}

/* The last words, for which a client that hangs gets little time. */
static void say_goodbye(struct session *session, const char *status, const char *text)
{
    struct str line =
        arena_printf(session->arena, "421 %s %.*s %s\r\n", status, STR_ARG(session->smtpd->shared->myhostname), text);
    struct failure why;

    stream_set_deadline(session->stream, STREAM_NO_DEADLINE);
    stream_set_timeout(session->stream, seconds(GOODBYE_SECONDS));
    if (session->debug_level > 0)
        log_dialogue_out(session->peer.shown, line);
    if (!stream_write(session->stream, line, &why) || !stream_flush(session->stream, &why))
        return;
}

/* As the postmaster reads it. */
static struct str reason_of(enum session_end end)
{
    switch (end) {
    case SESSION_TIMED_OUT:
        return STR("timeout");
    case SESSION_LOST:
        return STR("lost connection");
    case SESSION_TOO_MANY_ERRORS:
        return STR("too many errors");
    default:
        return STR_EMPTY;
    }
}

static void finish(struct session *session)
{
    struct failure why;

    switch (session->end) {
    case SESSION_TIMED_OUT:
        log_timeout(session);
        say_goodbye(session, "4.4.2", "Error: timeout exceeded");
        break;
    case SESSION_STOPPED:
        say_goodbye(session, "4.3.2", "Service shutting down and closing the connection");
        break;
    case SESSION_LOST:
        /* a client that leaves when its message is taken has all it came for */
        if (!str_equal(str_from_c(session->where), STR("END-OF-MESSAGE")))
            log_lost_connection(session);
        break;
    default:
        if (!stream_flush(session->stream, &why))
            break;
    }
    rates_end(&session->rates);
    history_finish(session, reason_of(session->end));
    log_disconnect(session);
}

/* A client that talks before it was greeted does not speak SMTP, or does not listen. */
static void begin(struct session *session)
{
    struct failure why;

    client_recognise(session);
    if (session->handed != NULL && session->handed->recipient.len > 0) {
        takeover_go_on(session);
        return;
    }
    if (!encryption_begin_wrapped(session))
        return;
    set_deadline(session);
    /* What is in the socket under TLS need not be anything that was said. */
    if (!session->smtpd->is_standalone && !session_is_encrypted(session) && stream_buffered(session->stream).len == 0 &&
        stream_has_input(session->stream) && !stream_fill(session->stream, &why))
        session_break(session, &why);
    else if (session_is_synchronised(session))
        client_greet(session);
}

void session_run(struct smtpd *smtpd, struct daemon_session *connection)
{
    struct session session = {
        .smtpd = smtpd,
        .settings = daemon_is_stressed(smtpd->daemon) ? smtpd->stressed : smtpd->settings,
        .connection = connection,
        .stream = connection->stream,
        .arena = connection->arena,
        .where = "CONNECT",
    };

    bool is_known;

    stream_set_timeout(session.stream, session.settings->timeout);
    strbuf_init(&session.helo, HELO_NAME_MAXIMUM);
    history_begin(&session);
    set_idle(&session, false);
    peer_open(&session.peer, smtpd, connection->fd, session.arena);
    is_known = takeover_receive(&session) && proxy_receive(&session);
    peer_look_up(&session.peer, smtpd, session.arena);
    log_connect(&session);
    if (is_known)
        begin(&session);
    else
        send_away(&session);
    serve_commands(&session);
    finish(&session);
    transaction_end(&session.transaction);
    login_forget(&session.login);
    names_end(&session);
    session_milters_end(&session);
    policy_forget(&session);
    history_end(&session);
    strbuf_done(&session.helo);
    forwarded_forget(&session.forwarded);
    arena_destroy(&session.client_arena);
    arena_destroy(&session.command_arena);
}
