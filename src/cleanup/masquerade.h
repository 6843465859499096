/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLEANUP_MASQUERADE_H
#define CLEANUP_MASQUERADE_H

#include "base/arena.h"
#include "base/strlist.h"

/*
 * masquerade - hides the inner structure of domains: user@host.example.com becomes user@example.com.
 *
 * The domains are tried in order, the first that is a parent of the address's domain, or that domain itself,
 * decides; "!domain" leaves such addresses alone.
 */
struct str masquerade_apply(struct arena *arena, struct str address, const struct strlist *domains);

#endif
