/* SPDX-License-Identifier: Apache-2.0 */
#include "master/stress.h"

#include "daemon/master_protocol.h"
#include "master/log_lines.h"
#include "master/service.h"

static bool may_be_stressed(const struct service *service)
{
    return service->program != NULL && service->program->shape == PROGRAM_WORKERS && !service->is_dropped &&
           (service->type == MASTER_SERVICE_INET || service->type == MASTER_SERVICE_PASS);
}

static bool is_full(const struct service *service, const struct configuration *configuration)
{
    return service_count_available(service) == 0 &&
           service_count_active(service) >= service_process_limit(service, configuration);
}

static void set(struct service *service, bool is_stressed)
{
    service->is_stressed = is_stressed;
    for (struct list *n = service->children.next; n != &service->children; n = n->next)
        child_tell(CONTAINER_OF(n, struct child, link), is_stressed ? MASTER_WORD_STRESS : MASTER_WORD_CALM);
    log_stress(service, is_stressed);
}

void stress_look(struct service *service, const struct configuration *configuration, struct instant now)
{
    if (!may_be_stressed(service))
        return;
    if (!is_full(service, configuration))
        return;
    service->was_full = now;
    if (!service->is_stressed)
        set(service, true);
}

void stress_tell_new(struct child *child)
{
    if (child->service->is_stressed)
        child_tell(child, MASTER_WORD_STRESS);
}

void stress_tick(struct service *service, const struct configuration *configuration, struct instant now)
{
    if (!service->is_stressed)
        return;
    if (may_be_stressed(service) && is_full(service, configuration))
        service->was_full = now;
    else if (instant_since(now, service->was_full).us >= seconds(STRESS_SECONDS).us)
        set(service, false);
}
