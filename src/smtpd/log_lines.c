/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/log_lines.h"

#include "base/strbuf.h"
#include "daemon/daemon.h"
#include "log/address.h"
#include "log/log.h"
#include "log/text.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

#include <inttypes.h>
#include <stdio.h>

#define LINE_MAXIMUM 2000

static struct str queue_id_of(const struct session *session)
{
    return session->transaction.queue_id.len > 0 ? session->transaction.queue_id : STR("NOQUEUE");
}

void log_connect(const struct session *session)
{
    log_info("connect from %.*s", STR_ARG(session->peer.shown));
}

static void append_count(struct strbuf *line, const char *name, unsigned done, unsigned tried)
{
    if (tried == 0)
        return;
    strbuf_append_char(line, ' ');
    for (const char *c = name; *c != '\0'; c++)
        strbuf_append_char(line, char_to_lower(*c));
    strbuf_printf(line, "=%u", done);
    if (done != tried)
        strbuf_printf(line, "/%u", tried);
}

void log_disconnect(const struct session *session)
{
    unsigned done = 0, tried = 0;
    struct strbuf line;

    strbuf_init(&line, LINE_MAXIMUM);
    for (int id = 0; id < COMMAND_COUNT; id++) {
        const struct command_count *count = &session->counts[id];

        append_count(&line, command_by_id((enum command_id) id)->name, count->done, count->tried);
        done += count->done;
        tried += count->tried;
    }
    strbuf_printf(&line, " commands=%u", done);
    if (done != tried || tried == 0)
        strbuf_printf(&line, "/%u", tried);
    if (session->has_sent_bare_newline && session->settings->forbid_bare_newline == BARE_NEWLINE_NOTE)
        strbuf_append_c(&line, " notes=bare_lf");
    log_info("disconnect from %.*s%s", STR_ARG(session->peer.shown), strbuf_c(&line));
    strbuf_done(&line);
}

/* "X" or "X (n bytes)" where content was on its way. */
static const char *format_where(const struct session *session, char *buffer, size_t size)
{
    if (!session->is_in_content)
        return session->where;
    snprintf(buffer, size, "%s (%" PRIu64 " bytes)", session->where, session->content_bytes);
    return buffer;
}

void log_lost_connection(const struct session *session)
{
    char where[64];

    log_info("lost connection after %s from %.*s", format_where(session, where, sizeof(where)),
             STR_ARG(session->peer.shown));
}

void log_timeout(const struct session *session)
{
    char where[64];

    log_info("timeout after %s from %.*s", format_where(session, where, sizeof(where)), STR_ARG(session->peer.shown));
}

void log_too_many_errors(const struct session *session)
{
    log_info("too many errors after %s from %.*s", session->where, STR_ARG(session->peer.shown));
}

static void append_login(struct strbuf *line, const struct session *session)
{
    const struct login *login = &session->login;
    struct str author = session->transaction.author;

    if (login_is_known(login))
        strbuf_printf(line, ", sasl_method=%.*s, sasl_username=%.*s", STR_ARG(login->method), STR_ARG(login->username));
    if (author.len > 0)
        strbuf_printf(line, ", sasl_sender=%.*s", STR_ARG(author));
}

void log_client(const struct session *session)
{
    const struct forwarded *forwarded = &session->forwarded;
    struct str ident = forwarded->attributes.values[CLIENT_IDENT];
    const struct str queue_id = queue_id_of(session);
    struct str before = STR_EMPTY;
    struct strbuf login;

    if (forwarded_has_client(forwarded))
        before = forwarded_shown(forwarded, session->settings->client_port_logging, session->command_arena);
    strbuf_init(&login, LINE_MAXIMUM);
    append_login(&login, session);
    log_info("%.*s: client=%.*s%s%s%.*s%s%.*s", STR_ARG(queue_id), STR_ARG(session->peer.shown), strbuf_c(&login),
             ident.len > 0 ? ", orig_queue_id=" : "", STR_ARG(ident), before.len > 0 ? ", orig_client=" : "",
             STR_ARG(before));
    strbuf_done(&login);
}

