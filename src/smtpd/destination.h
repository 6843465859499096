/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_DESTINATION_H
#define SMTPD_DESTINATION_H

#include "base/arena.h"
#include "base/failure.h"
#include "protocol/rewrite.h"

struct smtpd;

/*
 * destination - where an address leads, as trivial-rewrite says, remembered for a few seconds: a client names the
 * same recipients again and again. The memory is bounded; when full, or old, all is forgotten.
 */
struct destination {
    struct str sender;
    struct str address;   /* as asked */
    struct str recipient; /* internal form, with a domain */
    struct str domain;    /* of recipient, lower case */
    struct str transport;
    struct str nexthop;
    uint64_t status;        /* enum resolve_status */
    uint64_t address_class; /* enum resolve_class */
    bool is_routed;
    bool is_listed; /* a table of its class is known to have it */
};

struct destination_cache;

struct destination_cache *destination_cache_create(void);
void destination_cache_destroy(struct destination_cache **cache);

/* address in internal form. The result is a copy in arena. */
MUST_USE bool destination_look_up(struct smtpd *smtpd, struct str sender, struct str address, struct arena *arena,
                                  const struct destination **destination_out, struct failure *why);
/* Whether a look-up now would find it without asking. */
bool destination_is_remembered(struct smtpd *smtpd, struct str sender, struct str address);
/* Asks where all of these lead, at once, so that the look-ups to come find it. Where that fails they ask themselves. */
void destination_foresee(struct smtpd *smtpd, struct str sender, const struct strlist *addresses);
/* Remembers with the address that it is listed. */
void destination_set_listed(struct smtpd *smtpd, const struct destination *destination);

#endif
