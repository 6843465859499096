/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLSPROXY_ENGINE_H
#define TLSPROXY_ENGINE_H

#include "table/table_list.h"
#include "tls/server.h"
#include "tls/tickets.h"
#include "tlsproxy/settings.h"

struct daemon;

/*
 * engine - the keys, certificates and rules by which tlsproxy shakes hands with clients.
 *
 * Read before the jail. With bad ones there is no TLS, which callers are told; a process that replaces an older one
 * does not start with them instead.
 */
struct engine {
    const struct tlsproxy_settings *settings;
    const struct tls_settings *tls_settings;
    struct tls_listener listener;
    struct table_set *tables;
    struct table_list *sni_maps;
    struct tls_ticket_source ticket_source;
    struct tls_ticket_service tickets;
    struct tls_server *server; /* NULL: there is no TLS */
};

MUST_USE bool engine_open(struct engine *engine, struct daemon *daemon, struct failure *why);
/* In the jail. */
void engine_start(struct engine *engine, struct daemon *daemon);
void engine_close(struct engine *engine);

#endif
