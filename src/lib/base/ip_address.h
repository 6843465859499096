/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_IP_ADDRESS_H
#define BASE_IP_ADDRESS_H

#include "base/str.h"

#include <sys/socket.h>

/*
 * ip_address - an IPv4 or IPv6 address as a value. Zero-initialised it is no address. An IPv4 address
 * that came mapped into IPv6 (::ffff:192.0.2.1) is kept as IPv4, so that one client has one spelling.
 */
enum ip_family {
    IP_NONE = 0,
    IP_V4 = 4,
    IP_V6 = 6,
};

struct ip_address {
    enum ip_family family;
    uint8_t bytes[16];
    uint32_t scope; /* interface of a link-local IPv6 address, else 0 */
};

/* Room for any spelling and its NUL. */
#define IP_ADDRESS_TEXT_MAX 48

/* "192.0.2.1" or "2001:db8::1", without brackets, port or prefix. */
MUST_USE bool ip_address_parse(struct str text, struct ip_address *address_out);
/* 4 or 16 bytes in network order; any other length is refused. */
MUST_USE bool ip_address_from_bytes(const void *bytes, size_t len, struct ip_address *address_out);
/* Other families than the Internet's are refused. port_out may be NULL. */
MUST_USE bool ip_address_from_sockaddr(const struct sockaddr *from, struct ip_address *address_out, uint16_t *port_out);
/* Returns the length of what was filled in; the address must have a family. */
socklen_t ip_address_to_sockaddr(const struct ip_address *address, uint16_t port, struct sockaddr_storage *to);

/* The canonical spelling, written into and pointing at text; empty for no address. */
const char *ip_address_format(const struct ip_address *address, char text[IP_ADDRESS_TEXT_MAX]);

bool ip_address_equal(const struct ip_address *a, const struct ip_address *b);
/* Whether the first bits of both agree; false across families. */
bool ip_address_in_network(const struct ip_address *address, const struct ip_address *network, unsigned bits);
/* 4 or 16; 0 for no address. */
size_t ip_address_size(const struct ip_address *address);

#endif
