/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OS_INTERFACE_H
#define OS_INTERFACE_H

#include "base/arena.h"
#include "base/failure.h"

#include <netinet/in.h>
#include <sys/socket.h>

/* interface - the addresses of this host's network interfaces that are up, each once, port 0. */
struct interface_address {
    struct sockaddr_storage address;
    unsigned prefix_bits; /* of its network, from the netmask */
    bool is_loopback;
};

struct interface_list {
    struct interface_address *items;
    size_t count;
};

MUST_USE bool interface_list(struct arena *arena, struct interface_list *list_out, struct failure *why);

/* Bytes of struct sockaddr_in or _in6. */
socklen_t interface_address_size(const struct sockaddr_storage *address);

#endif
