/* SPDX-License-Identifier: Apache-2.0 */
#include "os/interface.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>

enum { LIST_MAX = 1024 };

socklen_t interface_address_size(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

/* The bytes of an Internet address, NULL for other families. */
static const uint8_t *address_bytes(const struct sockaddr *address, size_t *len_out)
{
    if (address->sa_family == AF_INET) {
        *len_out = 4;
        return (const uint8_t *) &((const struct sockaddr_in *) (const void *) address)->sin_addr;
    }
    if (address->sa_family == AF_INET6) {
        *len_out = 16;
        return (const uint8_t *) &((const struct sockaddr_in6 *) (const void *) address)->sin6_addr;
    }
    return NULL;
}

static unsigned prefix_of(const struct sockaddr *netmask, size_t address_len)
{
    size_t len = 0;
    const uint8_t *bytes = netmask == NULL ? NULL : address_bytes(netmask, &len);
    unsigned bits = 0;

    if (bytes == NULL || len != address_len)
        return (unsigned) address_len * 8;
    for (size_t i = 0; i < len; i++)
        bits += (unsigned) __builtin_popcount(bytes[i]);
    return bits;
}

static bool is_known(const struct interface_list *list, const struct sockaddr *address)
{
    size_t len = 0, other_len = 0;
    const uint8_t *bytes = address_bytes(address, &len);

    for (size_t i = 0; i < list->count; i++) {
        const uint8_t *other = address_bytes((const struct sockaddr *) &list->items[i].address, &other_len);

        if (other_len == len && memcmp(other, bytes, len) == 0)
            return true;
    }
    return false;
}

static void add(struct interface_list *list, const struct ifaddrs *entry, size_t len)
{
    struct interface_address *item = &list->items[list->count++];

    memcpy(&item->address, entry->ifa_addr,
           entry->ifa_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
    item->prefix_bits = prefix_of(entry->ifa_netmask, len);
    item->is_loopback = (entry->ifa_flags & IFF_LOOPBACK) != 0;
}

bool interface_list(struct arena *arena, struct interface_list *list_out, struct failure *why)
{
    struct interface_list list = { arena_new_array(arena, LIST_MAX, struct interface_address), 0 };
    struct ifaddrs *first;

    if (getifaddrs(&first) < 0)
        return failure_system(why, errno, "list the network interfaces");
    for (const struct ifaddrs *entry = first; entry != NULL && list.count < LIST_MAX; entry = entry->ifa_next) {
        size_t len = 0;

        if (entry->ifa_addr == NULL || (entry->ifa_flags & IFF_UP) == 0 || address_bytes(entry->ifa_addr, &len) == NULL)
            continue;
        if (!is_known(&list, entry->ifa_addr))
            add(&list, entry, len);
    }
    freeifaddrs(first);
    *list_out = list;
    return true;
}
