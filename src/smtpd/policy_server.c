/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/policy_server.h"

#include "base/list.h"
#include "base/memory.h"
#include "config/main_cf.h"
#include "dns/host_lookup.h"
#include "os/system_socket.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/socket.h"
#include "run/stream.h"
#include "smtpd/log_lines.h"
#include "smtpd/policy_answer.h"
#include "smtpd/policy_request.h"
#include "smtpd/restriction.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"
#include "table/table_list.h"

#include <errno.h>

struct policy_server {
    struct smtpd *smtpd;
    struct policy_server *next;
    struct str text;
    struct str place;
    struct str name; /* of the place, in log lines: "127.0.0.1:10023", "private/policy" */
    struct str host; /* empty: a Unix socket */
    unsigned port;
    const char *path;
    struct policy_settings settings;
    struct list idle; /* struct connection; the one used last is first */
    struct event changed;
    struct event swept;
    bool is_sweeping;
    bool is_closing;
};

struct connection {
    struct list link;
    struct stream *stream;
    struct instant opened, used;
    unsigned requests;
};

/* ---- what main.cf says ---- */

static bool set_place(struct policy_server *server, struct str place, struct failure *why)
{
    struct arena *arena = server->smtpd->arena;
    size_t colon;

    server->place = arena_str(arena, place);
    if (str_starts_with(place, STR("unix:"))) {
        server->name = arena_str(arena, str_from(place, strlen("unix:")));
        server->path = arena_c(arena, server->name);
        return true;
    }
    if (str_starts_with(place, STR("inet:")))
        place = str_from(place, strlen("inet:"));
    server->name = arena_str(arena, place);
    colon = str_find_last_char(place, ':');
    if (colon == STR_NOT_FOUND)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "\"%.*s\": need unix:path or inet:host:port", STR_ARG(place));
    server->host = arena_str(arena, str_part(place, 0, colon));
    if (str_starts_with(server->host, STR("[")) && str_ends_with(server->host, STR("]")))
        server->host = str_part(server->host, 1, server->host.len - 2);
    if (server->host.len == 0)
        server->host = STR("localhost");
    if (!system_socket_parse_port(str_from(place, colon + 1), &server->port))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "\"%.*s\": no port of that name", STR_ARG(place));
    return true;
}

static bool set_time(struct duration *out, struct str value)
{
    int64_t number;

    if (!main_cf_parse_time(value, 's', &number))
        return false;
    *out = seconds(number);
    return true;
}

static bool set_count(int *out, struct str value)
{
    uint64_t number;

    if (!str_to_uint64(value, &number) || number > INT_MAX)
        return false;
    *out = (int) number;
    return true;
}

static bool set_one(struct policy_server *server, struct str name, struct str value)
{
    struct policy_settings *settings = &server->settings;

    if (str_equal(name, STR("default_action")))
        settings->default_action = arena_str(server->smtpd->arena, value);
    else if (str_equal(name, STR("policy_context")))
        settings->context = arena_str(server->smtpd->arena, value);
    else if (str_equal(name, STR("timeout")))
        return set_time(&settings->timeout, value);
    else if (str_equal(name, STR("max_idle")))
        return set_time(&settings->max_idle, value);
    else if (str_equal(name, STR("max_ttl")))
        return set_time(&settings->max_ttl, value);
    else if (str_equal(name, STR("retry_delay")))
        return set_time(&settings->retry_delay, value);
    else if (str_equal(name, STR("request_limit")))
        return set_count(&settings->request_limit, value);
    else if (str_equal(name, STR("try_limit")))
        return set_count(&settings->try_limit, value);
    else
        return false;
    return true;
}

static struct str without_braces(struct str text)
{
    if (text.len >= 2 && text.data[0] == '{' && text.data[text.len - 1] == '}')
        return str_trim(str_part(text, 1, text.len - 2));
    return text;
}

