/* SPDX-License-Identifier: Apache-2.0 */
#include "master/wakeup.h"

#include "log/log.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/system_socket.h"

bool wakeup_is_planned(const struct service *service)
{
    return service->entry != NULL && service->entry->wakeup_seconds > 0 && service->listeners.count > 0 &&
           service->type != MASTER_SERVICE_INET && service->type != MASTER_SERVICE_PASS;
}

void wakeup_plan(struct service *service, struct instant now)
{
    if (wakeup_is_planned(service) && service->next_wakeup.us == 0)
        service->next_wakeup = now;
}

static void send_byte(const struct service *service)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    CLEANUP(fd_close) int fd = -1;
    const char *path = arena_c(arena, listen_path(service->entry, arena));
    struct failure why;
    bool is_sent;

    if (service->type == MASTER_SERVICE_FIFO)
        is_sent = file_write(service->listeners.items[0].fd, path, STR(WAKEUP_BYTE), &why);
    else if (service->type == MASTER_SERVICE_UNIX_DGRAM)
        is_sent = system_socket_connect_datagram(path, &fd, &why) && file_write(fd, path, STR(WAKEUP_BYTE), &why);
    else
        is_sent = system_socket_try_connect_unix(path, &fd, &why) && file_write(fd, path, STR(WAKEUP_BYTE), &why);
    if (!is_sent)
        log_debug("wake up service %s: %s", service->name, why.text);
}

void wakeup_if_due(struct service *service, struct instant now)
{
    if (!wakeup_is_planned(service) || instant_is_before(now, service->next_wakeup))
        return;
    service->next_wakeup = instant_add(now, seconds(service->entry->wakeup_seconds));
    if (!service->entry->wakes_only_when_used || service->was_used)
        send_byte(service);
}
