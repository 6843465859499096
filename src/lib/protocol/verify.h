/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTOCOL_VERIFY_H
#define PROTOCOL_VERIFY_H

#include "base/time.h"
#include "ipc/channel.h"

/*
 * verify - what is known of an address (private/verify). smtpd asks; verify answers at once from what it remembers,
 * and sends a probe where it knows nothing or what it knows is old. The queue manager tells what became of a probe.
 */
enum verify_status {
    VERIFY_DELIVERABLE,
    VERIFY_DEFERRED,      /* the probe met trouble that may pass */
    VERIFY_UNDELIVERABLE, /* the probe would have bounced */
    VERIFY_IN_PROGRESS,   /* nothing is known yet: a probe is on its way */
};

struct verify_query {
    struct str address; /* internal form */
};

struct verify_answer {
    uint64_t status;   /* enum verify_status */
    struct str reason; /* the probe's, as logged */
};

struct verify_update {
    struct str address; /* as it was asked for */
    uint64_t status;    /* enum verify_status */
    struct str reason;
};

struct verify_updated {
    bool is_kept; /* false: what was known before is better */
};

enum { VERIFY_REASON_MAXIMUM = 4096 };

extern const struct message_type verify_query_message;
extern const struct message_type verify_answer_message;
extern const struct message_type verify_update_message;
extern const struct message_type verify_updated_message;
extern const struct protocol verify_protocol;

/*
 * The sender of probes at this time, in internal form: address_verify_sender, with a part behind its local part that
 * changes every ttl (0: never). "<>" is the null sender. In arena.
 */
struct str verify_sender(struct arena *arena, struct str sender, struct duration ttl, struct instant now);
/* Whether local is the local part of that sender now, or was it just before. */
bool verify_is_sender(struct str local, struct str sender, struct duration ttl, struct instant now);
/* The same of a whole address; origin is the domain of a sender that has none. */
bool verify_is_sender_address(struct str address, struct str sender, struct str origin, struct duration ttl,
                              struct instant now);

#endif
