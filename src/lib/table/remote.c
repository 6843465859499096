/* SPDX-License-Identifier: Apache-2.0 */
#include "table/remote.h"

#include "base/ip_address.h"
#include "base/list.h"
#include "base/memory.h"
#include "dns/native_lookup.h"
#include "os/system_socket.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/offload.h"
#include "run/socket.h"
#include "run/stream.h"
#include "table/table_type.h"

#include <sys/socket.h>

enum {
    QUESTION_SECONDS = 100,
    CONNECT_SECONDS = 30, /* one address of several */
    IDLE_SECONDS = 10,
    KEPT_MAX = 4,
    OPEN_MAX = 20,
    NATIVE_MAX = 4,
    TRIES = 2,
};

/* A connection that waits for its next question. */
struct kept {
    struct list place;
    struct stream *stream;
    struct instant since;
};

struct remote {
    struct loop *own_loop; /* in commands */
    struct loop *loop;
    struct remote_place place;
    struct str name;
    struct offload *names; /* NULL until a name was looked up */
    struct list kept;      /* the last used first */
    size_t kept_count;
    size_t busy_count;
    struct event is_free;
    struct remote_patience patience; /* tries 0: as it always is */
};

bool remote_place_parse(struct str text, struct remote_place *place_out)
{
    size_t colon = str_find_last_char(text, ':');
    struct str host = colon == STR_NOT_FOUND ? STR_EMPTY : str_part(text, 0, colon);

    if (str_starts_with(host, STR("[")) && str_ends_with(host, STR("]")))
        host = str_part(host, 1, host.len - 2);
    *place_out = (struct remote_place){ .host = str_is_empty(host) ? STR("localhost") : host,
                                        .port = colon == STR_NOT_FOUND ? text : str_from(text, colon + 1) };
    return !str_is_empty(place_out->port);
}

struct remote *remote_open(struct table *table, const struct remote_place *place)
{
    struct arena *arena = table_set_arena(table->set);
    struct remote *remote = arena_new(arena, struct remote);

    remote->loop = table_set_options(table->set)->loop;
    if (remote->loop == NULL)
        remote->loop = remote->own_loop = loop_create();
    remote->place = *place;
    remote->name = str_is_empty(place->path)
                       ? arena_printf(arena, "%.*s:%.*s", STR_ARG(place->host), STR_ARG(place->port))
                       : place->path;
    list_init(&remote->kept);
    event_init(&remote->is_free);
    return remote;
}

void remote_set_patience(struct remote *remote, const struct remote_patience *patience)
{
    remote->patience = *patience;
}

static void drop(struct remote *remote, struct kept *kept)
{
    list_remove(&kept->place);
    remote->kept_count--;
    stream_destroy(&kept->stream);
    memory_free(kept);
}

void remote_close(struct remote **remote)
{
    struct remote *it = *remote;

    *remote = NULL;
    if (it == NULL)
        return;
    while (!list_is_empty(&it->kept))
        drop(it, CONTAINER_OF(it->kept.next, struct kept, place));
    offload_destroy(&it->names);
    if (it->own_loop != NULL) {
        loop_run(it->own_loop);
        loop_destroy(&it->own_loop);
    }
}

/* ---- connections ---- */

static bool connect_address(struct remote *remote, const struct ip_address *ip, uint16_t port, struct duration patience,
                            int *fd_out, struct failure *why)
{
    struct socket_address address;

    socket_address_from_ip(ip, port, &address);
    return socket_connect(remote->loop, &address, NULL, patience, fd_out, why);
}

static struct duration time_left(const struct remote *remote, struct instant end)
{
    return instant_since(end, loop_now(remote->loop));
}

/* By name: all its addresses in turn. */
static bool connect_name(struct remote *remote, uint16_t port, struct instant end, struct arena *arena, int *fd_out,
                         struct failure *why)
{
    struct native_addresses found;

    if (remote->names == NULL)
        remote->names = offload_create(remote->loop, "host of a table", NATIVE_MAX);
    native_lookup_addresses(remote->names, remote->place.host, AF_UNSPEC, time_left(remote, end), arena, &found);
    if (found.outcome != DNS_FOUND)
        return failure_set(why, FAILURE_RETRY, 0, "host %.*s not found: %s", STR_ARG(remote->place.host), found.reason);
    for (size_t i = 0; i < found.count; i++) {
        struct duration left = time_left(remote, end);

        if (i + 1 < found.count && left.us > seconds(CONNECT_SECONDS).us)
            left = seconds(CONNECT_SECONDS);
        if (connect_address(remote, &found.items[i], port, left, fd_out, why))
            return true;
    }
    return false;
}

static bool connect_fd(struct remote *remote, struct instant end, struct arena *arena, int *fd_out, struct failure *why)
{
    const struct remote_place *place = &remote->place;
    struct ip_address ip;
    unsigned port;

    if (!str_is_empty(place->path))
        return socket_connect_unix(remote->loop, arena_c(arena, place->path), time_left(remote, end), fd_out, why);
    if (!system_socket_parse_port(place->port, &port))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "no such service: %.*s", STR_ARG(place->port));
    if (ip_address_parse(place->host, &ip))
        return connect_address(remote, &ip, (uint16_t) port, time_left(remote, end), fd_out, why);
    return connect_name(remote, (uint16_t) port, end, arena, fd_out, why);
}

