/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/channel.h"

#include "base/memory.h"
#include "run/fiber.h"
#include "run/loop.h"

enum { ATTEMPTS = 5 };

struct endpoint {
    struct loop *loop;
    char *path;
    const struct protocol *protocol;
    const struct channel_tracer *tracer;
    struct duration connect_timeout;
    struct channel *channel;
    bool is_opening;
    bool has_failed; /* the last opening */
    struct failure last_failure;
    struct event opened;
};

struct endpoint *endpoint_create(struct loop *loop, const char *path, const struct protocol *protocol,
                                 struct duration connect_timeout)
{
    struct endpoint *endpoint = memory_alloc(sizeof *endpoint);
    size_t size = strlen(path) + 1;

    endpoint->loop = loop;
    endpoint->path = memory_alloc(size);
    memcpy(endpoint->path, path, size);
    endpoint->protocol = protocol;
    endpoint->connect_timeout = connect_timeout;
    event_init(&endpoint->opened);
    return endpoint;
}

void endpoint_destroy(struct endpoint **handle)
{
    struct endpoint *endpoint = *handle;

    *handle = NULL;
    if (endpoint == NULL)
        return;
    channel_close(&endpoint->channel);
    memory_free(endpoint->path);
    memory_free(endpoint);
}

void endpoint_set_connect_timeout(struct endpoint *endpoint, struct duration timeout)
{
    endpoint->connect_timeout = timeout;
}

void endpoint_set_tracer(struct endpoint *endpoint, const struct channel_tracer *tracer)
{
    endpoint->tracer = tracer;
}

bool endpoint_is_open(const struct endpoint *endpoint)
{
    return endpoint->channel != NULL && channel_is_open(endpoint->channel);
}

static bool open_channel(struct endpoint *endpoint, struct failure *why)
{
    bool is_open;

    endpoint->is_opening = true;
    channel_leave(&endpoint->channel);
    is_open = channel_open(endpoint->loop, endpoint->path, endpoint->protocol, endpoint->connect_timeout,
                           &endpoint->channel, &endpoint->last_failure);
    if (is_open)
        channel_set_tracer(endpoint->channel, endpoint->tracer);
    endpoint->is_opening = false;
    endpoint->has_failed = !is_open;
    event_wake_all(&endpoint->opened);
    if (!is_open && why != NULL)
        *why = endpoint->last_failure;
    return is_open;
}

/* The fiber that comes first opens; the others wait for what it gets. */
static bool wait_until_opened(struct endpoint *endpoint, struct failure *why)
{
    struct instant end = instant_add(loop_now(endpoint->loop), endpoint->connect_timeout);

    while (endpoint->is_opening)
        if (!event_wait(endpoint->loop, &endpoint->opened, instant_since(end, loop_now(endpoint->loop)), why))
            return failure_prefix(why, "service %s", endpoint->path);
    if (!endpoint->has_failed)
        return true;
    if (why != NULL)
        *why = endpoint->last_failure;
    return false;
}

static bool connect_endpoint(struct endpoint *endpoint, struct failure *why)
{
    if (endpoint->is_opening)
        return wait_until_opened(endpoint, why);
    return endpoint_is_open(endpoint) || open_channel(endpoint, why);
}

bool endpoint_call(struct endpoint *endpoint, struct call **call_out, struct failure *why)
{
    /* A service that is being replaced may say goodbye as soon as it is reached; the next one is reached again. */
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        struct call *call;

        if (!connect_endpoint(endpoint, why))
            return false;
        call = endpoint->channel != NULL ? channel_call(endpoint->channel) : NULL;
        if (call != NULL) {
            *call_out = call;
            return true;
        }
    }
    return failure_set(why, FAILURE_RETRY, 0, "service %s: connection lost", endpoint->path);
}

static bool ask_once(struct endpoint *endpoint, const struct message_type *request_type, const void *request,
                     const struct message_type *reply_type, struct arena *arena, struct duration timeout,
                     void **reply_out, struct failure *why)
{
    struct call *call;
    bool is_answered;

    if (!endpoint_call(endpoint, &call, why))
        return false;
    is_answered = call_send(call, request_type, request, timeout, why) &&
                  call_expect(call, reply_type, arena, timeout, reply_out, why);
    call_end(&call);
    return is_answered;
}

bool endpoint_ask(struct endpoint *endpoint, const struct message_type *request_type, const void *request,
                  const struct message_type *reply_type, struct arena *arena, struct duration timeout, void **reply_out,
                  struct failure *why)
{
    bool was_open = endpoint_is_open(endpoint);
    struct failure reason;

    if (ask_once(endpoint, request_type, request, reply_type, arena, timeout, reply_out, &reason))
        return true;
    if (was_open && !endpoint_is_open(endpoint) && reason.kind == FAILURE_RETRY)
        return ask_once(endpoint, request_type, request, reply_type, arena, timeout, reply_out, why);
    if (why != NULL)
        *why = reason;
    return false;
}
