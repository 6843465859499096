/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_RESOLVER_H
#define QMGR_RESOLVER_H

#include "base/failure.h"
#include "base/time.h"
#include "protocol/rewrite.h"

/*
 * resolver - where recipients go, asked of trivial-rewrite in batches and remembered while its tables stay the same.
 *
 * What was remembered goes when trivial-rewrite is replaced or a reply tells of another generation, after a minute
 * (tables behind proxymap change unseen), when the memory is full, and when somebody asks for it.
 */
struct resolver;

struct resolver *resolver_create(struct endpoint *rewrite, bool is_sender_dependent, struct duration timeout);
/* Asks from now on for the ways that address probes take. */
void resolver_set_probes(struct resolver *resolver);
void resolver_destroy(struct resolver **resolver);
/* All that is remembered. */
void resolver_forget(struct resolver *resolver);

/*
 * Fills one answer for each address, in arena. False when the service does not answer: nothing is known of any.
 * May wait.
 */
MUST_USE bool resolver_ask(struct resolver *resolver, struct str sender, const struct str *addresses, size_t count,
                           struct instant now, struct arena *arena, struct resolved_address *answers_out,
                           struct failure *why);

/* The same from memory alone; the answers are views, good until the next wait. False: not all are known. */
bool resolver_recall(struct resolver *resolver, struct str sender, const struct str *addresses, size_t count,
                     struct instant now, struct resolved_address *answers_out);

#endif
