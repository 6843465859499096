/* SPDX-License-Identifier: Apache-2.0 */
#include "master/listeners.h"

#include "config/own_addresses.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/system_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

enum { BIND_TRIES = 25, BIND_PAUSE_MS = 200 };

static const char unix_prefix[] = "unix:";

struct str listeners_path(struct arena *arena, const struct master_service *entry)
{
    return arena_printf(arena, "%s/%.*s", entry->is_private ? "private" : "public",
                        STR_ARG(entry->fields[MASTER_FIELD_NAME]));
}

/* Takes the socket with that place out of old; -1 if there is none. */
static int take_old(struct listeners *old, const char *place)
{
    for (size_t i = 0; old != NULL && i < old->count; i++) {
        if (strcmp(old->items[i].place, place) == 0)
            return fd_take(&old->items[i].fd);
    }
    return -1;
}

static struct listener_socket *add(struct listeners *listeners)
{
    struct listener_socket *item = &listeners->items[listeners->count++];

    *item = (struct listener_socket){ .fd = -1 };
    return item;
}

/*
 * Who may connect. In public/ those with setgid_group, or the network services, or everybody for what listens only;
 * in private/ the queue's owner, and the network services where the program allows it.
 */
static struct system_socket_access access_of(const struct configuration *configuration,
                                             const struct master_service *entry)
{
    const struct layout_identity *identity = &configuration->identity;
    const struct program *program = program_find(entry->fields[MASTER_FIELD_COMMAND]);
    struct system_socket_access access = { .mode = 0660, .uid = (uid_t) -1, .gid = (gid_t) -1 };

    if (!identity->is_root)
        return access;
    access.uid = identity->mail_uid;
    if (program != NULL && program->network_may_call)
        access.gid = identity->net_gid;
    else
        access.gid = entry->is_private ? identity->mail_gid : identity->setgid_gid;
    return access;
}

static bool open_local(const struct configuration *configuration, const struct master_service *entry,
                       struct listeners *old, struct listeners *set, struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    const char *path = arena_c(arena, listeners_path(arena, entry));
    struct system_socket_access access = access_of(configuration, entry);
    struct listener_socket *item = add(set);
    int len = snprintf(item->place, sizeof item->place, "%s%s", unix_prefix, path);

    if (len >= (int) sizeof item->place)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "the name of service %.*s is too long",
                           STR_ARG(entry->fields[MASTER_FIELD_NAME]));
    item->fd = take_old(old, item->place);
    if (item->fd >= 0)
        return true;
    switch (entry->type) {
    case MASTER_SERVICE_FIFO:
        return system_socket_open_fifo(path, &access, &item->fd, why);
    case MASTER_SERVICE_UNIX_DGRAM:
        return system_socket_bind_datagram(path, &access, &item->fd, why);
    default:
        return system_socket_listen_unix(path, SOMAXCONN, &access, &item->fd, why);
    }
}

/* "host:port", "[v6]:port" or "port". */
static bool split_name(struct str name, struct str *host_out, struct str *port_out)
{
    size_t colon = str_find_last_char(name, ':');

    *host_out = STR_EMPTY;
    *port_out = name;
    if (colon == STR_NOT_FOUND)
        return true;
    *host_out = str_part(name, 0, colon);
    *port_out = str_from(name, colon + 1);
    if (str_starts_with(*host_out, STR("[")) && str_ends_with(*host_out, STR("]")))
        *host_out = str_part(*host_out, 1, host_out->len - 2);
    return host_out->len > 0;
}

/* A process of a master that was killed may hold the port for a moment still. */
static bool listen_patiently(const struct sockaddr *address, socklen_t size, int *fd_out, struct failure *why)
{
    struct failure reason;

    for (int i = 0; i < BIND_TRIES; i++) {
        if (system_socket_listen_inet(address, size, SOMAXCONN, fd_out, &reason))
            return true;
        if (reason.error != EADDRINUSE)
            break;
        (void) poll(NULL, 0, BIND_PAUSE_MS);
    }
    *why = reason;
    return false;
}

static bool open_address(const struct ip_address *address, unsigned port, struct listeners *old, struct listeners *set,
                         struct failure *why)
{
    struct listener_socket *item = add(set);
    struct sockaddr_storage storage;
    socklen_t size = ip_address_to_sockaddr(address, (uint16_t) port, &storage);
    char text[IP_ADDRESS_TEXT_MAX];

