/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/session.h"

#include "log/log.h"
#include "run/loop.h"
#include "run/socket.h"
#include "run/stream.h"
#include "smtp/encryption.h"
#include "smtp/history.h"
#include "smtp/log_lines.h"
#include "smtp/login.h"
#include "smtp/pix.h"
#include "smtp/smtp.h"
#include "smtp/target.h"

#include <errno.h>
#include <string.h>

/* Mail can only loop where we listen. */
enum { PORT_SMTP = 25, UNIX_CONNECT_SECONDS = 30 };

/* ---- talking ---- */

static void note_lost(struct smtp_session *session)
{
    session->is_mute = true;
    /* A server that takes nothing will not answer either. */
    session->is_broken = session->lost.kind == FAILURE_TIMEOUT;
}

void session_write(struct smtp_session *session, struct str bytes)
{
    if (!session->is_broken && !session->is_mute && !stream_write(session->stream, bytes, &session->lost))
        note_lost(session);
}

void session_flush(struct smtp_session *session)
{
    if (!session->is_broken && !session->is_mute && !stream_flush(session->stream, &session->lost))
        note_lost(session);
}

void session_command(struct smtp_session *session, const char *format, ...)
{
    struct strbuf line;
    va_list args;

    strbuf_init(&line, STRBUF_UNLIMITED);
    va_start(args, format);
    strbuf_vprintf(&line, format, args);
    va_end(args);
    strbuf_append(&line, STR("\r\n"));
    history_client_said(session, strbuf_str(&line));
    session_write(session, strbuf_str(&line));
    strbuf_done(&line);
}

/* The rest of a line that is longer than what is kept. */
static bool skip_rest(struct smtp_session *session, struct failure *why)
{
    struct str piece;

    do {
        if (!stream_read_line(session->stream, SMTP_REPLY_LINE_MAX, &piece, why))
            return false;
    } while (!str_ends_with(piece, STR("\n")));
    return true;
}

/* Adds the line, or what smtp_reply_filter has in its place. A filter that cannot say makes the reply none. */
static enum smtp_reply_progress add_line(struct smtp_session *session, struct str line)
{
    struct table_list *filter = session->smtp->tables.reply_filter;
    enum smtp_reply_progress progress = SMTP_REPLY_BROKEN;
    struct arena *arena;
    struct failure why;
    struct str other;

    if (table_list_is_empty(filter))
        return smtp_reply_add_line(&session->reply, line);
    arena = arena_create();
    line = arena_str(arena, line);
    switch (table_list_find(filter, line, TABLE_ANY_KIND, arena, &other, &why)) {
    case TABLE_FOUND:
        smtp_log_replaced_reply(session->name_address_port, line, other);
        progress = smtp_reply_add_line(&session->reply, other);
        break;
    case TABLE_ABSENT:
        progress = smtp_reply_add_line(&session->reply, line);
        break;
    case TABLE_UNKNOWN:
        smtp_log_table_trouble(table_list_title(filter), why.text);
        break;
    }
    arena_destroy(&arena);
    return progress;
}

static bool read_lines(struct smtp_session *session, struct failure *why)
{
    enum smtp_reply_progress progress = SMTP_REPLY_MORE;
    struct str line;

    while (progress == SMTP_REPLY_MORE) {
        bool is_whole;

        if (!stream_read_line(session->stream, SMTP_REPLY_LINE_MAX, &line, why))
            return false;
        is_whole = str_ends_with(line, STR("\n"));
        history_server_said(session, str_trim_right(line));
        progress = add_line(session, str_trim_right(line));
        if (!is_whole && (stream_is_at_end(session->stream) || !skip_rest(session, why)))
            return false;
    }
    if (progress == SMTP_REPLY_BROKEN) {
        smtp_log_strange_reply(session->name_address_port, smtp_reply_on_one_line(&session->reply, session->arena));
        session->reply.code = 0;
        session->is_broken = true;
    }
    return true;
}