static bool parse(struct policy_server *server, struct str text, struct failure *why)
{
    struct str word, name, value;

    text = without_braces(text);
    if (!table_list_next_word(&text, ", \t\r\n", &word))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "no server is named");
    if (!set_place(server, word, why))
        return false;
    while (table_list_next_word(&text, ", \t\r\n", &word)) {
        word = without_braces(word);
        if (!main_cf_split_assignment(word, &name, &value) || !set_one(server, name, value))
            return failure_set(why, FAILURE_CONFIGURATION, 0, "%.*s: \"%.*s\" is no setting of a policy service",
                               STR_ARG(server->place), STR_ARG(word));
    }
    return true;
}

struct policy_server *policy_server_open(struct smtpd *smtpd, struct str text, struct failure *why)
{
    struct policy_server *server;

    for (server = smtpd->policy_servers; server != NULL; server = server->next) {
        if (str_equal(server->text, text))
            return server;
    }
    server = arena_new(smtpd->arena, struct policy_server);
    server->smtpd = smtpd;
    server->text = arena_str(smtpd->arena, text);
    server->settings = smtpd->settings->policy_service;
    list_init(&server->idle);
    event_init(&server->changed);
    event_init(&server->swept);
    if (!parse(server, server->text, why))
        return NULL;
    server->next = smtpd->policy_servers;
    smtpd->policy_servers = server;
    return server;
}

struct str policy_server_place(const struct policy_server *server)
{
    return server->place;
}

/* ---- connections ---- */

static void connection_close(struct connection *connection)
{
    stream_destroy(&connection->stream);
    memory_free(connection);
}

static struct instant expiry_of(const struct policy_server *server, const struct connection *connection)
{
    struct instant unused = instant_add(connection->used, server->settings.max_idle);
    struct instant old = instant_add(connection->opened, server->settings.max_ttl);

    return instant_is_before(unused, old) ? unused : old;
}

/* Closes what has expired; false when none is left. */
static bool close_expired(struct policy_server *server, struct instant *next_out)
{
    struct instant now = loop_now(server->smtpd->loop);
    struct list *link, *following;

    *next_out = STREAM_NO_DEADLINE;
    for (link = server->idle.next; link != &server->idle; link = following) {
        struct connection *connection = CONTAINER_OF(link, struct connection, link);
        struct instant expiry = expiry_of(server, connection);

        following = link->next;
        if (!instant_is_before(now, expiry) || server->is_closing) {
            list_remove(&connection->link);
            connection_close(connection);
        } else if (instant_is_before(expiry, *next_out)) {
            *next_out = expiry;
        }
    }
    return !list_is_empty(&server->idle);
}

/* A fiber, while connections are unused. */
static void sweep(void *context)
{
    struct policy_server *server = context;
    struct loop *loop = server->smtpd->loop;
    struct instant next;

    while (close_expired(server, &next))
        (void) !event_wait(loop, &server->changed, instant_since(next, loop_now(loop)), NULL);
    server->is_sweeping = false;
    event_wake_all(&server->swept);
}

static void connection_keep(struct policy_server *server, struct connection *connection)
{
    int limit = server->settings.request_limit;

    if (server->is_closing || (limit > 0 && connection->requests >= (unsigned) limit)) {
        connection_close(connection);
        return;
    }
    connection->used = loop_now(server->smtpd->loop);
    list_prepend(&server->idle, &connection->link);
    if (!server->is_sweeping) {
        server->is_sweeping = true;
        fiber_start(server->smtpd->loop, sweep, server);
    }
}

static bool connect_to_host(struct policy_server *server, struct arena *arena, int *fd_out, struct failure *why)
{
    struct host_addresses addresses;
    struct socket_address address;

    host_lookup_addresses(server->smtpd->host_lookup, server->host, arena, &addresses);
    if (addresses.outcome != DNS_FOUND)
        return failure_set(why, FAILURE_RETRY, 0, "%s", addresses.reason);
    for (size_t i = 0; i < addresses.count; i++) {
        address.len = ip_address_to_sockaddr(&addresses.items[i], (uint16_t) server->port, &address.storage);
        if (socket_connect(server->smtpd->loop, &address, NULL, server->settings.timeout, fd_out, why))
            return true;
    }
    return false;
}

static const char *reason_of(const struct failure *why)
{
    if (why->kind == FAILURE_TIMEOUT)
        return strerror(ETIMEDOUT);
    return why->error != 0 ? strerror(why->error) : why->text;
}

