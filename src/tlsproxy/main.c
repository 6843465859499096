/* SPDX-License-Identifier: Apache-2.0 */
/* tlsproxy - speaks TLS with clients for services that do not: takes their sockets and gives clear ones back. */

#include "daemon/daemon.h"
#include "os/fd.h"
#include "protocol/tlsproxy.h"
#include "run/socket.h"
#include "run/stream.h"
#include "tls/facts_message.h"
#include "tlsproxy/engine.h"
#include "tlsproxy/log_lines.h"
#include "tlsproxy/relay.h"

enum { TELL_SECONDS = 10 };

/* ---- life ---- */

static bool open_service(struct daemon *daemon, struct failure *why)
{
    const struct tlsproxy_settings *settings = daemon_settings(daemon);
    struct engine *engine = arena_new(daemon_arena(daemon), struct engine);

    daemon_keep(daemon, engine);
    daemon_set_patience(daemon, settings->watchdog_timeout);
    return engine_open(engine, daemon, why);
}

static void *start_service(struct daemon *daemon)
{
    struct engine *engine = daemon_kept(daemon);

    engine_start(engine, daemon);
    return engine;
}

static void stop_service(void *context)
{
    engine_close(context);
}

/* ---- a session ---- */

static struct duration seconds_of(uint64_t count)
{
    return seconds(count > 0 ? (int64_t) count : 1);
}

static bool tell(struct daemon_call *call, const struct tlsproxy_session *session, struct failure *why)
{
    return call_send(call->call, &tlsproxy_session_message, session, seconds(TELL_SECONDS), why);
}

/* The caller gets one end of a pair, we keep the other. */
static bool give_stream(struct daemon_call *call, const struct tls_facts *facts, struct stream **inside_out,
                        struct failure *why)
{
    struct duration patience = seconds(TELL_SECONDS);
    struct tlsproxy_session message;
    int fds[2];
    bool is_told;

    if (!socket_pair(fds, why))
        return false;
    tls_facts_tell(facts, &message);
    message.stream = fds[1];
    is_told = tell(call, &message, why);
    fd_close(&fds[1]);
    if (!is_told) {
        fd_close(&fds[0]);
        return false;
    }
    return stream_create(daemon_loop(call->daemon), fds[0], patience, inside_out, why);
}

static bool serve_stream(struct daemon_call *call, const struct tlsproxy_request *request, struct stream *outside,
                         struct failure *why)
{
    static const struct tlsproxy_session failed = { .stream = -1 };
    struct engine *engine = call->context;
    const struct tls_facts *facts;
    struct stream *inside;

    if (!tls_server_accept(engine->server, outside, TLS_CLEAR_DROPPED, seconds_of(request->handshake_s), request->peer,
                           call->arena, &facts))
        return tell(call, &failed, why);
    if (!give_stream(call, facts, &inside, why))
        return false;
    relay_run(outside, inside, seconds_of(request->idle_s));
    stream_destroy(&inside);
    return true;
}

/* A caller that is gone before it has sent the socket has lost its client: nothing to tell. */
static bool receive_socket(struct daemon_call *call, int *socket_out)
{
    struct failure why;
    void *message;

    if (!call_expect(call->call, &tlsproxy_begin_message, call->arena, seconds(TELL_SECONDS), &message, &why))
        return false;
    *socket_out = ((const struct tlsproxy_begin *) message)->socket;
    return *socket_out >= 0;
}

static bool serve(struct daemon_call *call, struct failure *why)
{
    const struct tlsproxy_request *request = call->request;
    const struct engine *engine = call->context;
    const struct tlsproxy_offer offer = { .is_ready = engine->server != NULL };
    struct stream *outside;
    int socket;
    bool is_served;

    if (!call_send(call->call, &tlsproxy_offer_message, &offer, seconds(TELL_SECONDS), why))
        return false;
    if (!offer.is_ready || !receive_socket(call, &socket))
        return true;
    if (!stream_create(daemon_loop(call->daemon), socket, seconds_of(request->handshake_s), &outside, why))
        return false;
    log_connect(request->peer);
    is_served = serve_stream(call, request, outside, why);
    stream_destroy(&outside);
    log_disconnect(request->peer);
    return is_served;
}

static const struct daemon_operation operations[] = {
    { &tlsproxy_request_message, NULL, serve },
    { NULL, NULL, NULL },
};

int main(int argc, char **argv)
{
    static const char *const calls[] = { "tlsmgr", "proxymap", NULL };
    static const struct daemon_program program = {
        .name = "tlsproxy",
        .shape = DAEMON_EVENT,
        .user = DAEMON_AS_NET_OWNER,
        .settings = &tlsproxy_settings_table,
        .open = open_service,
        .start = start_service,
        .stop = stop_service,
        .protocol = &tlsproxy_protocol,
        .operations = operations,
        .calls = calls,
        .seccomp = "network",
    };

    return daemon_run(&program, argc, argv);
}
