/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DRIVERS_REDIS_LINK_H
#define DRIVERS_REDIS_LINK_H

#include "drivers/host_port.h"
#include "table/module.h"

#include <stddef.h>

struct redisReply;

/*
 * redis_link - a connection to a Redis server, in clear or by TLS, with a time limit for each thing that is asked, the
 * whole of it. What hiredis of Debian 12 has of its own speaks no TLS, and waits anew for each piece.
 */
struct redis_link_options {
    unsigned port; /* where the place has none */
    unsigned timeout_seconds;
    bool is_secure;
    bool is_verified;              /* the server's certificate: signed by who is trusted, and for its name or address */
    const char *ca_file, *ca_path; /* both NULL: the system's */
    const char *cert_file, *key_file; /* NULL: none; a file with both is enough */
};

struct redis_link;

/* NULL, with the reason in why. */
struct redis_link *redis_link_open(const struct host_port *place, const struct redis_link_options *options,
                                   struct merpati_table_text why);
void redis_link_close(struct redis_link *link);
/* NULL, with the reason: the connection is of no use any more. The caller frees the reply. */
struct redisReply *redis_link_ask(struct redis_link *link, int count, const char **words, const size_t *lengths,
                                  struct merpati_table_text why);

#endif