    snprintf(item->place, sizeof item->place, "inet:[%s]:%u", ip_address_format(address, text), port);
    item->fd = take_old(old, item->place);
    if (item->fd >= 0 || listen_patiently((const struct sockaddr *) &storage, size, &item->fd, why))
        return true;
    return failure_prefix(why, "listen on %s port %u", text, port);
}

/* The addresses that listen for everything; one that this kernel does not know is left out. */
static bool open_all(struct inet_protocols protocols, unsigned port, struct listeners *old, struct listeners *set,
                     struct failure *why)
{
    struct ip_address any;
    struct failure reason;

    if (protocols.has_ipv4 && (!ip_address_parse(STR("0.0.0.0"), &any) || !open_address(&any, port, old, set, why)))
        return false;
    if (!protocols.has_ipv6)
        return true;
    if (ip_address_parse(STR("::"), &any) && open_address(&any, port, old, set, &reason))
        return true;
    if (protocols.has_ipv4 && (reason.error == EAFNOSUPPORT || reason.error == EADDRNOTAVAIL)) {
        set->count--;
        return true;
    }
    *why = reason;
    return false;
}

static bool open_list(const struct own_address_list *list, unsigned port, struct listeners *old, struct listeners *set,
                      struct failure *why)
{
    for (size_t i = 0; i < list->count; i++) {
        if (set->count == LISTENERS_MAX)
            return failure_set(why, FAILURE_CONFIGURATION, 0, "more than %d addresses to listen on", LISTENERS_MAX);
        if (!open_address(&list->items[i].address, port, old, set, why))
            return false;
    }
    if (list->count == 0)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "there is no address to listen on");
    return true;
}

static bool open_inet(const struct configuration *configuration, const struct master_service *entry,
                      struct listeners *old, struct listeners *set, struct failure *why)
{
    const struct shared_settings *shared = configuration->shared;
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct own_address_list list;
    struct inet_protocols protocols;
    struct str host, port_text;
    unsigned port;

    if (!split_name(entry->fields[MASTER_FIELD_NAME], &host, &port_text) || !system_socket_parse_port(port_text, &port))
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "no port is known by the name of service %.*s; write a number, host:port, or a name that "
                           "/etc/services has",
                           STR_ARG(entry->fields[MASTER_FIELD_NAME]));
    if (!inet_protocols_parse(shared->inet_protocols, &protocols, why))
        return false;
    if (host.len > 0)
        return own_addresses_of(host, protocols, arena, &list, why) && open_list(&list, port, old, set, why);
    if (str_equal_nocase(str_trim(shared->inet_interfaces), STR("all")))
        return open_all(protocols, port, old, set, why);
    return own_addresses_of(shared->inet_interfaces, protocols, arena, &list, why) &&
           open_list(&list, port, old, set, why);
}

/* What was opened anew is closed again; what came from old goes back. */
static void undo(struct listeners *set, struct listeners *old)
{
    for (size_t i = 0; i < set->count; i++) {
        for (size_t j = 0; old != NULL && j < old->count; j++) {
            if (old->items[j].fd < 0 && strcmp(old->items[j].place, set->items[i].place) == 0)
                old->items[j].fd = fd_take(&set->items[i].fd);
        }
        fd_close(&set->items[i].fd);
    }
    set->count = 0;
}

bool listeners_open(const struct configuration *configuration, const struct master_service *entry,
                    struct listeners *old, struct listeners *listeners_out, struct failure *why)
{
    struct listeners set = { .count = 0 };
    bool is_open = entry->type == MASTER_SERVICE_INET ? open_inet(configuration, entry, old, &set, why)
                                                      : open_local(configuration, entry, old, &set, why);

    if (!is_open) {
        undo(&set, old);
        return failure_prefix(why, "service %.*s/%s", STR_ARG(entry->fields[MASTER_FIELD_NAME]),
                              master_service_type_name(entry->type));
    }
    *listeners_out = set;
    return true;
}

static bool has_place(const struct listeners *listeners, const char *place)
{
    for (size_t i = 0; listeners != NULL && i < listeners->count; i++) {
        if (strcmp(listeners->items[i].place, place) == 0)
            return true;
    }
    return false;
}

void listeners_close(struct listeners *listeners, const struct listeners *kept)
{
    for (size_t i = 0; i < listeners->count; i++) {
        const char *place = listeners->items[i].place;
        struct failure ignored;

        fd_close(&listeners->items[i].fd);
        if (strncmp(place, unix_prefix, strlen(unix_prefix)) == 0 && !has_place(kept, place))
            (void) !file_unlink(place + strlen(unix_prefix), &ignored);
    }
    listeners->count = 0;
}
