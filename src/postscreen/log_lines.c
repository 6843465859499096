/* SPDX-License-Identifier: Apache-2.0 */
#include "postscreen/log_lines.h"

#include "delivery/log_lines.h"
#include "log/log.h"
#include "log/text.h"
#include "postscreen/client.h"
#include "postscreen/postscreen.h"
#include "run/loop.h"

enum { SHOWN_MAXIMUM = 100, LINE_MAXIMUM = 1000, DELAY_DIGITS = 2 };

#define CLIENT "[%.*s]:%.*s"
#define CLIENT_ARG(client) STR_ARG((client)->address), STR_ARG((client)->port)

static void append_delay(const struct client *client, struct strbuf *out)
{
    delivery_delay_append(out, instant_since(loop_now(client->postscreen->loop), client->stage_begun), DELAY_DIGITS);
}

void log_connect(const struct client *client)
{
    log_info("CONNECT from " CLIENT " to [%.*s]:%.*s", CLIENT_ARG(client), STR_ARG(client->server_address),
             STR_ARG(client->server_port));
}

void log_disconnect(const struct client *client)
{
    log_info("DISCONNECT " CLIENT, CLIENT_ARG(client));
}

void log_access(const struct client *client, bool is_permitted)
{
    static const char *const words[2][2] = { { "BLACK", "WHITE" }, { "DENY", "ALLOW" } };

    log_info("%sLISTED " CLIENT, words[client->settings->respects][is_permitted], CLIENT_ARG(client));
}

void log_veto(const struct client *client)
{
    log_info("%sLIST VETO " CLIENT, client->settings->respects ? "ALLOW" : "WHITE", CLIENT_ARG(client));
}

void log_pass(const struct client *client)
{
    log_info("PASS %s " CLIENT, client->is_new ? "NEW" : "OLD", CLIENT_ARG(client));
}

void log_pregreet(const struct client *client, size_t count, struct str text)
{
    CLEANUP(strbuf_done) struct strbuf shown, delay;

    strbuf_init(&shown, LINE_MAXIMUM);
    strbuf_init(&delay, LINE_MAXIMUM);
    append_delay(client, &delay);
    log_text_escape(&shown, str_part(text, 0, SHOWN_MAXIMUM));
    strbuf_truncate(&shown, SHOWN_MAXIMUM);
    log_info("PREGREET %zu after %s from " CLIENT ": %s", count, strbuf_c(&delay), CLIENT_ARG(client),
             strbuf_c(&shown));
}

void log_hangup(const struct client *client)
{
    CLEANUP(strbuf_done) struct strbuf delay;

    strbuf_init(&delay, LINE_MAXIMUM);
    append_delay(client, &delay);
    log_info("HANGUP after %s from " CLIENT " in tests %s SMTP handshake", strbuf_c(&delay), CLIENT_ARG(client),
             client->is_in_dialogue ? "after" : "before");
}

void log_rank(const struct client *client, int score)
{
    log_info("DNSBL rank %d for " CLIENT, score, CLIENT_ARG(client));
}

void log_bare_newline(const struct client *client, struct str line)
{
    CLEANUP(strbuf_done) struct strbuf shown;

    strbuf_init(&shown, LINE_MAXIMUM);
    log_text_escape(&shown, str_part(line, 0, SHOWN_MAXIMUM));
    log_info("BARE NEWLINE from " CLIENT " after %s", CLIENT_ARG(client), strbuf_c(&shown));
}

void log_non_smtp_command(const struct client *client, struct str line)
{
    CLEANUP(strbuf_done) struct strbuf shown;

    strbuf_init(&shown, LINE_MAXIMUM);
    log_text_neuter(&shown, line, SHOWN_MAXIMUM, false);
    /* A command and its arguments, though there are none. */
    log_info("NON-SMTP COMMAND from " CLIENT " after %s: %s%s", CLIENT_ARG(client), client->where, strbuf_c(&shown),
             str_contains_char(line, ' ') ? "" : " ");
}