/* "; from=<> to=<> proto=ESMTP helo=<x>": what is known. */
static void append_circumstances(struct strbuf *line, const struct session *session, struct str recipient)
{
    const char *separator = ";";

    if (transaction_is_open(&session->transaction)) {
        strbuf_printf(line, "%s from=<", separator);
        log_append_external_address(line, session->transaction.sender_shown);
        strbuf_append_char(line, '>');
        separator = "";
    }
    if (recipient.len > 0) {
        strbuf_printf(line, "%s to=<", separator);
        log_append_external_address(line, recipient);
        strbuf_append_char(line, '>');
        separator = "";
    }
    strbuf_printf(line, "%s proto=%s", separator, session_protocol(session));
    if (session->helo_name.len > 0)
        strbuf_printf(line, " helo=<%.*s>", STR_ARG(session->helo_name));
}

static void log_judgement(const struct session *session, const char *kind, struct str text, struct str recipient)
{
    struct strbuf line;

    strbuf_init(&line, LINE_MAXIMUM);
    append_circumstances(&line, session, recipient);
    log_info("%.*s: %s: %s from %.*s: %.*s%s", STR_ARG(queue_id_of(session)), kind, session->where,
             STR_ARG(session->peer.shown), STR_ARG(text), strbuf_c(&line));
    strbuf_done(&line);
}

void log_reject(const struct session *session, const char *kind, struct str text, struct str recipient)
{
    log_judgement(session, kind, text, recipient);
}

void log_proxy_verdict(const struct session *session, bool is_accepted, struct str reply, struct str recipient)
{
    struct strbuf line;

    strbuf_init(&line, LINE_MAXIMUM);
    append_circumstances(&line, session, recipient);
    log_info("proxy-%s: %s: %.*s%s", is_accepted ? "accept" : "reject", session->where, STR_ARG(reply),
             strbuf_c(&line));
    strbuf_done(&line);
}

void log_milter(const struct session *session, const char *kind, struct str text, struct str recipient)
{
    struct strbuf line;
    struct str rest = text, part;
    bool has_more;

    strbuf_init(&line, LINE_MAXIMUM);
    do {
        has_more = str_cut(rest, '\n', &part, &rest);
        strbuf_printf(&line, "%.*s%s", STR_ARG(part), has_more ? "\r\n" : "");
    } while (has_more);
    log_judgement(session, kind, strbuf_str(&line), recipient);
    strbuf_done(&line);
}

void log_data_error(const struct session *session, struct str text)
{
    log_info("%.*s: reject: %s from %.*s: %.*s", STR_ARG(queue_id_of(session)), session->where,
             STR_ARG(session->peer.shown), STR_ARG(text));
}

void log_permit(const struct session *session, struct str text, struct str recipient)
{
    log_judgement(session, "permit", text, recipient);
}

void log_notice(const struct session *session, const char *kind, struct str text, struct str recipient)
{
    log_judgement(session, kind, text, recipient);
}

void log_restriction_verdict(struct str name, int verdict)
{
    log_info("generic_checks: name=%.*s status=%d", STR_ARG(name), verdict);
}

void log_non_smtp_command(const struct session *session, struct str line)
{
    struct strbuf shown;

    strbuf_init(&shown, LINE_MAXIMUM);
    log_text_escape(&shown, str_part(line, 0, 100));
    log_warning("non-SMTP command from %.*s: %s", STR_ARG(session->peer.shown), strbuf_c(&shown));
    strbuf_done(&shown);
}

void log_improper_pipelining(const struct session *session, struct str input)
{
    size_t login = str_equal(str_from_c(session->where), STR("AUTH")) ? 0 : str_find_nocase(input, STR("AUTH "));
    struct strbuf shown;

    strbuf_init(&shown, LINE_MAXIMUM);
    log_text_escape(&shown, str_part(input, 0, login < 100 ? login : 100));
    /* What follows may be a password. */
    if (login < 100)
        strbuf_append(&shown, STR("AUTH ..."));
    log_info("improper command pipelining after %s from %.*s: %s", session->where, STR_ARG(session->peer.shown),
             strbuf_c(&shown));
    strbuf_done(&shown);
}

/* "<a b>" is one word. */
static struct str first_word(struct str text)
{
    size_t close = text.len > 0 && text.data[0] == '<' ? str_find_char(text, '>') : STR_NOT_FOUND;
    size_t start = close == STR_NOT_FOUND ? 0 : close;
    size_t end = str_find_char(str_from(text, start), ' ');

