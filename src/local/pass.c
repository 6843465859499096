/* SPDX-License-Identifier: Apache-2.0 */
#include "local/pass.h"

#include "local/log_lines.h"
#include "log/log.h"

static void fail(const struct scene *scene, const char *parameter, const struct failure *why)
{
    struct result result = result_make(scene->attempt, DSN_STATUS(4, 3, 0), "%s lookup failure", parameter);

    log_warning("%s: %s", parameter, why->text);
    scene_add(scene, &result);
}

/* "lmtp" goes where the message was to go, "lmtp:unix:/run/lmtp" there. */
static struct str complete(const struct scene *scene, struct str transport)
{
    struct str name, nexthop;

    (void) str_cut(transport, ':', &name, &nexthop);
    if (!str_is_empty(nexthop))
        return transport;
    return arena_printf(scene->attempt->arena, "%.*s:%.*s", STR_ARG(name),
                        STR_ARG(scene->attempt->delivery->request->nexthop));
}

static void hand_over(const struct scene *scene, struct str transport)
{
    struct attempt *attempt = scene->attempt;

    transport = complete(scene, transport);
    log_passing(attempt->delivery->request->queue_id, scene->address, transport);
    if (scene->outer == NULL)
        attempt->passed_to = transport;
    else
        scene_resubmit(scene, scene->address, transport);
}

static bool pass(const struct scene *scene, struct table_list *maps, const char *maps_name, struct str transport)
{
    struct attempt *attempt = scene->attempt;
    struct failure why;
    struct str found;

    switch (table_list_find(maps, scene->user, TABLE_ANY_KIND, attempt->arena, &found, &why)) {
    case TABLE_UNKNOWN:
        fail(scene, maps_name, &why);
        return true;
    case TABLE_FOUND:
        transport = found;
        break;
    case TABLE_ABSENT:
        break;
    }
    if (str_is_empty(transport))
        return false;
    hand_over(scene, transport);
    return true;
}

bool pass_mailbox(const struct scene *scene)
{
    const struct local *local = scene->attempt->local;

    return pass(scene, local->mailbox_transports, "mailbox_transport_maps", local->settings->mailbox_transport);
}

bool pass_unknown(const struct scene *scene)
{
    const struct local *local = scene->attempt->local;

    return pass(scene, local->fallback_transports, "fallback_transport_maps", local->settings->fallback_transport);
}