void log_command_replaced(const struct client *client, struct str line, struct str replacement)
{
    log_info(CLIENT ": replacing command \"%.*s\" with \"%.*s\"", CLIENT_ARG(client),
             STR_ARG(str_part(line, 0, SHOWN_MAXIMUM)), STR_ARG(str_part(replacement, 0, SHOWN_MAXIMUM)));
}

void log_pipelining(const struct client *client, struct str verb, struct str text)
{
    CLEANUP(strbuf_done) struct strbuf shown;

    strbuf_init(&shown, LINE_MAXIMUM);
    log_text_escape(&shown, str_part(text, 0, SHOWN_MAXIMUM));
    log_info("COMMAND PIPELINING from " CLIENT " after %.*s: %s", CLIENT_ARG(client),
             STR_ARG(str_part(verb, 0, SHOWN_MAXIMUM)), strbuf_c(&shown));
}

void log_command_limit(const struct client *client, const char *which)
{
    log_info("COMMAND %s LIMIT from " CLIENT " after %s", which, CLIENT_ARG(client), client->where);
}

void log_no_recipient(const struct client *client, const char *verb)
{
    log_info("%s without valid RCPT from " CLIENT, verb, CLIENT_ARG(client));
}

void log_reject(const struct client *client, struct str reply, struct str recipient)
{
    log_info("NOQUEUE: reject: RCPT from " CLIENT ": %.*s; from=<%.*s>, to=<%.*s>, proto=%s, helo=<%.*s>",
             CLIENT_ARG(client), STR_ARG(reply), STR_ARG(client->sender), STR_ARG(recipient),
             client->is_esmtp ? "ESMTP" : "SMTP", STR_ARG(client->helo));
}

void log_too_many(const struct client *client)
{
    log_info("NOQUEUE: reject: CONNECT from " CLIENT ": too many connections", CLIENT_ARG(client));
}

void log_busy(const struct client *client, const char *what)
{
    log_info("reject: connect from " CLIENT ": all %s ports busy", CLIENT_ARG(client), what);
}

void log_stress(bool is_entered, size_t count)
{
    log_info("%s STRESS mode with %zu connections", is_entered ? "entering" : "leaving", count);
}

void log_unknown_access(struct str name, struct str word)
{
    log_warning("%.*s: unknown command: %.*s -- ignoring the remainder of this access list", STR_ARG(name),
                STR_ARG(word));
}

void log_access_trouble(struct str name, const char *reason)
{
    log_warning("%.*s: table lookup problem: %s -- ignoring the remainder of this access list", STR_ARG(name), reason);
}

void log_table_trouble(struct str title, const char *reason)
{
    log_warning("%.*s: table lookup problem: %s", STR_ARG(title), reason);
}

void log_not_handed(const struct client *client, const char *path, const char *reason)
{
    log_warning("cannot hand " CLIENT " over to %s: %s", CLIENT_ARG(client), path, reason);
}

void log_no_answer(const struct client *client, const char *service, const char *reason)
{
    log_warning("no answer from %s about " CLIENT ": %s", service, CLIENT_ARG(client), reason);
}

void log_proxy_trouble(const char *problem, struct str input)
{
    CLEANUP(strbuf_done) struct strbuf shown;

    strbuf_init(&shown, LINE_MAXIMUM);
    log_text_escape(&shown, str_part(input, 0, SHOWN_MAXIMUM));
    log_warning("haproxy read: %s%s%s", problem, input.len > 0 ? ": " : "", strbuf_c(&shown));
}

void log_problem(const char *text)
{
    log_warning("%s", text);
}

void log_cache_cleaned(struct str name, bool is_partial, size_t retained, size_t dropped)
{
    if (str_is_empty(name))
        name = STR("internal:postscreen");
    log_info("cache %.*s %s cleanup: retained=%zu dropped=%zu entries", STR_ARG(name), is_partial ? "partial" : "full",
             retained, dropped);
}
