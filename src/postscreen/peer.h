/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTSCREEN_PEER_H
#define POSTSCREEN_PEER_H

#include "base/compiler.h"

#include <stdbool.h>

struct client;

/*
 * peer - who a connection is from and what to, by its socket, or by the header that a proxy sends before it
 * (postscreen_upstream_proxy_protocol). False: it cannot be known, which is logged.
 */
MUST_USE bool peer_find(struct client *client);

#endif
