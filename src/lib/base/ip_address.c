/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ip_address.h"

#include "base/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

bool ip_address_from_bytes(const void *bytes, size_t len, struct ip_address *address_out)
{
    struct ip_address address = { .family = IP_NONE };
    const uint8_t *from = bytes;

    if (len != 4 && len != 16)
        return false;
    if (len == 16 && memcmp(from, mapped_prefix, sizeof(mapped_prefix)) == 0) {
        from += sizeof(mapped_prefix); /* UNSAFE: 12 of 16 bytes */
        len = 4;
    }
    address.family = len == 4 ? IP_V4 : IP_V6;
    memcpy(address.bytes, from, len);
    *address_out = address;
    return true;
}

bool ip_address_parse(struct str text, struct ip_address *address_out)
{
    char copy[IP_ADDRESS_TEXT_MAX];
    uint8_t bytes[16];

    if (text.len == 0 || text.len >= sizeof(copy) || str_contains_char(text, '\0'))
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, bytes) == 1)
        return ip_address_from_bytes(bytes, 4, address_out);
    if (inet_pton(AF_INET6, copy, bytes) == 1)
        return ip_address_from_bytes(bytes, 16, address_out);
    return false;
}

bool ip_address_from_sockaddr(const struct sockaddr *from, struct ip_address *address_out, uint16_t *port_out)
{
    uint16_t port = 0;

    if (from->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, from, sizeof(in));
        port = ntohs(in.sin_port);
        if (!ip_address_from_bytes(&in.sin_addr, 4, address_out))
            return false;
    } else if (from->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;

        memcpy(&in6, from, sizeof(in6));
        port = ntohs(in6.sin6_port);
        if (!ip_address_from_bytes(&in6.sin6_addr, 16, address_out))
            return false;
        if (address_out->family == IP_V6)
            address_out->scope = in6.sin6_scope_id;
    } else {
        return false;
    }
    if (port_out != NULL)
        *port_out = port;
    return true;
}

socklen_t ip_address_to_sockaddr(const struct ip_address *address, uint16_t port, struct sockaddr_storage *to)
{
    CHECK(address->family == IP_V4 || address->family == IP_V6);
    memset(to, 0, sizeof(*to));
    if (address->family == IP_V4) {
        struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };

        memcpy(&in.sin_addr, address->bytes, 4);
        memcpy(to, &in, sizeof(in));
        return sizeof(in);
    }
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_scope_id = address->scope };

    memcpy(&in6.sin6_addr, address->bytes, 16);
    memcpy(to, &in6, sizeof(in6));
    return sizeof(in6);
}

const char *ip_address_format(const struct ip_address *address, char text[IP_ADDRESS_TEXT_MAX])
{
    int family = address->family == IP_V4 ? AF_INET : AF_INET6;

    if (address->family == IP_NONE || inet_ntop(family, address->bytes, text, IP_ADDRESS_TEXT_MAX) == NULL)
        text[0] = '\0';
    return text;
}

bool ip_address_equal(const struct ip_address *a, const struct ip_address *b)
{
    return a->family == b->family && a->scope == b->scope && memcmp(a->bytes, b->bytes, ip_address_size(a)) == 0;
}

bool ip_address_in_network(const struct ip_address *address, const struct ip_address *network, unsigned bits)
{
    size_t whole = bits / 8;
    unsigned rest = bits % 8;

    if (address->family != network->family || bits > ip_address_size(address) * 8)
        return false;
    if (memcmp(address->bytes, network->bytes, whole) != 0)
        return false;
    return rest == 0 || (address->bytes[whole] >> (8 - rest)) == (network->bytes[whole] >> (8 - rest));
}

size_t ip_address_size(const struct ip_address *address)
{
    return address->family == IP_V4 ? 4 : address->family == IP_V6 ? 16 : 0;
}
