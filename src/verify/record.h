/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VERIFY_RECORD_H
#define VERIFY_RECORD_H

#include "base/arena.h"
#include "base/time.h"
#include "protocol/verify.h"
#include "verify/settings.h"

/*
 * record - what is remembered of an address, as text "status:probed:updated:reason" (as in Postfix's cache, so that
 * what reads one reads the other), and for how long it counts. The caller brings the time.
 */
struct record {
    enum verify_status status;
    struct instant probed;  /* when the last probe was sent, zero if its result is there */
    struct instant updated; /* when the result came */
    struct str reason;
};

/* Bytes of a reason that are kept. */
enum { RECORD_REASON_MAX = 1000 };

struct str record_format(const struct record *record, struct arena *arena);
/* The reason is a view of text. False if it is none of ours. */
MUST_USE bool record_parse(struct str text, struct record *record_out);

/* It is not too old to be told. */
bool record_counts(const struct record *record, const struct verify_settings *settings, struct instant now);
/* It is told, and a new probe is due. */
bool record_is_stale(const struct record *record, const struct verify_settings *settings, struct instant now);
/* Whether a result takes the place of what is known (NULL: nothing): a failure never that of a success that counts. */
bool record_is_replaced(const struct record *known, enum verify_status status, const struct verify_settings *settings,
                        struct instant now);

#endif