bool session_read_reply(struct smtp_session *session, struct duration timeout, struct failure *why)
{
    struct instant deadline = instant_add(loop_now(session->smtp->loop), timeout);
    bool is_read;

    smtp_reply_clear(&session->reply);
    if (session->is_broken) {
        if (why != NULL)
            *why = session->lost;
        return false;
    }
    stream_set_timeout(session->stream, timeout);
    stream_set_minimum_rate(session->stream, 0);
    /* The whole reply: a byte now and then does not hold us for ever. */
    stream_set_deadline(session->stream, deadline);
    is_read = read_lines(session, why);
    stream_set_deadline(session->stream, STREAM_NO_DEADLINE);
    /* Whether a server that says 421 has closed shows when it is asked the next thing. */
    session->has_said_421 = session->has_said_421 || session->reply.code == 421;
    if (!is_read || session->is_mute)
        session->is_broken = true;
    return is_read;
}

void session_set_timeout(struct smtp_session *session, struct duration timeout, unsigned rate)
{
    stream_set_timeout(session->stream, timeout);
    stream_set_minimum_rate(session->stream, rate);
    if (rate > 0)
        stream_set_deadline(session->stream, instant_add(loop_now(session->smtp->loop), timeout));
}

bool session_is_quiet(const struct smtp_session *session)
{
    return !session->is_broken && !session->is_mute && stream_was_silent(session->stream);
}

/* ---- opening ---- */

static bool is_name_ours(const struct smtp_session *session, struct str name)
{
    return name.len > 0 && str_equal_nocase(name, session->smtp->myhostname);
}

/* The server's answer is one that refuses the session; 5xx becomes 4xx where another host may do better. */
static struct trouble refused(struct smtp_session *session, struct arena *arena)
{
    struct trouble trouble = trouble_refused(arena, session);

    history_refused(session);

    if (session->smtp->settings->skip_5xx_greeting)
        trouble.dsn.class = 4;
    return trouble;
}

/* What a server behind a meddling firewall needs. */
static unsigned find_pix_workarounds(struct smtp_session *session, struct arena *arena)
{
    unsigned workarounds;
    struct strlist words;
    struct failure why;
    struct str value;

    if (!smtp_tables_find(session->smtp->tables.pix_workarounds, session->address, arena, &value))
        return session->smtp->pix_workarounds;
    words = strlist_split(arena, value, ", \t\r\n");
    if (pix_parse(&words, &workarounds, &why))
        return workarounds;
    smtp_log_bad_workaround(table_list_title(session->smtp->tables.pix_workarounds), why.text);
    return session->smtp->pix_workarounds;
}

static bool read_greeting(struct smtp_session *session, bool is_loop_possible, struct arena *arena, bool *may_ehlo_out,
                          struct trouble *trouble_out)
{
    const struct smtp_settings *settings = session->smtp->settings;
    struct failure why;
    struct str line, word;
    size_t place = 0;

    if (!session_read_reply(session, settings->helo_timeout, &why)) {
        *trouble_out = trouble_lost(arena, session, &why, "receiving the initial server greeting");
        return false;
    }
    if (smtp_reply_class(&session->reply) != 2) {
        *trouble_out = refused(session, arena);
        return false;
    }
    *may_ehlo_out = settings->always_send_ehlo;
    if (smtp_reply_next_line(&session->reply, &place, &line)) {
        if (str_find_nocase(line, STR("ESMTP")) != STR_NOT_FOUND)
            *may_ehlo_out = true;
        if (pix_is_greeting(line))
            session->pix_workarounds = find_pix_workarounds(session, arena);
        if (is_loop_possible && str_next_word(&line, " \t", &word) && is_name_ours(session, word))
            smtp_log_greeted_with_own_name(session->name_address_port, session->smtp->myhostname);
    }
    if (settings->never_send_ehlo || (session->pix_workarounds & PIX_DISABLE_ESMTP) != 0)
        *may_ehlo_out = false;
    return true;
}

/* Says EHLO or HELO. True when there is an answer, of whatever class. */
static bool say_hello(struct smtp_session *session, const char *verb, const char *doing, struct arena *arena,
                      struct trouble *trouble_out)
{
    const struct smtp_settings *settings = session->smtp->settings;
    struct failure why;

    session_command(session, "%s %.*s", verb, STR_ARG(settings->helo_name));
    if (session_read_reply(session, settings->helo_timeout, &why))
        return true;
    *trouble_out = trouble_lost(arena, session, &why, doing);
    return false;
}

