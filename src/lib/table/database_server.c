/* SPDX-License-Identifier: Apache-2.0 */
#include "table/database_server.h"

#include "base/memory.h"
#include "os/random.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/offload.h"

#include <stdio.h>

enum {
    CALLS_AT_ONCE = 4,
    TIMEOUT_SECONDS = 100,
    PAUSE_FIRST_SECONDS = 1,
};

struct host {
    const char *name;
    struct instant retry_at;
    struct duration pause; /* 0: it was there when last asked */
    char why[300];
};

struct connection {
    struct connection *next;
    void *handle;
    size_t host;
    struct instant last_used;
};

/* One question's way to a server; a thread's while it is asked. */
struct database_attempt {
    const struct merpati_driver *driver;
    const void *table;
    const char **hosts; /* all, by number */
    size_t *order;      /* the numbers of those to try */
    size_t order_count;
    bool *is_down; /* by number: connecting failed */
    char (*why)[300];
    struct connection *connection; /* NULL: none is kept */
    bool was_kept;
};

struct database_server {
    struct database_server *next;
    struct table_set *set;
    struct str key;
    struct database_server_options options;
    struct host *hosts;
    size_t host_count;
    struct connection *idle;
    unsigned in_use;
    struct event turn;
    struct offload *offload; /* NULL: no loop */
};

struct database_server *database_server_find(struct database_server **list, struct table_set *set,
                                             const struct database_server_options *options, struct str key)
{
    struct loop *loop = table_set_options(set)->loop;
    struct database_server *server;

    for (server = *list; server != NULL; server = server->next) {
        if (server->options.driver == options->driver && str_equal(server->key, key))
            return server;
    }
    server = memory_alloc(sizeof(*server));
    *server = (struct database_server){ .next = *list, .set = set, .options = *options };
    server->options.hosts = NULL;
    server->key = arena_str(table_set_arena(set), key);
    server->hosts = memory_alloc(options->hosts->count * sizeof(*server->hosts));
    server->host_count = options->hosts->count;
    for (size_t i = 0; i < options->hosts->count; i++)
        server->hosts[i] = (struct host){ .name = arena_c(table_set_arena(set), options->hosts->items[i]) };
    event_init(&server->turn);
    if (loop != NULL)
        server->offload = offload_create(loop, options->type, CALLS_AT_ONCE);
    *list = server;
    return server;
}

static void discard(struct database_server *server, struct connection *connection)
{
    server->options.driver->disconnect(connection->handle);
    memory_free(connection);
}

static void discard_idle(struct database_server *server, struct instant older_than)
{
    struct connection **link = &server->idle;

    while (*link != NULL) {
        struct connection *connection = *link;

        if (instant_is_before(connection->last_used, older_than)) {
            *link = connection->next;
            discard(server, connection);
        } else {
            link = &connection->next;
        }
    }
}

bool database_server_close_all(struct database_server **list)
{
    for (const struct database_server *server = *list; server != NULL; server = server->next) {
        if (server->in_use > 0)
            return false;
    }
    while (*list != NULL) {
        struct database_server *server = *list;

        *list = server->next;
        offload_destroy(&server->offload);
        discard_idle(server, (struct instant){ INT64_MAX });
        memory_free(server->hosts);
        memory_free(server);
    }
    return true;
}

static void attempt_free(struct database_attempt *attempt)
{
    memory_free(attempt->hosts);
    memory_free(attempt->order);
    memory_free(attempt->is_down);
    memory_free(attempt->why);
    memory_free(attempt);
}

static bool is_local(const char *host)
{
    return host[0] == '/' || str_starts_with(str_from_c(host), STR("unix:"));
}

static void shuffle(size_t *order, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t other = (size_t) random_below(i);
        size_t number = order[i - 1];

        order[i - 1] = order[other];
        order[other] = number;
    }
}

/* Which keeps its place among those that go first, or among the others. */
static void move_last(struct database_attempt *attempt, size_t at)
{
    size_t number = attempt->order[at];

    for (; at + 1 < attempt->order_count; at++)
        attempt->order[at] = attempt->order[at + 1];
    attempt->order[at] = number;
}

static void put_local_first(struct database_attempt *attempt)
{
    size_t at = 0;

    for (size_t i = 0; i < attempt->order_count; i++) {
        if (is_local(attempt->hosts[attempt->order[at]]))
            at++;
        else
            move_last(attempt, at);
    }
}

/* Those that are not left alone now. */
static void choose_hosts(const struct database_server *server, struct database_attempt *attempt, struct instant now)
{
    for (size_t i = 0; i < server->host_count; i++) {
        attempt->hosts[i] = server->hosts[i].name;
        if (instant_is_before(now, server->hosts[i].retry_at))
            continue;
        attempt->order[attempt->order_count++] = i;
    }
    if (attempt->driver->hosts_order != MERPATI_DRIVER_AS_WRITTEN)
        shuffle(attempt->order, attempt->order_count);
    if (attempt->driver->hosts_order == MERPATI_DRIVER_LOCAL_FIRST)
        put_local_first(attempt);
}

static struct database_attempt *attempt_begin(struct database_server *server)
{
    struct instant now = clock_monotonic();
    struct database_attempt *attempt = memory_alloc(sizeof(*attempt));