/* NULL with why: none could be made. */
static struct connection *connection_open(struct policy_server *server, struct arena *arena, struct failure *why)
{
    struct loop *loop = server->smtpd->loop;
    struct connection *connection = memory_alloc(sizeof *connection);
    bool is_connected;
    int fd;

    if (server->path != NULL)
        is_connected = socket_connect_unix(loop, server->path, server->settings.timeout, &fd, why);
    else
        is_connected = connect_to_host(server, arena, &fd, why);
    if (is_connected && stream_create(loop, fd, server->settings.timeout, &connection->stream, why)) {
        connection->opened = loop_now(loop);
        return connection;
    }
    log_policy_connect_failed(server->name, reason_of(why));
    memory_free(connection);
    return NULL;
}

/* The one used last that the server has not closed, or a new one. */
static struct connection *connection_take(struct policy_server *server, struct arena *arena, struct failure *why)
{
    struct instant ignored;

    while (close_expired(server, &ignored)) {
        struct connection *connection = CONTAINER_OF(server->idle.next, struct connection, link);

        list_remove(&connection->link);
        if (!stream_has_input(connection->stream))
            return connection;
        connection_close(connection);
    }
    return connection_open(server, arena, why);
}

/* ---- questions ---- */

static void log_broken(const struct policy_server *server, const struct failure *why, const char *what)
{
    if (why->kind == FAILURE_TIMEOUT)
        log_policy_timeout(server->name, what);
    else
        log_policy_premature_end(server->name, what);
}

static void log_no_answer(const struct policy_server *server, enum policy_answer_state state, const struct failure *why)
{
    if (state == POLICY_ANSWER_EMPTY)
        log_policy_without_action(server->name);
    else
        log_broken(server, why, state == POLICY_ANSWER_CUT_OFF ? "value" : "name");
}

static bool read_answer(struct policy_server *server, struct connection *connection, struct arena *arena,
                        struct str *action_out, struct failure *why)
{
    struct policy_answer answer = { 0 };
    enum policy_answer_state state = POLICY_ANSWER_OPEN;
    struct str line;

    while (state == POLICY_ANSWER_OPEN) {
        if (!stream_read_line(connection->stream, POLICY_ANSWER_LINE_MAXIMUM, &line, why)) {
            if (answer.lines > 0 || why->kind == FAILURE_TIMEOUT)
                log_broken(server, why, "name");
            return false;
        }
        state = policy_answer_take(&answer, line, arena);
    }
    *action_out = answer.action;
    if (state == POLICY_ANSWER_COMPLETE)
        return true;
    *why = (struct failure){ 0 };
    log_no_answer(server, state, why);
    return failure_set(why, FAILURE_PROTOCOL, 0, "Application error");
}

static bool ask_once(struct policy_server *server, struct str request, struct arena *arena, struct str *action_out,
                     struct failure *why)
{
    struct connection *connection = connection_take(server, arena, why);

    if (connection == NULL)
        return false;
    connection->requests++;
    if (stream_write(connection->stream, request, why) && stream_flush(connection->stream, why) &&
        read_answer(server, connection, arena, action_out, why)) {
        connection_keep(server, connection);
        return true;
    }
    connection_close(connection);
    return false;
}

struct str policy_server_ask(struct policy_server *server, const struct check *check)
{
    struct arena *arena = check->arena;
    struct str request = policy_request_make(check, server->settings.context, arena);
    struct str action;
    struct failure why = { 0 };

    for (int count = 1; !ask_once(server, request, arena, &action, &why); count++) {
        if (count >= server->settings.try_limit) {
            log_policy_problem(server->name, why.kind == FAILURE_PROTOCOL ? "Application error" : reason_of(&why));
            return server->settings.default_action;
        }
        fiber_sleep(server->smtpd->loop, server->settings.retry_delay);
    }
    return action;
}

void policy_servers_close(struct smtpd *smtpd)
{
    for (struct policy_server *server = smtpd->policy_servers; server != NULL; server = server->next) {
        server->is_closing = true;
        event_wake_all(&server->changed);
        while (server->is_sweeping)
            (void) !event_wait(smtpd->loop, &server->swept, DURATION_FOREVER, NULL);
    }
}