static void take_extensions(struct smtp_session *session, struct arena *arena)
{
    struct strlist discard = session->smtp->settings->discard_ehlo_keywords;
    unsigned utf8_and_8bit = SMTP_EXTENSION_SMTPUTF8 | SMTP_EXTENSION_8BITMIME;
    struct str value;

    if (smtp_reply_class(&session->reply) != 2)
        return;
    if (smtp_tables_find(session->smtp->tables.discard_ehlo_keywords, session->address, arena, &value))
        discard = strlist_split(arena, value, ", \t\r\n");
    smtp_extensions_parse(&session->extensions, &session->reply, &discard, session->arena);
    if (session->extensions.bad_size.len > 0)
        smtp_log_bad_size(session->extensions.bad_size, session->name_address_port);
    session->extensions.bad_size = STR_EMPTY;
    value = smtp_extensions_discarded(&discard, arena);
    if (value.len > 0)
        smtp_log_discarding_keywords(value);
    /* RFC 6531 section 3.1: whoever has the one has the other. */
    if ((session->extensions.offered & utf8_and_8bit) == SMTP_EXTENSION_SMTPUTF8) {
        smtp_log_utf8_without_8bit(session->name_address);
        session->extensions.offered |= SMTP_EXTENSION_8BITMIME;
    }
}

/* RFC 2033 section 4.1: there is no other way to begin. */
static bool introduce_by_lhlo(struct smtp_session *session, struct arena *arena, struct trouble *trouble_out)
{
    if (!say_hello(session, "LHLO", "performing the LHLO handshake", arena, trouble_out))
        return false;
    take_extensions(session, arena);
    session->extensions.name = STR_EMPTY;
    if (smtp_reply_class(&session->reply) == 2)
        return true;
    *trouble_out = trouble_refused(arena, session);
    history_refused(session);
    return false;
}

static bool introduce(struct smtp_session *session, const struct target *target, struct str nexthop, bool may_ehlo,
                      struct arena *arena, struct trouble *trouble_out)
{
    if (session->smtp->is_lmtp)
        return introduce_by_lhlo(session, arena, trouble_out);
    if (may_ehlo) {
        if (!say_hello(session, "EHLO", "performing the EHLO handshake", arena, trouble_out))
            return false;
        take_extensions(session, arena);
    }
    /* RFC 5321 section 4.1.4: a server that does not know EHLO is asked in the old way. */
    if (!may_ehlo || (smtp_reply_class(&session->reply) != 2 && !session->is_broken && !session->has_said_421)) {
        if (!say_hello(session, "HELO", "performing the HELO handshake", arena, trouble_out))
            return false;
    }
    if (smtp_reply_class(&session->reply) != 2) {
        *trouble_out = trouble_refused(arena, session);
        history_refused(session);
        return false;
    }
    if (target->is_best && target->port == PORT_SMTP && is_name_ours(session, session->extensions.name)) {
        smtp_log_helo_with_own_name(session->name_address_port, session->smtp->myhostname);
        *trouble_out =
            trouble_about(arena, session, DSN_STATUS(5, 4, 6), "mail for %.*s loops back to myself", STR_ARG(nexthop));
        return false;
    }
    session->extensions.name = STR_EMPTY;
    return true;
}

/* *local_out: NULL to let the system choose. False: the address that it must be from cannot be used. */
static bool find_local_address(const struct smtp *smtp, const struct target *target, struct socket_address *place,
                               const struct socket_address **local_out)
{
    const struct ip_address *from = target->address.family == IP_V4 ? &smtp->bind_ipv4 : &smtp->bind_ipv6;
    char text[IP_ADDRESS_TEXT_MAX];
    struct failure why;

    *local_out = NULL;
    if (from->family == IP_NONE)
        return true;
    place->len = ip_address_to_sockaddr(from, 0, &place->storage);
    if (socket_can_bind(place, &why)) {
        *local_out = place;
        return true;
    }
    smtp_log_bind_failed(str_from_c(ip_address_format(from, text)), strerror(why.error));
    return !smtp->settings->bind_address_enforce;
}

static const char *reason_of(const struct failure *why)
{
    if (why->kind == FAILURE_TIMEOUT)
        return strerror(ETIMEDOUT);
    return why->error != 0 ? strerror(why->error) : why->text;
}

