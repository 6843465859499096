/* SPDX-License-Identifier: Apache-2.0 */
#include "table/proxy_write.h"

#include "protocol/proxymap.h"
#include "run/fiber.h"
#include "run/loop.h"

enum { CONNECT_SECONDS = 10, ANSWER_SECONDS = 100 };

struct errand {
    struct endpoint *endpoint;
    const struct proxymap_change *change;
    enum proxymap_status status;
    bool is_answered;
    struct failure *why;
};

static void run(void *context)
{
    struct errand *errand = context;
    struct arena *arena = arena_create();
    void *reply;

    errand->is_answered = endpoint_ask(errand->endpoint, &proxymap_change_message, errand->change,
                                       &proxymap_value_message, arena, seconds(ANSWER_SECONDS), &reply, errand->why);
    if (errand->is_answered) {
        const struct proxymap_value *answer = reply;

        errand->status = (enum proxymap_status) answer->status;
        if (errand->status == PROXYMAP_UNKNOWN)
            (void) failure_set(errand->why, FAILURE_RETRY, 0, "%.*s", STR_ARG(answer->reason));
    }
    arena_destroy(&arena);
}

bool proxy_write_remove(const char *path, struct str table, unsigned flags, struct str key, bool *was_there_out,
                        struct failure *why)
{
    struct proxymap_change change = { .table = table, .flags = flags, .key = key, .is_removal = true };
    struct loop *loop = loop_create();
    struct errand errand = { .change = &change, .why = why };

    errand.endpoint = endpoint_create(loop, path, &proxymap_protocol, seconds(CONNECT_SECONDS));
    fiber_run(loop, run, &errand);
    endpoint_destroy(&errand.endpoint);
    /* The channel's own fibers end. */
    loop_run(loop);
    loop_destroy(&loop);
    if (!errand.is_answered || errand.status == PROXYMAP_UNKNOWN)
        return false;
    if (errand.status == PROXYMAP_DENIED)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "proxywrite service is not configured for table \"%.*s\"",
                           STR_ARG(table));
    *was_there_out = errand.status == PROXYMAP_FOUND;
    return true;
}
