/* SPDX-License-Identifier: Apache-2.0 */
#include "postscreen/peer.h"

#include "daemon/daemon.h"
#include "mail/proxy_header.h"
#include "postscreen/client.h"
#include "postscreen/log_lines.h"
#include "postscreen/postscreen.h"
#include "run/loop.h"
#include "run/socket.h"
#include "run/stream.h"

#include <sys/socket.h>

enum { LOOK_AGAIN_MS = 20, DROP_PIECE = 512 };

static struct str format(const struct ip_address *ip, struct arena *arena)
{
    char text[IP_ADDRESS_TEXT_MAX];

    return arena_str(arena, str_from_c(ip_address_format(ip, text)));
}

static void set_addresses(struct client *client, const struct ip_address *server, uint16_t port, uint16_t server_port)
{
    client->address = format(&client->ip, client->arena);
    client->port = arena_printf(client->arena, "%u", port);
    client->server_address = format(server, client->arena);
    client->server_port = arena_printf(client->arena, "%u", server_port);
}

static bool find_by_socket(struct client *client)
{
    struct socket_address peer, local;
    struct ip_address server;
    struct failure why;

    /* A client that is gone already has no address any more. */
    if (!socket_peer_address(client->connection->fd, &peer, &why) ||
        !socket_local_address(client->connection->fd, &local, &why) || !socket_address_ip(&peer, &client->ip) ||
        !socket_address_ip(&local, &server))
        return false;
    set_addresses(client, &server, socket_address_port(&peer), socket_address_port(&local));
    return true;
}

static bool refuse(const char *problem, struct str input)
{
    log_proxy_trouble(problem, input);
    return false;
}

/* Only looks: what follows the header stays in the socket, for whoever reads it next. */
static bool read_header(struct client *client, struct proxy_header *header)
{
    struct loop *loop = client->postscreen->loop;
    char bytes[PROXY_HEADER_LINE_MAXIMUM];
    struct instant deadline = instant_add(loop_now(loop), client->settings->upstream_proxy_timeout);
    const char *problem = NULL;
    struct failure why;

    for (;;) {
        struct duration left = instant_since(deadline, loop_now(loop));
        enum proxy_header_result result;
        ssize_t count;

        if (left.us <= 0 || !stream_wait_input(client->connection->stream, left, &why))
            return refuse("timeout error", STR_EMPTY);
        count = recv(client->connection->fd, bytes, sizeof bytes, MSG_PEEK);
        if (count <= 0)
            return refuse("EOF", STR_EMPTY);
        result = proxy_header_parse(str_make(bytes, (size_t) count), (size_t) count == sizeof bytes, header, &problem);
        if (result == PROXY_HEADER_DONE)
            return true;
        if (result == PROXY_HEADER_BAD)
            return refuse(problem, str_make(bytes, (size_t) count));
        fiber_sleep(loop, milliseconds(LOOK_AGAIN_MS));
    }
}

static bool drop_header(struct client *client, size_t length)
{
    char bytes[DROP_PIECE];
    struct failure why;

    while (length > 0) {
        ssize_t count;

        if (!stream_wait_input(client->connection->stream, client->settings->upstream_proxy_timeout, &why))
            return refuse("timeout error", STR_EMPTY);
        count = recv(client->connection->fd, bytes, length < sizeof bytes ? length : sizeof bytes, 0);
        if (count <= 0)
            return refuse("EOF", STR_EMPTY);
        length -= (size_t) count;
    }
    return true;
}

bool peer_find(struct client *client)
{
    struct proxy_header header;

    if (client->settings->upstream_proxy_protocol != SCREEN_PROXY_HAPROXY)
        return find_by_socket(client);
    if (!read_header(client, &header) || !drop_header(client, header.length)) {
        client_answer(client, STR("421 4.3.2 No system resources"));
        return false;
    }
    if (header.is_local)
        return find_by_socket(client);
    client->ip = header.client;
    client->is_proxied = true;
    set_addresses(client, &header.server, header.client_port, header.server_port);
    return true;
}