static bool connect_to_path(struct smtp *smtp, const struct target *target, struct arena *arena,
                            struct stream **stream_out, struct trouble *trouble_out)
{
    struct duration timeout = smtp->settings->connect_timeout;
    struct failure why;
    int fd;

    /* Nothing but a full backlog is waited for. */
    if (timeout.us <= 0)
        timeout = seconds(UNIX_CONNECT_SECONDS);
    if (socket_connect_unix(smtp->loop, arena_c(arena, target->path), timeout, &fd, &why) &&
        stream_create(smtp->loop, fd, smtp->settings->helo_timeout, stream_out, &why))
        return true;
    *trouble_out = trouble_local(arena, DSN_STATUS(4, 4, 1), "connect to %.*s[%.*s]: %s", STR_ARG(target->host),
                                 STR_ARG(target->path), reason_of(&why));
    return false;
}

static bool connect_to(struct smtp *smtp, const struct target *target, struct arena *arena, struct stream **stream_out,
                       struct trouble *trouble_out)
{
    struct duration timeout = smtp->settings->connect_timeout;
    struct socket_address address, place;
    const struct socket_address *local;
    char text[IP_ADDRESS_TEXT_MAX];
    struct failure why;
    int fd;

    if (!str_is_empty(target->path))
        return connect_to_path(smtp, target, arena, stream_out, trouble_out);
    if (!find_local_address(smtp, target, &place, &local)) {
        *trouble_out = trouble_local(arena, DSN_STATUS(4, 4, 0), "server configuration error");
        smtp_log_connect_failed(trouble_out->text);
        return false;
    }
    address.len = ip_address_to_sockaddr(&target->address, target->port, &address.storage);
    if (timeout.us <= 0)
        timeout = DURATION_FOREVER;
    if (socket_connect(smtp->loop, &address, local, timeout, &fd, &why) &&
        stream_create(smtp->loop, fd, smtp->settings->helo_timeout, stream_out, &why))
        return true;
    *trouble_out = trouble_local(arena, DSN_STATUS(4, 4, 1), "connect to %.*s[%s]:%u: %s", STR_ARG(target->host),
                                 ip_address_format(&target->address, text), target->port, reason_of(&why));
    smtp_log_connect_failed(trouble_out->text);
    return false;
}

struct str session_server_name(const struct target *target, struct arena *arena)
{
    char text[IP_ADDRESS_TEXT_MAX];

    if (!str_is_empty(target->path))
        return arena_printf(arena, "%.*s[%.*s]", STR_ARG(target->host), STR_ARG(target->path));
    return arena_printf(arena, "%.*s[%s]:%u", STR_ARG(target->host), ip_address_format(&target->address, text),
                        target->port);
}

struct str session_key(const struct target *target, struct str key, struct arena *arena)
{
    struct str name = session_server_name(target, arena);

    return target->is_best ? key : arena_printf(arena, "%.*s %.*s", STR_ARG(key), STR_ARG(name));
}

static void name_server(struct smtp_session *session, const struct target *target)
{
    struct arena *arena = session->arena;
    char text[IP_ADDRESS_TEXT_MAX];

    session->name_address_port = session_server_name(target, arena);
    session->name_address = session->name_address_port;
    session->address = arena_str(arena, target->path);
    if (!str_is_empty(target->path))
        return;
    session->address = arena_str(arena, str_from_c(ip_address_format(&target->address, text)));
    session->name_address = arena_printf(arena, "%.*s[%.*s]", STR_ARG(target->host), STR_ARG(session->address));
}

static struct smtp_session *create(struct smtp *smtp, const struct target *target,
                                   const struct session_purpose *purpose, struct stream *stream)
{
    struct arena *arena = arena_create();
    struct smtp_session *session = arena_new(arena, struct smtp_session);

    session->smtp = smtp;
    session->arena = arena;
    session->stream = stream;
    list_init(&session->place);
    session->nexthop = arena_str(arena, purpose->nexthop);
    session->key = arena_str(arena, session_key(target, purpose->key, arena));
    session->host = arena_str(arena, target->host);
    name_server(session, target);
    session->opened = loop_now(smtp->loop);
    session->uses = 1;
    session->debug_level = debug_peers_level_of(&smtp->tables.debug_peers, session->host, session->address);
    smtp_reply_init(&session->reply);
    history_begin(session);
    return session;
}

