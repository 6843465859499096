/* SPDX-License-Identifier: Apache-2.0 */
#include "config/own_addresses.h"
#include "log/log.h"
#include "merpati/check.h"
#include "os/fd.h"
#include "os/system_socket.h"

#include <errno.h>

/* Where main.cf sets it, in front of a message; nothing if it does not. */
static struct str place_of(const struct instance *instance, struct str parameter)
{
    const struct main_cf_entry *entry = main_cf_find(instance->main_cf, parameter);

    return entry == NULL
               ? STR_EMPTY
               : arena_printf(instance->arena, "%.*s, line %u: ", STR_ARG(entry->place.file), entry->place.line);
}

static void check_is_here(const struct instance *instance, const struct ip_address *address)
{
    CLEANUP(fd_close) int fd = -1;
    struct sockaddr_storage storage;
    socklen_t size = ip_address_to_sockaddr(address, 0, &storage);
    char text[IP_ADDRESS_TEXT_MAX];
    struct failure why;

    if (system_socket_listen_inet((const struct sockaddr *) &storage, size, 1, &fd, &why) || why.error != EADDRNOTAVAIL)
        return;
    log_warning("%.*sinet_interfaces: this host has no address %s: nothing can listen there",
                STR_ARG(place_of(instance, STR("inet_interfaces"))), ip_address_format(address, text));
}

/* Names of hosts among them must be known: the services that need them do not start otherwise. */
bool check_addresses(const struct instance *instance)
{
    const struct str wanted = STR("inet_interfaces"), proxies = STR("proxy_interfaces");
    struct own_address_list list;
    struct failure why;
    bool is_sound = true;

    if (!own_addresses(instance->main_cf, instance->arena, &list, &why)) {
        log_error("%.*s%s", STR_ARG(place_of(instance, wanted)), why.text);
        is_sound = false;
    } else if (main_cf_find(instance->main_cf, wanted) != NULL) {
        for (size_t i = 0; i < list.count; i++)
            check_is_here(instance, &list.items[i].address);
    }
    if (!own_proxy_addresses(instance->main_cf, instance->arena, &list, &why)) {
        log_error("%.*s%s", STR_ARG(place_of(instance, proxies)), why.text);
        is_sound = false;
    }
    return is_sound;
}
