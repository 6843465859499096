/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/policy_server.h"

#include "base/list.h"
#include "base/memory.h"
#include "config/policy_service.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/stream.h"
#include "smtpd/log_lines.h"
#include "smtpd/policy_answer.h"
#include "smtpd/policy_request.h"
#include "smtpd/restriction.h"
#include "smtpd/server_dial.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

struct policy_server {
    struct smtpd *smtpd;
    struct policy_server *next;
    struct str text;
    struct policy_service service;
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
    list_init(&server->idle);
    event_init(&server->changed);
    event_init(&server->swept);
    if (!policy_service_parse(server->text, &smtpd->settings->policy_service, smtpd->arena, &server->service, why))
        return NULL;
    server->next = smtpd->policy_servers;
    smtpd->policy_servers = server;
    return server;
}

struct str policy_server_place(const struct policy_server *server)
{
    return server->service.place;
}

/* ---- connections ---- */

static void connection_close(struct connection *connection)
{
    stream_destroy(&connection->stream);
    memory_free(connection);
}

static struct instant expiry_of(const struct policy_server *server, const struct connection *connection)
{
    struct instant unused = instant_add(connection->used, server->service.settings.max_idle);
    struct instant old = instant_add(connection->opened, server->service.settings.max_ttl);

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
    int limit = server->service.settings.request_limit;

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

/* NULL with why: none could be made. */
static struct connection *connection_open(struct policy_server *server, struct arena *arena, struct failure *why)
{
    struct loop *loop = server->smtpd->loop;
    struct connection *connection = memory_alloc(sizeof *connection);
    const struct server_place place = {
        .text = server->service.place,
        .name = server->service.name,
        .host = server->service.host,
        .port = server->service.port,
    };
    int fd;

    if (server_dial(server->smtpd, &place, server->service.settings.timeout, arena, &fd, why) &&
        stream_create(loop, fd, server->service.settings.timeout, &connection->stream, why)) {
        connection->opened = loop_now(loop);
        return connection;
    }
    log_policy_connect_failed(server->service.name, server_dial_reason(why));
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
        log_policy_timeout(server->service.name, what);
    else
        log_policy_premature_end(server->service.name, what);
}

static void log_no_answer(const struct policy_server *server, enum policy_answer_state state, const struct failure *why)
{
    if (state == POLICY_ANSWER_EMPTY)
        log_policy_without_action(server->service.name);
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
    struct str request = policy_request_make(check, server->service.settings.context, arena);
    struct str action;
    struct failure why = { 0 };

    for (int count = 1; !ask_once(server, request, arena, &action, &why); count++) {
        if (count >= server->service.settings.try_limit) {
            log_policy_problem(server->service.name,
                               why.kind == FAILURE_PROTOCOL ? "Application error" : server_dial_reason(&why));
            return server->service.settings.default_action;
        }
        fiber_sleep(server->smtpd->loop, server->service.settings.retry_delay);
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