/* From the greeting to where mail can be sent. */
static bool begin(struct smtp_session *session, const struct target *target, const struct session_purpose *purpose,
                  const struct encryption_policy *policy, struct arena *arena, struct trouble *trouble_out)
{
    struct smtp *smtp = session->smtp;
    bool may_ehlo, has_begun;

    if (!encryption_wrap(smtp->encryption, session, policy, arena, trouble_out) ||
        !read_greeting(session, !smtp->is_lmtp && target->port == PORT_SMTP, arena, &may_ehlo, trouble_out) ||
        !introduce(session, target, purpose->nexthop, may_ehlo, arena, trouble_out) ||
        !encryption_start(smtp->encryption, session, policy, arena, &has_begun, trouble_out))
        return false;
    /* RFC 3207 section 4.2: what was said in clear does not count. */
    if (has_begun && !introduce(session, target, purpose->nexthop, true, arena, trouble_out))
        return false;
    return smtp->login == NULL || login_run(smtp->login, session, purpose, arena, trouble_out);
}

/* *may_try_clear_out: TLS did not come about, the policy would do without, and no password is at stake. */
static bool open_once(struct smtp *smtp, const struct target *target, const struct session_purpose *purpose,
                      const struct encryption_policy *policy, struct arena *arena, struct smtp_session **session_out,
                      bool *may_try_clear_out, struct trouble *trouble_out)
{
    struct smtp_session *session;
    struct stream *stream;

    if (!connect_to(smtp, target, arena, &stream, trouble_out))
        return false;
    session = create(smtp, target, purpose, stream);
    *session_out = session;
    if (begin(session, target, purpose, policy, arena, trouble_out)) {
        session->uses = 0;
        return true;
    }
    *may_try_clear_out = session->has_failed_handshake && policy->level == ENCRYPTION_MAY && purpose->has_waited &&
                         !login_may_have_password(smtp->login, session, purpose, arena);
    session_close(&session);
    return false;
}

bool session_open(struct smtp *smtp, const struct target *target, const struct session_purpose *purpose,
                  struct arena *arena, struct smtp_session **session_out, bool *has_talked_out,
                  struct trouble *trouble_out)
{
    struct encryption_policy policy;
    bool may_try_clear = false, is_open;

    *session_out = NULL;
    *has_talked_out = false;
    if (!encryption_find(smtp->encryption, purpose, target, arena, &policy, trouble_out))
        return false;
    is_open = open_once(smtp, target, purpose, &policy, arena, session_out, &may_try_clear, trouble_out);
    if (!is_open && may_try_clear) {
        smtp_log_host_failed(purpose->queue_id, trouble_out->text);
        policy.level = ENCRYPTION_NONE;
        is_open = open_once(smtp, target, purpose, &policy, arena, session_out, &may_try_clear, trouble_out);
    }
    *has_talked_out = *session_out != NULL;
    if (!is_open)
        *session_out = NULL;
    return is_open;
}

/* ---- closing ---- */

void session_say_quit(struct smtp_session *session)
{
    const struct smtp_settings *settings = session->smtp->settings;
    bool waits = !settings->skip_quit_response && !session->is_hurried;

    if (session->is_broken || session->is_mute || session->has_quit)
        return;
    session->has_quit = true;
    session_command(session, "QUIT");
    stream_set_timeout(session->stream, waits ? settings->quit_timeout : seconds(1));
    if (stream_flush(session->stream, NULL) && waits && !session->is_hurried &&
        !session_read_reply(session, settings->quit_timeout, NULL))
        session->is_broken = true;
}

void session_hurry(struct smtp_session *session)
{
    bool is_waiting = session->has_quit && !session->is_hurried;

    session->is_hurried = true;
    if (is_waiting)
        stream_abort(session->stream);
}

void session_close(struct smtp_session **session)
{
    struct smtp_session *it = *session;
    struct arena *arena;

    *session = NULL;
    if (it == NULL)
        return;
    session_say_quit(it);
    stream_destroy(&it->stream);
    history_end(it);
    smtp_reply_done(&it->reply);
    arena = it->arena;
    arena_destroy(&arena);
}