    return end == STR_NOT_FOUND ? text : str_part(text, 0, start + end);
}

/* A bracket or quote that is not closed: what was meant as the address cannot be told. */
static bool is_unfinished(struct str argument)
{
    bool is_quoted = false;

    for (size_t i = 0; i < argument.len; i++) {
        if (argument.data[i] == '\\')
            i++;
        else if (argument.data[i] == '"')
            is_quoted = !is_quoted;
    }
    return is_quoted || (str_contains_char(argument, '<') && !str_contains_char(argument, '>'));
}

void log_bad_address(const struct session *session, const char *command, struct str argument)
{
    if (is_unfinished(argument))
        return;
    if (!str_equal(str_from_c(command), STR("VRFY")))
        argument = first_word(argument);
    log_warning("Illegal address syntax from %.*s in %s command: %.*s", STR_ARG(session->peer.shown), command,
                STR_ARG(str_part(argument, 0, 500)));
}

void log_request_too_long(const struct session *session, size_t limit, struct str line)
{
    log_warning("%.*s: request longer than %zu: %.*s...", STR_ARG(session->peer.shown), limit,
                STR_ARG(str_part(line, 0, 30)));
}

void log_malformed_bdat(const struct session *session, struct str argument)
{
    log_warning("%.*s: malformed BDAT command syntax from %.*s: BDAT%s%.*s", STR_ARG(queue_id_of(session)),
                STR_ARG(session->peer.shown), argument.len > 0 ? " " : "", STR_ARG(str_part(argument, 0, 100)));
}

void log_null_bdat(const struct session *session)
{
    log_warning("%.*s: null BDAT request from %.*s", STR_ARG(queue_id_of(session)), STR_ARG(session->peer.shown));
}

void log_chunk_too_large(const struct session *session)
{
    log_warning("%.*s: BDAT request from %.*s exceeds message size limit", STR_ARG(queue_id_of(session)),
                STR_ARG(session->peer.shown));
}

void log_message_too_large(const struct session *session)
{
    log_warning("%.*s: queue file size limit exceeded", STR_ARG(queue_id_of(session)));
}

void log_cleanup_trouble(const struct session *session, const char *reason)
{
    log_warning("%.*s: the message was not taken: %s", STR_ARG(queue_id_of(session)), reason);
}

void log_not_enough_space(uint64_t free_bytes, int64_t needed_bytes, bool is_below_minimum)
{
    if (is_below_minimum)
        log_warning("not enough free space in mail queue: %" PRIu64 " bytes < minimum: %" PRId64 " bytes", free_bytes,
                    needed_bytes);
    else
        log_warning("not enough free space in mail queue: %" PRIu64 " bytes < 1.5*message size limit", free_bytes);
}

void log_unknown_permission(const struct session *session, const char *kind, const char *name, const char *what)
{
    log_warning("don't know if %s %s should be %s %.*s", kind, name, what, STR_ARG(session->peer.shown));
}

void log_limit_exceeded(const struct session *session, const char *what, uint64_t number)
{
    log_warning("%s limit exceeded: %" PRIu64 " from %.*s for service %s", what, number, STR_ARG(session->peer.shown),
                session->connection->service);
}

void log_command_replaced(const struct session *session, struct str line, struct str replacement)
{
    log_info("%.*s: replacing command \"%.*s\" with \"%.*s\"", STR_ARG(session->peer.shown),
             STR_ARG(str_part(line, 0, 100)), STR_ARG(str_part(replacement, 0, 100)));
}

void log_bad_replacement(struct str title, struct str replacement)
{
    log_warning("%.*s: not a reply of 4xx or 5xx, ignored: %.*s", STR_ARG(title),
                STR_ARG(str_part(replacement, 0, 100)));
}

void log_anvil_trouble(const char *reason)
{
    log_warning("problem talking to server private/anvil: %s", reason);
}

void log_proxy_trouble(const char *problem, struct str input)
{
    struct strbuf shown;

    strbuf_init(&shown, LINE_MAXIMUM);
    log_text_escape(&shown, str_part(input, 0, 100));
    log_warning("haproxy read: %s%s%s", problem, shown.len > 0 ? ": " : "", strbuf_c(&shown));
    strbuf_done(&shown);
}

