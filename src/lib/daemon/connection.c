/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of a service: accepted up to the limit, told apart by their first byte, each in a fiber. */
#include "base/memory.h"
#include "daemon/daemon_private.h"
#include "log/log.h"
#include "os/fd.h"
#include "run/loop.h"
#include "run/poller.h"
#include "run/socket.h"
#include "run/stream.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ACCEPTS_IN_A_ROW = 16, /* then others run, and siblings get their share */
    TRIGGER_MAX = 1024,
    DATAGRAM_MAX = 65536,
    DATAGRAMS_IN_A_ROW = 64,
    PASSED_MAX = 60001, /* what may come with a descriptor */
};

struct connection {
    struct list link;
    struct daemon *daemon;
    struct daemon_session session;
    int fd;
    bool is_idle;
};

/* ---- what a connection is ---- */

/* All up to the end. */
static bool receive_passed_bytes(struct connection *connection, struct stream *stream)
{
    struct failure why = { 0 };

    while (stream_buffered(stream).len <= PASSED_MAX && stream_fill(stream, &why))
        continue;
    if (stream_buffered(stream).len > PASSED_MAX || why.kind != FAILURE_PROTOCOL)
        return false;
    connection->session.passed = arena_str(connection->session.arena, stream_buffered(stream));
    return true;
}

/* A "pass" service gets its connections through a Unix socket, from who accepted them. */
static bool receive_passed(struct connection *connection)
{
    struct daemon *daemon = connection->daemon;
    struct stream *stream;
    int passed = -1;
    bool is_received;

    if (!stream_create(daemon->loop, connection->fd, daemon->shared->ipc_timeout, &stream, NULL)) {
        connection->fd = -1;
        return false;
    }
    stream_allow_fds(stream, 1);
    is_received = stream_receive_fd(stream, &passed, NULL) && receive_passed_bytes(connection, stream);
    stream_destroy(&stream);
    connection->fd = passed;
    return is_received;
}

static void run_session(struct connection *connection)
{
    struct daemon *daemon = connection->daemon;
    struct daemon_session *session = &connection->session;
    struct failure why;

    session->daemon = daemon;
    session->context = daemon->context;
    session->service = daemon->arguments.service;
    session->fd = connection->fd;
    connection->fd = -1;
    if (!stream_create(daemon->loop, session->fd, daemon->shared->ipc_timeout, &session->stream, &why)) {
        log_warning("cannot serve a connection: %s", why.text);
        return;
    }
    daemon->program->session(session);
    stream_destroy(&session->stream);
}

static bool peek_first_byte(struct connection *connection, unsigned char *byte_out)
{
    struct daemon *daemon = connection->daemon;
    struct poller *poller;
    bool has_byte = false;

    if (!poller_create(daemon->loop, connection->fd, &poller, NULL))
        return false;
    if (poller_wait(poller, POLLER_READ, daemon->shared->ipc_timeout, NULL))
        has_byte = recv(connection->fd, byte_out, 1, MSG_PEEK) == 1;
    poller_destroy(&poller);
    return has_byte;
}

static void run_trigger(struct connection *connection)
{
    struct daemon *daemon = connection->daemon;
    char bytes[TRIGGER_MAX];
    ssize_t count = recv(connection->fd, bytes, sizeof bytes, 0);

    /* The peer waits for the close, not for the work. */
    fd_close(&connection->fd);
    if (count > 0)
        daemon->program->trigger(daemon->context, str_make(bytes, (size_t) count));
}

static void run_channel(struct connection *connection)
{
    struct daemon *daemon = connection->daemon;
    struct failure why;

    if (!channel_serve(daemon->loop, fd_take(&connection->fd), daemon->program->protocol, daemon_handle_call, daemon,
                       &daemon->channels, &why))
        log_warning("%s: disconnected: %s", daemon->arguments.service, why.text);
}

static void run_internal(struct connection *connection)
{
    const struct daemon_program *program = connection->daemon->program;
    unsigned char first;

    if (!peek_first_byte(connection, &first))
        return;
    if (first == CHANNEL_FIRST_BYTE && program->operations != NULL)
        run_channel(connection);
    else if (first != CHANNEL_FIRST_BYTE && program->trigger != NULL)
        run_trigger(connection);
    else
        log_warning("%s: disconnected: a peer speaks another protocol", connection->daemon->arguments.service);
}

static void run_connection(void *context)
{
    struct connection *connection = context;
    struct daemon *daemon = connection->daemon;

    if (daemon->program->session != NULL)
        connection->session.arena = arena_create();
    if (daemon->arguments.transport != DAEMON_TRANSPORT_PASS || receive_passed(connection)) {
        if (daemon->program->session != NULL)
            run_session(connection);
        else
            run_internal(connection);
    }
    fd_close(&connection->fd);
    arena_destroy(&connection->session.arena);
    list_remove(&connection->link);
    memory_free(connection);
    daemon->connection_count--;
    event_wake_all(&daemon->slot_free);
    daemon_note_change(daemon);
}

bool daemon_session_read_line(struct daemon_session *session, size_t maximum, struct str *line_out, struct failure *why)
{
    struct connection *connection = CONTAINER_OF(session, struct connection, session);
    bool is_read;

    if (connection->daemon->is_stopping && stream_buffered(session->stream).len == 0)
        return failure_set(why, FAILURE_STOPPED, 0, "stopped");
    connection->is_idle = true;
    is_read = stream_read_line(session->stream, maximum, line_out, why);
    connection->is_idle = false;
    return is_read;
}