static bool connect_stream(struct remote *remote, struct instant end, struct stream **stream_out, struct failure *why)
{
    struct arena *arena = arena_create();
    int fd;
    bool is_connected = connect_fd(remote, end, arena, &fd, why) &&
                        stream_create(remote->loop, fd, seconds(QUESTION_SECONDS), stream_out, why);

    arena_destroy(&arena);
    if (is_connected)
        return true;
    if (why->error != 0)
        return failure_set(why, why->kind, why->error, "connect to %.*s", STR_ARG(remote->name));
    return failure_prefix(why, "connect to %.*s", STR_ARG(remote->name));
}

/* One that has been silent for long may be gone, and what speaks unasked is out of step. */
static bool is_usable(const struct remote *remote, const struct kept *kept)
{
    return !stream_has_input(kept->stream) &&
           instant_since(loop_now(remote->loop), kept->since).us < seconds(IDLE_SECONDS).us;
}

static struct stream *take_kept(struct remote *remote)
{
    while (!list_is_empty(&remote->kept)) {
        struct kept *kept = CONTAINER_OF(remote->kept.next, struct kept, place);
        struct stream *stream = NULL;

        if (is_usable(remote, kept)) {
            stream = kept->stream;
            kept->stream = NULL;
        }
        drop(remote, kept);
        if (stream != NULL)
            return stream;
    }
    return NULL;
}

static void keep(struct remote *remote, struct stream *stream)
{
    struct kept *kept = memory_alloc(sizeof(*kept));

    kept->stream = stream;
    kept->since = loop_now(remote->loop);
    list_prepend(&remote->kept, &kept->place);
    remote->kept_count++;
    while (remote->kept_count > KEPT_MAX)
        drop(remote, CONTAINER_OF(remote->kept.previous, struct kept, place));
}

/* ---- questions ---- */

/* What a lost connection is told of: the peer's end has no errno. */
static bool may_try_again(const struct failure *why)
{
    return why->kind != FAILURE_TIMEOUT && why->kind != FAILURE_PERMANENT && why->kind != FAILURE_STOPPED;
}

static bool ask_once(struct remote *remote, struct remote_question *question, struct instant end, bool *may_retry_out,
                     struct failure *why)
{
    struct stream *stream = take_kept(remote);

    *may_retry_out = false;
    if (stream == NULL && !connect_stream(remote, end, &stream, why))
        return false;
    stream_set_deadline(stream, end);
    if (stream_write(stream, question->request, why) && stream_flush(stream, why) &&
        question->read(question, stream, why)) {
        keep(remote, stream);
        return true;
    }
    if (why->kind == FAILURE_PROTOCOL && why->error == 0)
        (void) failure_set(why, FAILURE_RETRY, 0, "unexpected disconnect");
    *may_retry_out = may_try_again(why);
    stream_destroy(&stream);
    return false;
}

static bool wait_turn(struct remote *remote, struct instant end, struct failure *why)
{
    while (remote->busy_count >= OPEN_MAX) {
        if (!event_wait(remote->loop, &remote->is_free, time_left(remote, end), why))
            return failure_set(why, FAILURE_TIMEOUT, 0, "%.*s: too many questions wait for an answer",
                               STR_ARG(remote->name));
    }
    return true;
}

/* For all tries together, or each alone. */
static struct instant end_of_try(const struct remote *remote, struct instant end)
{
    return remote->patience.tries == 0 ? end : instant_add(loop_now(remote->loop), remote->patience.timeout);
}

static bool ask_in_fiber(struct remote *remote, struct remote_question *question, struct failure *why)
{
    struct instant end = instant_add(loop_now(remote->loop), seconds(QUESTION_SECONDS));
    unsigned tries = remote->patience.tries == 0 ? TRIES : remote->patience.tries;
    bool may_retry = true;
    bool is_answered = false;

    if (!wait_turn(remote, end, why))
        return false;
    remote->busy_count++;
    for (unsigned i = 0; i < tries && !is_answered && may_retry; i++) {
        if (i > 0 && remote->patience.pause.us > 0)
            fiber_sleep(remote->loop, remote->patience.pause);
        is_answered = ask_once(remote, question, end_of_try(remote, end), &may_retry, why);
    }
    remote->busy_count--;
    (void) event_wake_one(&remote->is_free);
    return is_answered;
}

struct turn {
    struct remote *remote;
    struct remote_question *question;
    struct failure *why;
    bool is_answered;
};

static void take_turn(void *context)
{
    struct turn *turn = context;

    turn->is_answered = ask_in_fiber(turn->remote, turn->question, turn->why);
}

bool remote_ask(struct remote *remote, struct remote_question *question, struct failure *why)
{
    struct failure ignored;
    struct turn turn = { .remote = remote, .question = question, .why = why != NULL ? why : &ignored };

    if (fiber_is_running(remote->loop))
        take_turn(&turn);
    else
        fiber_run(remote->loop, take_turn, &turn);
    return turn.is_answered;
}
