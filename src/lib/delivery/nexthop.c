/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/nexthop.h"

#include "os/system_socket.h"

#include <arpa/inet.h>

bool nexthop_port(struct str text, uint16_t *port_out)
{
    unsigned port;

    if (!system_socket_parse_port(text, &port))
        return false;
    *port_out = (uint16_t) port;
    return true;
}

/* The domain and what follows a colon behind it. */
static bool cut_parts(struct str text, struct nexthop *nexthop, struct str *port_out)
{
    size_t end;

    if (!str_starts_with(text, STR("["))) {
        str_cut(text, ':', &nexthop->domain, port_out);
        return !str_contains_char(text, ']');
    }
    nexthop->is_host = true;
    end = str_find_char(text, ']');
    if (end == STR_NOT_FOUND)
        return false;
    nexthop->domain = str_part(text, 1, end - 1);
    if (str_starts_with_nocase(nexthop->domain, STR("ipv6:")))
        nexthop->domain = str_from(nexthop->domain, 5);
    *port_out = str_from(text, end + 1);
    if (port_out->len == 0)
        return true;
    if (port_out->data[0] != ':')
        return false;
    *port_out = str_from(*port_out, 1);
    return true;
}

bool nexthop_parse(struct str text, struct str default_port, struct nexthop *nexthop_out, struct failure *why)
{
    struct nexthop nexthop = { .text = text };
    struct str port = STR_EMPTY;

    if (!cut_parts(text, &nexthop, &port) || nexthop.domain.len == 0)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "bad next hop: %.*s", STR_ARG(text));
    nexthop.service = port.len == 0 ? default_port : port;
    if (!nexthop_port(nexthop.service, &nexthop.port))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "unknown service: %.*s/tcp", STR_ARG(nexthop.service));
    *nexthop_out = nexthop;
    return true;
}

bool nexthop_parse_lmtp(struct str text, struct str default_port, struct nexthop *nexthop_out, struct failure *why)
{
    struct str rest = text;

    if (str_starts_with(text, STR("unix:"))) {
        rest = str_from(text, 5);
        *nexthop_out = (struct nexthop){ .text = text, .is_host = true, .path = rest };
        return !str_is_empty(rest) || failure_set(why, FAILURE_CONFIGURATION, 0, "bad next hop: %.*s", STR_ARG(text));
    }
    if (str_starts_with(text, STR("inet:")))
        rest = str_from(text, 5);
    if (!nexthop_parse(rest, default_port, nexthop_out, why))
        return false;
    nexthop_out->is_host = true;
    return true;
}

struct str nexthop_name(struct str text)
{
    struct nexthop nexthop = { .text = text };
    struct str port;

    if (str_starts_with(text, STR("unix:")))
        return str_from(text, 5);
    if (str_starts_with(text, STR("inet:")))
        text = str_from(text, 5);
    return cut_parts(text, &nexthop, &port) ? nexthop.domain : text;
}

struct strlist nexthop_split(struct arena *arena, struct str text)
{
    return strlist_split(arena, text, ", \t\r\n");
}
