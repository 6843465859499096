/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/peer.h"

#include "dns/host_lookup.h"
#include "mail/proxy_header.h"
#include "run/socket.h"
#include "smtpd/log_lines.h"
#include "smtpd/smtpd.h"

static void be_local(struct peer *peer)
{
    peer->is_local = true;
    peer->name = STR("localhost");
    peer->reverse_name = peer->name;
    peer->address = STR("127.0.0.1");
    peer->port = STR("unknown");
    peer->server_address = peer->address;
    peer->server_port = peer->port;
    if (!ip_address_parse(peer->address, &peer->ip))
        peer->ip = (struct ip_address){ 0 };
}

static void look_up_name(struct peer *peer, struct smtpd *smtpd, struct arena *arena)
{
    struct peer_name found;

    if (!smtpd->settings->peername_lookup)
        return;
    host_lookup_peer_name(smtpd->host_lookup, &peer->ip, arena, &found);
    peer->name = found.name;
    peer->reverse_name = found.reverse_name;
    peer->is_name_unknown = found.outcome == PEER_NAME_UNKNOWN;
    peer->is_reverse_name_unknown = found.is_reverse_unknown;
    if (found.trouble.len > 0)
        log_peer_trouble(found.trouble);
}

static struct str format_address(const struct ip_address *ip, struct arena *arena)
{
    char text[IP_ADDRESS_TEXT_MAX];

    return arena_str(arena, str_from_c(ip_address_format(ip, text)));
}

static void look_up_server(struct peer *peer, int fd, struct arena *arena)
{
    struct socket_address address;
    char text[SOCKET_TEXT_SIZE];
    struct failure why;

    peer->server_address = peer->server_port = STR("unknown");
    if (!socket_local_address(fd, &address, &why))
        return;
    peer->server_address = arena_str(arena, socket_address_text(&address, text));
    peer->server_port = arena_printf(arena, "%u", socket_address_port(&address));
}

static void show(struct peer *peer, const struct smtpd *smtpd, struct arena *arena)
{
    bool has_port = smtpd->settings->client_port_logging;

    peer->shown = arena_printf(arena, "%.*s[%.*s]%s%.*s", STR_ARG(peer->name), STR_ARG(peer->address),
                               has_port ? ":" : "", has_port ? (int) peer->port.len : 0, peer->port.data);
}

void peer_copy(struct peer *peer_out, const struct peer *peer, const struct smtpd *smtpd, struct arena *arena)
{
    struct peer copy = *peer;

    copy.name = arena_str(arena, peer->name);
    copy.reverse_name = arena_str(arena, peer->reverse_name);
    copy.address = arena_str(arena, peer->address);
    copy.port = arena_str(arena, peer->port);
    copy.server_address = arena_str(arena, peer->server_address);
    copy.server_port = arena_str(arena, peer->server_port);
    show(&copy, smtpd, arena);
    *peer_out = copy;
}

void peer_open(struct peer *peer, const struct smtpd *smtpd, int fd, struct arena *arena)
{
    struct socket_address address;
    struct failure why;
    uint16_t port = 0;

    *peer = (struct peer){ .name = STR("unknown"), .reverse_name = STR("unknown") };
    if (!socket_peer_address(fd, &address, &why) ||
        !ip_address_from_sockaddr((const struct sockaddr *) &address.storage, &peer->ip, &port)) {
        be_local(peer);
    } else {
        peer->address = format_address(&peer->ip, arena);
        peer->port = arena_printf(arena, "%u", port);
        look_up_server(peer, fd, arena);
    }
    show(peer, smtpd, arena);
}

void peer_set_addresses(struct peer *peer, struct arena *arena, const struct proxy_header *header)
{
    peer->ip = header->client;
    peer->address = format_address(&header->client, arena);
    peer->port = arena_printf(arena, "%u", header->client_port);
    peer->server_address = format_address(&header->server, arena);
    peer->server_port = arena_printf(arena, "%u", header->server_port);
}

void peer_look_up(struct peer *peer, struct smtpd *smtpd, struct arena *arena)
{
    if (!peer->is_local)
        look_up_name(peer, smtpd, arena);
    show(peer, smtpd, arena);
}
