/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLSMGR_SERVICE_KEYS_H
#define TLSMGR_SERVICE_KEYS_H

#include "tls/ticket_keys.h"

/*
 * service_keys - ticket keys of every service that has asked, each its own. They are in memory only: what is on a disk
 * could open what was recorded before. Not more than a few hundred services.
 */
struct service_keys;

struct service_keys *service_keys_create(void);
/* Wipes them. Leaves *keys NULL; NULL is fine. */
void service_keys_destroy(struct service_keys **keys);

/* What the service has at this time, a new key first if that is due; in arena, until the next call. */
struct records service_keys_get(struct service_keys *keys, struct str service, struct duration lifetime,
                                struct instant now, struct arena *arena);
bool service_keys_are_none(const struct service_keys *keys);
bool service_keys_has(const struct service_keys *keys, struct str service);
/* Those that the process before us had; a key that was made here goes on making tickets. */
void service_keys_take(struct service_keys *keys, struct str service, const struct records *from);

/* One call for each service; visit may wait. */
void service_keys_walk(const struct service_keys *keys,
                       bool (*visit)(void *context, struct str service, const struct tls_ticket_keys *of_service,
                                     bool is_last),
                       void *context);

#endif
