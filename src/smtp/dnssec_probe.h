/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_DNSSEC_PROBE_H
#define SMTP_DNSSEC_PROBE_H

#include "base/arena.h"
#include "base/failure.h"

struct resolver;

/*
 * dnssec_probe - tells, once a process, that nothing seems to be proven by DNSSEC: the name servers of resolv.conf may
 * leave signatures out. It asks for a record that is known to be signed (dnssec_probe), but not before an answer was
 * not proven, and not when any has been.
 */
struct dnssec_probe;

/* text: "type:name" ("ns:."), empty for no probe: then *out is NULL. False: it is neither. */
MUST_USE bool dnssec_probe_create(struct str text, struct resolver *resolver, struct arena *arena,
                                  struct dnssec_probe **out, struct failure *why);

/* After each answer that was to be validated; may wait for the DNS. NULL is fine. Logs what it finds. */
void dnssec_probe_note(struct dnssec_probe *probe, bool is_proven);

#endif
