/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/queue_client.h"

#include "run/fiber.h"
#include "run/loop.h"

#include <errno.h>

struct asking {
    struct loop *loop;
    const char *path;
    const struct queue_control *request;
    struct arena *arena;
    struct duration timeout;
    struct failure *why;
    void *reply;
    bool is_good;
};

static bool ask(struct asking *asking, struct channel *channel)
{
    struct call *call = channel_call(channel);
    bool is_good;

    if (call == NULL)
        return failure_set(asking->why, FAILURE_RETRY, 0, "%s: the connection was lost", asking->path);
    is_good = call_send(call, &queue_control_message, asking->request, asking->timeout, asking->why) &&
              call_expect(call, &queue_controlled_message, asking->arena, asking->timeout, &asking->reply, asking->why);
    call_end(&call);
    return is_good;
}

static void run(void *context)
{
    struct asking *asking = context;
    struct channel *channel;

    if (!channel_open(asking->loop, asking->path, &queue_protocol, asking->timeout, &channel, asking->why))
        return;
    asking->is_good = ask(asking, channel);
    channel_close(&channel);
}

bool queue_client_control(const char *path, const struct queue_control *request, struct arena *arena,
                          struct duration timeout, const struct queue_controlled **reply_out, struct failure *why)
{
    struct asking asking = {
        .loop = loop_create(),
        .path = path,
        .request = request,
        .arena = arena,
        .timeout = timeout,
        .why = why,
    };

    fiber_run(asking.loop, run, &asking);
    /* The channel's own fibers end. */
    loop_run(asking.loop);
    loop_destroy(&asking.loop);
    if (asking.is_good)
        *reply_out = asking.reply;
    return asking.is_good;
}

bool queue_client_is_down(const struct failure *why)
{
    return why->error == ENOENT || why->error == ECONNREFUSED || why->error == ENOTDIR;
}
