/* SPDX-License-Identifier: Apache-2.0 */
#include "merpati/dial.h"

#include "base/ip_address.h"
#include "dns/host_lookup.h"
#include "dns/resolver.h"
#include "os/fd.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/socket.h"

enum { CONNECT_SECONDS = 5, LOOKUP_SECONDS = 10 };

struct dial {
    struct loop *loop;
    struct host_lookup *lookup;
    struct str host;
    unsigned port;
    bool is_connected;
    struct failure why;
};

static void dial_addresses(struct dial *dial, const struct host_addresses *addresses)
{
    struct socket_address address;
    int fd;

    for (size_t i = 0; i < addresses->count && !dial->is_connected; i++) {
        address.len = ip_address_to_sockaddr(&addresses->items[i], (uint16_t) dial->port, &address.storage);
        dial->is_connected = socket_connect(dial->loop, &address, NULL, seconds(CONNECT_SECONDS), &fd, &dial->why);
        if (dial->is_connected)
            fd_close(&fd);
    }
}

static void run(void *context)
{
    struct dial *dial = context;
    struct arena *arena = arena_create();
    struct host_addresses addresses;

    host_lookup_addresses(dial->lookup, dial->host, arena, &addresses);
    if (addresses.outcome == DNS_FOUND)
        dial_addresses(dial, &addresses);
    else
        failure_set(&dial->why, FAILURE_RETRY, 0, "%s", addresses.reason);
    arena_destroy(&arena);
    host_lookup_destroy(&dial->lookup);
    loop_stop(dial->loop);
}

bool dial_host(struct str host, unsigned port, struct failure *why)
{
    const struct resolver_options resolver_options = { .timeout = seconds(LOOKUP_SECONDS) };
    const struct host_lookup_options options = {
        .may_use_dns = true,
        .may_use_native = true,
        .wants_ipv4 = true,
        .wants_ipv6 = true,
        .timeout = seconds(LOOKUP_SECONDS),
    };
    struct dial dial = { .loop = loop_create(), .host = host, .port = port };
    struct resolver *resolver;

    if (resolver_create(dial.loop, &resolver_options, &resolver, &dial.why)) {
        dial.lookup = host_lookup_create(dial.loop, resolver, &options);
        fiber_start(dial.loop, run, &dial);
        loop_run(dial.loop);
        resolver_destroy(&resolver);
    }
    loop_destroy(&dial.loop);
    if (!dial.is_connected)
        *why = dial.why;
    return dial.is_connected;
}