void log_bad_takeover(const char *reason)
{
    log_warning("a session that was handed over cannot be taken: %s", reason);
}

void log_forged_proxy_header(const struct session *session, struct str line)
{
    struct strbuf shown;

    strbuf_init(&shown, LINE_MAXIMUM);
    log_text_escape(&shown, line.len > 0 ? str_part(line, 0, 100) : STR("version 2"));
    log_warning("PROXY header from %.*s, which is not in smtpd_upstream_proxy_networks: %s",
                STR_ARG(session->peer.shown), strbuf_c(&shown));
    strbuf_done(&shown);
}

void log_discarding_keywords(struct str keywords)
{
    log_info("discarding EHLO keywords: %.*s", STR_ARG(keywords));
}

void log_status_mapped(const char *status, const char *topic, struct str fitting)
{
    log_info("mapping DSN status %s into %s status %.*s", status, topic, STR_ARG(fitting));
}

void log_unknown_restriction(struct str name)
{
    log_warning("unknown smtpd restriction: \"%.*s\"", STR_ARG(str_part(name, 0, 100)));
}

void log_bad_rewriting_client(struct str word)
{
    log_warning("parameter local_header_rewrite_clients: invalid request: %.*s", STR_ARG(str_part(word, 0, 100)));
}

void log_unfound_hosts(const char *type, struct str domain, const char *reason)
{
    log_warning("Unable to look up %s host for %.*s: %s", type, STR_ARG(domain), reason);
}

void log_unfound_host(const char *type, struct str host, const char *topic, struct str name, const char *reason)
{
    log_warning("Unable to look up %s host %.*s for %s %.*s: %s", type, STR_ARG(host), topic, STR_ARG(name), reason);
}

void log_dropped_names(struct str name, const char *kinds)
{
    log_warning("%.*s: %s lookup error: DNS reply filter drops all results", STR_ARG(name), kinds);
}

void log_login_failed(const struct session *session, struct str method, struct str reason, struct str username)
{
    log_warning("%.*s: SASL %.*s authentication failed: %.*s, sasl_username=%.*s", STR_ARG(session->peer.shown),
                STR_ARG(method), STR_ARG(reason), STR_ARG(username));
}

void log_login_aborted(const struct session *session, struct str method)
{
    log_warning("%.*s: SASL %.*s authentication aborted", STR_ARG(session->peer.shown), STR_ARG(method));
}

void log_login_trouble(const char *reason)
{
    log_warning("SASL: %s", reason);
}

void log_no_mechanisms(void)
{
    log_warning("no SASL authentication mechanisms");
}

void log_no_sasl(struct str restriction)
{
    log_warning("restriction `%.*s' ignored: no SASL support", STR_ARG(restriction));
}

void log_tls(const char *text)
{
    log_info("%s", text);
}

void log_tls_warning(const char *text)
{
    log_warning("%s", text);
}

void log_tls_abort(const struct session *session, const char *reason)
{
    log_info("NOQUEUE: abort: TLS from %.*s: %s", STR_ARG(session->peer.shown), reason);
}

void log_tls_refused(const struct session *session, const char *what)
{
    log_warning("Refusing %s request from %.*s for service %s", what, STR_ARG(session->peer.shown),
                session->connection->service);
}

void log_bad_server_name_value(struct str title, struct str name)
{
    log_warning("%.*s: the value of %.*s is no base64: make the table by postmap -F", STR_ARG(title), STR_ARG(name));
}

void log_wrapper_dropped(const struct session *session)
{
    log_warning("Wrapper-mode request dropped from %.*s for service %s. TLS context initialization failed. For details "
                "see earlier warnings in your logs.",
                STR_ARG(session->peer.shown), session->connection->service);
}

void log_peer_trouble(struct str trouble)
{
    log_warning("%.*s", STR_ARG(trouble));
}

void log_etrn_denied(const struct session *session, struct str site)
{
    log_warning("reject: ETRN %.*s... from %.*s", STR_ARG(str_part(site, 0, 100)), STR_ARG(session->peer.shown));
}

void log_flush_trouble(const char *reason)
{
    log_warning("flush service: %s", reason);
}
