/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/native_lookup.h"

#include "base/memory.h"
#include "run/offload.h"

#include <netdb.h>

enum { ADDRESSES_MAX = 64, NAME_SIZE = NI_MAXHOST };

/* What the thread works on: plain memory, nothing of the loop's. */
struct work {
    char name[NAME_SIZE];
    int family;
    struct sockaddr_storage socket_address;
    socklen_t socket_address_len;
    int error;
    struct ip_address addresses[ADDRESSES_MAX];
    size_t count;
};

static void find_addresses(void *context)
{
    struct work *work = context;
    struct addrinfo hints = { .ai_family = work->family, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;

    work->error = getaddrinfo(work->name, NULL, &hints, &found);
    if (work->error != 0)
        return;
    for (struct addrinfo *it = found; it != NULL && work->count < ADDRESSES_MAX; it = it->ai_next) {
        if (ip_address_from_sockaddr(it->ai_addr, &work->addresses[work->count], NULL))
            work->count++;
    }
    freeaddrinfo(found);
}

static void find_name(void *context)
{
    struct work *work = context;

    work->error = getnameinfo((struct sockaddr *) &work->socket_address, work->socket_address_len, work->name,
                              sizeof(work->name), NULL, 0, NI_NAMEREQD);
}

static enum dns_outcome outcome_of(int error)
{
    switch (error) {
    case 0:
        return DNS_FOUND;
    case EAI_NONAME:
    case EAI_FAIL:
        return DNS_ABSENT_NAME;
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
        return DNS_ABSENT_RECORD;
    default:
        return DNS_UNKNOWN;
    }
}

void native_lookup_addresses(struct offload *offload, struct str name, int family, struct duration timeout,
                             struct arena *arena, struct native_addresses *addresses_out)
{
    struct work *work;

    *addresses_out = (struct native_addresses){ .outcome = DNS_ABSENT_NAME, .reason = gai_strerror(EAI_NONAME) };
    if (name.len == 0 || name.len >= NAME_SIZE || str_contains_char(name, '\0'))
        return;
    work = memory_alloc(sizeof(*work));
    memcpy(work->name, name.data, name.len);
    work->family = family;
    if (!offload_run(offload, find_addresses, work, memory_free, timeout, NULL)) {
        addresses_out->outcome = DNS_UNKNOWN;
        addresses_out->reason = gai_strerror(EAI_AGAIN);
        return;
    }
    addresses_out->outcome = outcome_of(work->error);
    addresses_out->reason = work->error == 0 ? "" : gai_strerror(work->error);
    addresses_out->items = arena_new_array(arena, work->count + 1, struct ip_address);
    memcpy(addresses_out->items, work->addresses, work->count * sizeof(work->addresses[0]));
    addresses_out->count = work->count;
    memory_free(work);
}

enum dns_outcome native_lookup_name(struct offload *offload, const struct ip_address *address, struct duration timeout,
                                    struct arena *arena, struct str *name_out)
{
    struct work *work = memory_alloc(sizeof(*work));
    enum dns_outcome outcome;

    *name_out = STR_EMPTY;
    work->socket_address_len = ip_address_to_sockaddr(address, 0, &work->socket_address);
    if (!offload_run(offload, find_name, work, memory_free, timeout, NULL))
        return DNS_UNKNOWN;
    outcome = outcome_of(work->error);
    if (outcome == DNS_FOUND)
        *name_out = arena_str(arena, str_from_c(work->name));
    memory_free(work);
    return outcome;
}
