/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/server_dial.h"

#include "dns/host_lookup.h"
#include "run/socket.h"
#include "smtpd/smtpd.h"

#include <errno.h>

bool server_dial(struct smtpd *smtpd, const struct server_place *place, struct duration timeout, struct arena *arena,
                 int *fd_out, struct failure *why)
{
    struct host_addresses addresses;
    struct socket_address address;

    if (str_is_empty(place->host))
        return socket_connect_unix(smtpd->loop, arena_c(arena, place->name), timeout, fd_out, why);
    host_lookup_addresses(smtpd->host_lookup, place->host, arena, &addresses);
    if (addresses.outcome != DNS_FOUND || addresses.count == 0)
        return failure_set(why, FAILURE_RETRY, 0, "%s",
                           addresses.outcome != DNS_FOUND ? addresses.reason : "the host has no address");
    for (size_t i = 0; i < addresses.count; i++) {
        address.len = ip_address_to_sockaddr(&addresses.items[i], (uint16_t) place->port, &address.storage);
        if (socket_connect(smtpd->loop, &address, NULL, timeout, fd_out, why))
            return true;
    }
    return false;
}

const char *server_dial_reason(const struct failure *why)
{
    if (why->kind == FAILURE_TIMEOUT)
        return strerror(ETIMEDOUT);
    return why->error != 0 ? strerror(why->error) : why->text;
}