    discard_idle(server, instant_add(now, (struct duration){ -server->options.idle_time.us }));
    *attempt = (struct database_attempt){ .driver = server->options.driver, .table = server->options.table };
    attempt->hosts = memory_alloc(server->host_count * sizeof(*attempt->hosts));
    attempt->order = memory_alloc(server->host_count * sizeof(*attempt->order));
    attempt->is_down = memory_alloc(server->host_count * sizeof(*attempt->is_down));
    attempt->why = memory_alloc(server->host_count * sizeof(*attempt->why));
    choose_hosts(server, attempt, now);
    attempt->connection = server->idle;
    if (server->idle != NULL) {
        server->idle = server->idle->next;
        attempt->was_kept = true;
    }
    return attempt;
}

/* In a thread. */
static bool connect_somewhere(struct database_attempt *attempt)
{
    for (size_t i = 0; i < attempt->order_count; i++) {
        size_t host = attempt->order[i];
        void *handle;

        if (attempt->is_down[host])
            continue;
        handle = attempt->driver->connect(attempt->table, attempt->hosts[host],
                                          (struct merpati_table_text){ attempt->why[host], sizeof(*attempt->why) });
        if (handle != NULL) {
            attempt->connection = memory_alloc(sizeof(*attempt->connection));
            *attempt->connection = (struct connection){ .handle = handle, .host = host };
            return true;
        }
        attempt->is_down[host] = true;
    }
    return false;
}

/* Its host comes last now: another may answer where this one keeps silent. */
static void drop_connection(struct database_attempt *attempt)
{
    for (size_t i = 0; i < attempt->order_count; i++) {
        if (attempt->order[i] == attempt->connection->host) {
            move_last(attempt, i);
            break;
        }
    }
    attempt->driver->disconnect(attempt->connection->handle);
    memory_free(attempt->connection);
    attempt->connection = NULL;
}

/* In a thread. */
static void run(void *context)
{
    struct database_call *call = context;
    struct database_attempt *attempt = call->attempt;
    struct merpati_table_text why = { call->why, sizeof(call->why) };

    call->result = MERPATI_DRIVER_LOST;
    for (int tries = 0; tries < 2; tries++) {
        if (attempt->connection == NULL && !connect_somewhere(attempt))
            return;
        call->result = call->ask(call, attempt->connection->handle, why);
        if (call->result != MERPATI_DRIVER_LOST && call->result != MERPATI_DRIVER_ENOUGH)
            return;
        drop_connection(attempt);
        if (call->result == MERPATI_DRIVER_ENOUGH) {
            call->result = MERPATI_DRIVER_DONE;
            return;
        }
    }
}

static void note_host(struct database_server *server, struct host *host, const char *why, struct instant now)
{
    struct duration pause = { host->pause.us * 2 };

    if (host->pause.us == 0)
        pause = seconds(PAUSE_FIRST_SECONDS);
    if (pause.us > server->options.longest_pause.us)
        pause = server->options.longest_pause;
    host->pause = pause;
    host->retry_at = instant_add(now, pause);
    snprintf(host->why, sizeof(host->why), "%s", why);
    table_set_warn(server->set, "connect to %s server%s%s: %s", server->options.type, host->name[0] == '\0' ? "" : " ",
                   host->name, why);
}

/* In the loop's thread: what the attempt has found out, and its connection, are the server's. */
static void settle(struct database_server *server, struct database_attempt *attempt)
{
    struct instant now = clock_monotonic();

    for (size_t i = 0; i < server->host_count; i++) {
        if (attempt->is_down[i])
            note_host(server, &server->hosts[i], attempt->why[i], now);
    }
    if (attempt->connection != NULL) {
        attempt->connection->last_used = now;
        server->hosts[attempt->connection->host].pause = (struct duration){ 0 };
        attempt->connection->next = server->idle;
        server->idle = attempt->connection;
    }
    attempt_free(attempt);
    server->in_use--;
    event_wake_one(&server->turn);
}

static void release(void *context)
{
    struct database_call *call = context;

    settle(call->server, call->attempt);
    call->release(call);
}

static void explain_absence(const struct database_server *server, struct database_call *call)
{
    const struct host *host = &server->hosts[0];

    if (call->result != MERPATI_DRIVER_LOST || call->why[0] != '\0')
        return;
    if (server->host_count == 1)
        snprintf(call->why, sizeof(call->why), "%s", host->why);
    else
        snprintf(call->why, sizeof(call->why), "no server can be reached; %s: %s", host->name, host->why);
}

static bool wait_for_turn(struct database_server *server, struct loop *loop, struct instant end, struct failure *why)
{
    while (server->in_use >= CALLS_AT_ONCE) {
        if (!event_wait(loop, &server->turn, instant_since(end, loop_now(loop)), NULL))
            return failure_set(why, FAILURE_TIMEOUT, 0, "timed out waiting for a turn");
    }
    return true;
}

bool database_server_ask(struct database_server *server, struct database_call *call, struct failure *why)
{
    struct loop *loop = table_set_options(server->set)->loop;
    bool in_fiber = loop != NULL && fiber_is_running(loop);
    struct instant end = { 0 };

    call->server = server;
    call->why[0] = '\0';
    if (in_fiber) {
        end = instant_add(loop_now(loop), seconds(TIMEOUT_SECONDS));
        if (!wait_for_turn(server, loop, end, why)) {
            call->release(call);
            return false;
        }
    }
    server->in_use++;
    call->attempt = attempt_begin(server);
    if (!in_fiber)
        run(call);
    else if (!offload_run(server->offload, run, call, release, instant_since(end, loop_now(loop)), why))
        return false;
    settle(server, call->attempt);
    explain_absence(server, call);
    return true;
}
