/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IPC_CHANNEL_H
#define IPC_CHANNEL_H

#include "base/list.h"
#include "base/time.h"
#include "ipc/message.h"

struct loop;

/*
 * channel - one connection between two services that carries many calls at once, each with a number.
 *
 * A channel opens with the name and version of its protocol; a peer with another one, or that sends what
 * the tables do not allow, is disconnected. A call is a conversation: either end sends messages of the
 * protocol on it in any order that the service defines, and each ends its side with call_end. Per call and
 * direction at most 64 kB (or one larger message) is in flight: who sends without credit waits in its fiber, so a
 * slow reader delays no other call. Frames are gathered and written once a loop turn.
 * When the connection goes, every call on it fails with FAILURE_RETRY.
 */
struct protocol {
    const char *name;
    unsigned version;
    /* Ends with NULL; the place in this row is the message's number on the wire. */
    const struct message_type *const *messages;
};

struct channel;
struct call;

/* Is shown each message when it is sent, and when it is taken. For "-v". */
struct channel_tracer {
    void (*trace)(void *context, const struct protocol *protocol, bool is_sent, const struct message_type *type,
                  const void *message);
    void *context;
};

enum {
    CALL_WINDOW_BYTES = 64 * 1024,
    CHANNEL_FRAME_MAXIMUM = 16 * 1024 * 1024,
    CHANNEL_CALLS_MAXIMUM = 20000, /* at one time; a client that starts more is disconnected */
};

/* Client: connects to a Unix socket and exchanges hellos. Must run in a fiber. */
MUST_USE bool channel_open(struct loop *loop, const char *path, const struct protocol *protocol,
                           struct duration timeout, struct channel **channel_out, struct failure *why);

/* Called in a fiber of its own for each call the peer starts; the call is ended for it when it returns. */
typedef void channel_handler(struct call *call, void *context);

/* The first byte that a client sends on a new connection; no trigger byte and no text starts with it. */
enum { CHANNEL_FIRST_BYTE = 0 };

/*
 * channel_set - the channels that a process serves, so that it can ask their clients to leave when it drains: they
 * finish the calls that they have begun, take new ones elsewhere and close.
 */
struct channel_set {
    struct list channels;
    bool is_draining;
    size_t deserted; /* channels whose peer has gone while calls of theirs are still being handled */
    void (*has_deserted)(void *context); /* one more; may be NULL */
    void *context;
    const struct channel_tracer *tracer; /* may be NULL */
};

void channel_set_init(struct channel_set *set);
/* For the channels there are and those to come. */
void channel_set_drain(struct channel_set *set);
/* Calls being handled now. */
size_t channel_set_calls(const struct channel_set *set);

/*
 * Server: speaks the protocol on an accepted descriptor (owned from now on), starts a fiber per call, and returns
 * when the peer has closed (or the set drains) and all handlers have returned. Must run in a fiber. False with the
 * reason when the peer broke the protocol. set may be NULL.
 */
MUST_USE bool channel_serve(struct loop *loop, int fd, const struct protocol *protocol, channel_handler *handler,
                            void *context, struct channel_set *set, struct failure *why);

/* Whether new calls can be started: false also when the service has asked to leave. */
bool channel_is_open(const struct channel *channel);
/* Client; tracer stays the caller's. */
void channel_set_tracer(struct channel *channel, const struct channel_tracer *tracer);
/* Client: ends all calls on it with FAILURE_STOPPED; leaves *channel NULL. */
void channel_close(struct channel **channel);
/* Client: as channel_close, but the calls that are still going on come to their own end. */
void channel_leave(struct channel **channel);

/* Starts a call on the client's side (nothing is sent yet). NULL when the channel is not open any more. */
struct call *channel_call(struct channel *channel);
/* Ends our side; messages not yet received are dropped. Leaves *call NULL; NULL is fine. */
void call_end(struct call **call);

/* Queues a message; waits only for credit. One fiber sends on a call at one time. timeout bounds that wait. */
MUST_USE bool call_send(struct call *call, const struct message_type *type, const void *message,
                        struct duration timeout, struct failure *why);

/* Waits for the next message of the call. When the peer has ended its side: FAILURE_PROTOCOL, "ended". */
MUST_USE bool call_receive(struct call *call, struct arena *arena, struct duration timeout,
                           const struct message_type **type_out, void **message_out, struct failure *why);

/* As call_receive, for exactly this type; another one is FAILURE_PROTOCOL. */
MUST_USE bool call_expect(struct call *call, const struct message_type *type, struct arena *arena,
                          struct duration timeout, void **message_out, struct failure *why);

/* True when a message is there already, or the peer has ended. */
bool call_has_input(const struct call *call);

/*
 * endpoint - a service's address that keeps one channel to it, opened when first needed and again when lost.
 * The fibers that need it while it opens wait together.
 */
struct endpoint;

struct endpoint *endpoint_create(struct loop *loop, const char *path, const struct protocol *protocol,
                                 struct duration connect_timeout);
void endpoint_destroy(struct endpoint **endpoint);
/* From the next opening on. That a service listens does not mean that it answers: master listens for one that hangs. */
void endpoint_set_connect_timeout(struct endpoint *endpoint, struct duration timeout);
/* For the channels that it opens from now on. tracer stays the caller's. */
void endpoint_set_tracer(struct endpoint *endpoint, const struct channel_tracer *tracer);

/*
 * Whether the process that answered last takes more: one that is being replaced, because a file of its changed for
 * instance, has said goodbye, and what it said may hold no more.
 */
bool endpoint_is_open(const struct endpoint *endpoint);

/* A new call, opening the channel if need be. */
MUST_USE bool endpoint_call(struct endpoint *endpoint, struct call **call_out, struct failure *why);

/* One request, one reply. A request that failed because the channel was stale is sent once more on a new one. */
MUST_USE bool endpoint_ask(struct endpoint *endpoint, const struct message_type *request_type, const void *request,
                           const struct message_type *reply_type, struct arena *arena, struct duration timeout,
                           void **reply_out, struct failure *why);

#endif