void daemon_interrupt_idle(struct daemon *daemon)
{
    for (struct list *node = daemon->connections.next; node != &daemon->connections; node = node->next) {
        struct connection *connection = CONTAINER_OF(node, struct connection, link);

        if (connection->is_idle)
            stream_interrupt(connection->session.stream);
    }
}

/* ---- accepting ---- */

struct acceptor {
    struct daemon *daemon;
    int fd;
    struct listener *listener; /* for connections */
    struct poller *poller;     /* for a fifo or datagrams */
};

void daemon_start_connection(struct daemon *daemon, int fd)
{
    struct connection *connection = memory_alloc(sizeof *connection);

    connection->daemon = daemon;
    connection->fd = fd;
    list_append(&daemon->connections, &connection->link);
    daemon->connection_count++;
    daemon_note_change(daemon);
    if (daemon->program->session != NULL)
        daemon_count_use(daemon);
    fiber_start(daemon->loop, run_connection, connection);
}

static void wait_for_slot(struct daemon *daemon)
{
    while (daemon_is_full(daemon) && !daemon->is_draining)
        daemon_wait(daemon, &daemon->slot_free);
}

static void accept_connections(void *context)
{
    struct acceptor *acceptor = context;
    struct daemon *daemon = acceptor->daemon;
    unsigned in_a_row = 0;
    struct failure why;
    int fd;

    while (wait_for_slot(daemon), !daemon->is_draining) {
        if (listener_accept(acceptor->listener, seconds(60), &fd, NULL, &why)) {
            daemon_start_connection(daemon, fd);
            if (++in_a_row % ACCEPTS_IN_A_ROW == 0)
                fiber_yield(daemon->loop);
        } else if (why.kind != FAILURE_TIMEOUT && why.kind != FAILURE_STOPPED) {
            /* No descriptors or no memory: those in hand will give some back. */
            log_warning("%s: %s", daemon->arguments.service, why.text);
            fiber_sleep(daemon->loop, seconds(1));
        }
    }
}

static void take_packets(struct acceptor *acceptor, char *bytes, void (*give)(void *context, struct str bytes))
{
    struct daemon *daemon = acceptor->daemon;
    unsigned in_a_row = 0;

    while (!daemon->is_draining) {
        ssize_t count = read(acceptor->fd, bytes, DATAGRAM_MAX);

        if (count > 0) {
            give(daemon->context, str_make(bytes, (size_t) count));
            daemon->last_active = loop_now(daemon->loop);
            if (++in_a_row % DATAGRAMS_IN_A_ROW == 0)
                fiber_yield(daemon->loop);
        } else if (count < 0 && errno == EINTR) {
            continue;
        } else if (!poller_wait(acceptor->poller, POLLER_READ, seconds(60), NULL)) {
            continue;
        }
    }
}

static void read_packets(void *context)
{
    struct acceptor *acceptor = context;
    const struct daemon_program *program = acceptor->daemon->program;
    bool is_fifo = acceptor->daemon->arguments.transport == DAEMON_TRANSPORT_FIFO;
    char *bytes = memory_alloc(DATAGRAM_MAX);

    take_packets(acceptor, bytes, is_fifo ? program->trigger : program->datagram);
    memory_free(bytes);
}

static bool start_acceptor(struct acceptor *acceptor, struct failure *why)
{
    struct daemon *daemon = acceptor->daemon;
    bool takes_packets = daemon->arguments.transport == DAEMON_TRANSPORT_FIFO ||
                         daemon->arguments.transport == DAEMON_TRANSPORT_DATAGRAM;

    if (!fd_set_nonblocking(acceptor->fd, true, why) || !fd_set_close_on_exec(acceptor->fd, true, why))
        return failure_prefix(why, "listening socket %d, which master gives", acceptor->fd);
    if (takes_packets) {
        if (!poller_create(daemon->loop, acceptor->fd, &acceptor->poller, why))
            return false;
        fiber_group_start(&daemon->acceptors, read_packets, acceptor);
        return true;
    }
    if (!listener_create(daemon->loop, acceptor->fd, &acceptor->listener, why))
        return false;
    fiber_group_start(&daemon->acceptors, accept_connections, acceptor);
    return true;
}

bool daemon_listen(struct daemon *daemon, struct failure *why)
{
    daemon->acceptor_items = arena_new_array(daemon->arena, daemon->arguments.socket_count, struct acceptor);
    for (unsigned i = 0; i < daemon->arguments.socket_count; i++) {
        struct acceptor *acceptor = &daemon->acceptor_items[i];

        acceptor->daemon = daemon;
        acceptor->fd = MASTER_LISTEN_FD + (int) i;
        if (!start_acceptor(acceptor, why))
            return false;
    }
    return true;
}

void daemon_stop_listening(struct daemon *daemon)
{
    for (unsigned i = 0; daemon->acceptor_items != NULL && i < daemon->arguments.socket_count; i++) {
        struct acceptor *acceptor = &daemon->acceptor_items[i];

        if (acceptor->listener != NULL)
            listener_abort(acceptor->listener);
        if (acceptor->poller != NULL)
            poller_abort(acceptor->poller);
    }
    event_wake_all(&daemon->slot_free);
}

void daemon_close_listeners(struct daemon *daemon)
{
    for (unsigned i = 0; daemon->acceptor_items != NULL && i < daemon->arguments.socket_count; i++) {
        struct acceptor *acceptor = &daemon->acceptor_items[i];

        listener_destroy(&acceptor->listener);
        poller_destroy(&acceptor->poller);
        fd_close(&acceptor->fd);
    }
}
