/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/peer.h"

#include "dns/host_lookup.h"
#include "run/socket.h"
#include "smtpd/log_lines.h"
#include "smtpd/smtpd.h"

static void be_local(struct peer *peer)
{
    peer->name = STR("localhost");
    peer->reverse_name = peer->name;
    peer->address = STR("127.0.0.1");
    peer->port = STR("unknown");
    if (!ip_address_parse(peer->address, &peer->ip))
        peer->ip = (struct ip_address){ 0 };
}

static void look_up_name(struct peer *peer, struct smtpd *smtpd, struct arena *arena)
{
    struct peer_name found;

    peer->name = STR("unknown");
    peer->reverse_name = STR("unknown");
    if (!smtpd->settings->peername_lookup)
        return;
    host_lookup_peer_name(smtpd->host_lookup, &peer->ip, arena, &found);
    peer->name = found.name;
    peer->reverse_name = found.reverse_name;
    peer->is_name_unknown = found.outcome == PEER_NAME_UNKNOWN;
    if (found.trouble.len > 0)
        log_peer_trouble(found.trouble);
}

void peer_look_up(struct peer *peer, struct smtpd *smtpd, int fd, struct arena *arena)
{
    struct socket_address address;
    char text[IP_ADDRESS_TEXT_MAX];
    struct failure why;
    uint16_t port = 0;

    *peer = (struct peer){ 0 };
    if (!socket_peer_address(fd, &address, &why) ||
        !ip_address_from_sockaddr((const struct sockaddr *) &address.storage, &peer->ip, &port)) {
        be_local(peer);
    } else {
        peer->address = arena_str(arena, str_from_c(ip_address_format(&peer->ip, text)));
        peer->port = arena_printf(arena, "%u", port);
        look_up_name(peer, smtpd, arena);
    }
    peer->shown = arena_printf(arena, "%.*s[%.*s]%s%.*s", STR_ARG(peer->name), STR_ARG(peer->address),
                               smtpd->settings->client_port_logging ? ":" : "",
                               smtpd->settings->client_port_logging ? (int) peer->port.len : 0, peer->port.data);
}
