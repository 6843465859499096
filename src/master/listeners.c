/* SPDX-License-Identifier: Apache-2.0 */
#include "master/listeners.h"

#include "config/listen_place.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/system_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BIND_TRIES = 25, BIND_PAUSE_MS = 200 };

static const char unix_prefix[] = "unix:";

/* Takes the socket with that place out of those that were open before; -1 if there is none. */
static int take_old(struct listeners *const *old, const char *place)
{
    for (; *old != NULL; old++) {
        for (size_t i = 0; i < (*old)->count; i++) {
            if (strcmp((*old)->items[i].place, place) == 0 && (*old)->items[i].fd >= 0)
                return fd_take(&(*old)->items[i].fd);
        }
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

static bool is_local(const struct listener_socket *item)
{
    return strncmp(item->place, unix_prefix, strlen(unix_prefix)) == 0;
}

/* Somebody may have taken it away, or given it to another: then nobody who should can reach it. */
static bool is_as_made(const char *path, const struct system_socket_access *access)
{
    struct stat status;
    struct failure ignored;

    return file_stat_link(path, &status, &ignored) && (S_ISSOCK(status.st_mode) || S_ISFIFO(status.st_mode)) &&
           (status.st_mode & 07777) == access->mode && (access->uid == (uid_t) -1 || status.st_uid == access->uid) &&
           (access->gid == (gid_t) -1 || status.st_gid == access->gid);
}

static bool make_local(enum master_service_type type, const char *path, const struct system_socket_access *access,
                       int *fd_out, struct failure *why)
{
    switch (type) {
    case MASTER_SERVICE_FIFO:
        return system_socket_open_fifo(path, access, fd_out, why);
    case MASTER_SERVICE_UNIX_DGRAM:
        return system_socket_bind_datagram(path, access, fd_out, why);
    default:
        return system_socket_listen_unix(path, SOMAXCONN, access, fd_out, why);
    }
}

static bool open_local(const struct listeners_wish *wish, struct str place, struct listeners *set, struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    const char *path = arena_c(arena, place);
    struct system_socket_access access = access_of(wish->configuration, wish->entry);
    struct listener_socket *item = add(set);
    int len = snprintf(item->place, sizeof item->place, "%s%s", unix_prefix, path);
    CLEANUP(fd_close) int old = -1;
    bool is_made = true;

    if (len >= (int) sizeof item->place)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "the name of service %.*s is too long",
                           STR_ARG(wish->entry->fields[MASTER_FIELD_NAME]));
    old = take_old(wish->old, item->place);
    if (old < 0 || !is_as_made(path, &access))
        is_made = make_local(wish->entry->type, path, &access, &item->fd, why);
    if (item->fd < 0)
        item->fd = fd_take(&old);
    return is_made;
}

/* A process of a master that was killed may hold the port for a moment still. */
static bool listen_patiently(const struct sockaddr *address, socklen_t size, int tries, int *fd_out,
                             struct failure *why)
{
    struct failure reason;

    for (int i = 0; i < tries; i++) {
        if (i > 0)
            (void) poll(NULL, 0, BIND_PAUSE_MS);
        if (system_socket_listen_inet(address, size, SOMAXCONN, fd_out, &reason))
            return true;
        if (reason.error != EADDRINUSE)
            break;
    }
    *why = reason;
    return false;
}

/* What this service, or one that is going, listened on until now may be in the way: 0.0.0.0 of 127.0.0.1. */
static bool listen_beside_old(const struct sockaddr *address, socklen_t size, struct listeners *const *old, int *fd_out,
                              struct failure *why)
{
    int fds[LISTENERS_MAX];
    size_t count = 0;

    for (; *old != NULL; old++) {
        for (size_t i = 0; i < (*old)->count && count < LISTENERS_MAX; i++) {
            if ((*old)->items[i].fd >= 0 && !is_local(&(*old)->items[i]))
                fds[count++] = (*old)->items[i].fd;
        }
    }
    return count > 0 && system_socket_listen_beside(address, size, SOMAXCONN, fds, count, fd_out, why);
}

static bool open_inet(const struct listeners_wish *wish, const struct listen_place *place, struct listeners *set,
                      struct failure *why)
{
    struct listener_socket *item = add(set);
    struct sockaddr_storage storage;
    socklen_t size = ip_address_to_sockaddr(&place->address, (uint16_t) place->port, &storage);
    char text[IP_ADDRESS_TEXT_MAX];
    struct failure reason;

    snprintf(item->place, sizeof item->place, "inet:[%s]:%u", ip_address_format(&place->address, text), place->port);
    item->fd = take_old(wish->old, item->place);
    if (item->fd >= 0 || listen_patiently((const struct sockaddr *) &storage, size, wish->is_patient ? BIND_TRIES : 1,
                                          &item->fd, &reason))
        return true;
    if (reason.error == EADDRINUSE &&
        listen_beside_old((const struct sockaddr *) &storage, size, wish->old, &item->fd, &reason))
        return true;
    if (place->may_be_missing && (reason.error == EAFNOSUPPORT || reason.error == EADDRNOTAVAIL)) {
        set->count--;
        return true;
    }
    *why = reason;
    return failure_prefix(why, "listen on %s port %u", text, place->port);
}

static bool open_all(const struct listeners_wish *wish, struct listeners *set, struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct listen_places places;

    if (!listen_places_of(wish->configuration->shared, wish->entry, arena, &places, why))
        return false;
    for (size_t i = 0; i < places.count; i++) {
        const struct listen_place *place = &places.items[i];

        if (place->path.len > 0 ? !open_local(wish, place->path, set, why) : !open_inet(wish, place, set, why))
            return false;
    }
    return true;
}

/* What was opened anew is closed again; what was open before goes back. */
static void undo(struct listeners *set, struct listeners *const *old)
{
    for (size_t i = 0; i < set->count; i++) {
        for (struct listeners *const *from = old; *from != NULL; from++) {
            for (size_t j = 0; j < (*from)->count; j++) {
                if ((*from)->items[j].fd < 0 && strcmp((*from)->items[j].place, set->items[i].place) == 0)
                    (*from)->items[j].fd = fd_take(&set->items[i].fd);
            }
        }
        fd_close(&set->items[i].fd);
    }
    set->count = 0;
}

bool listeners_open(const struct listeners_wish *wish, struct listeners *listeners_out, struct failure *why)
{
    struct listeners set = { .count = 0 };

    if (!open_all(wish, &set, why)) {
        undo(&set, wish->old);
        return failure_prefix(why, "service %.*s/%s", STR_ARG(wish->entry->fields[MASTER_FIELD_NAME]),
                              master_service_type_name(wish->entry->type));
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

static void close_socket(struct listener_socket *item, bool is_kept)
{
    struct failure ignored;

    /* One that another service took over is there no more. */
    if (item->fd < 0)
        return;
    fd_close(&item->fd);
    if (is_local(item) && !is_kept)
        (void) !file_unlink(item->place + strlen(unix_prefix), &ignored);
}

void listeners_close_local(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++) {
        if (is_local(&listeners->items[i]))
            close_socket(&listeners->items[i], false);
    }
}

void listeners_close(struct listeners *listeners, const struct listeners *kept)
{
    for (size_t i = 0; i < listeners->count; i++)
        close_socket(&listeners->items[i], has_place(kept, listeners->items[i].place));
    listeners->count = 0;
}
