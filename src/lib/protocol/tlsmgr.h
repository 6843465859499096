/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTOCOL_TLSMGR_H
#define PROTOCOL_TLSMGR_H

#include "base/time.h"
#include "ipc/channel.h"

/*
 * tlsmgr - what processes that speak TLS share (private/tlsmgr): the keys of session tickets, of each service its own,
 * and caches of what one of them has learned, which outlive them.
 *
 * Nothing here is needed: without tlsmgr a handshake is a full one and what would be in a cache is asked for again.
 * Texts in the caches may be any bytes.
 */
enum tlsmgr_cache {
    TLSMGR_SMTP_SESSIONS, /* smtp_tls_session_cache_database */
    TLSMGR_LMTP_SESSIONS,
    TLSMGR_STS_POLICIES, /* smtp_tls_mta_sts_cache_database */
    TLSMGR_CACHES,
};

enum {
    TLSMGR_KEY_MAXIMUM = 450,
    TLSMGR_VALUE_MAXIMUM = 128 * 1024,
    TLSMGR_SERVICE_MAXIMUM = 200,
    TLSMGR_TICKET_NAME_SIZE = 16,
    TLSMGR_TICKET_SECRET_SIZE = 32,
    TLSMGR_TICKET_KEYS_MAXIMUM = 4,
};

struct tlsmgr_get {
    uint64_t cache; /* enum tlsmgr_cache */
    struct str key;
};

struct tlsmgr_entry {
    bool is_found; /* false: all else is empty */
    struct str value;
    struct instant kept; /* when it was put, by the wall clock */
    struct instant ends; /* from then on it is not found any more */
};

/* Takes the place of what was there. With ends in the past: nothing is there any more. */
struct tlsmgr_put {
    uint64_t cache;
    struct str key;
    struct str value;
    struct instant ends;
};

struct tlsmgr_kept {
    bool is_kept; /* false: the cache has no place, by configuration */
};

struct tlsmgr_ticket_key {
    struct str name;   /* TLSMGR_TICKET_NAME_SIZE bytes */
    struct str cipher; /* TLSMGR_TICKET_SECRET_SIZE bytes */
    struct str digest; /* TLSMGR_TICKET_SECRET_SIZE bytes */
    struct instant made;
};

struct tlsmgr_tickets_wanted {
    struct str service;  /* of master.cf: "smtp/inet" */
    uint64_t lifetime_s; /* a key makes tickets for so long and reads them for twice as long */
};

/* Keys whose time is not over, that which makes tickets now first; none: tlsmgr has no randomness. */
struct tlsmgr_tickets {
    struct records keys; /* struct tlsmgr_ticket_key */
};

/* From a tlsmgr that ends to the one that takes its place: all there is of a service. */
struct tlsmgr_tickets_left {
    struct str service;
    struct records keys;
    bool is_last; /* there are no more services */
};

struct tlsmgr_tickets_taken {
    bool is_taken;
};

extern const struct message_type tlsmgr_get_message;
extern const struct message_type tlsmgr_entry_message;
extern const struct message_type tlsmgr_put_message;
extern const struct message_type tlsmgr_kept_message;
extern const struct message_type tlsmgr_ticket_key_message;
extern const struct message_type tlsmgr_tickets_wanted_message;
extern const struct message_type tlsmgr_tickets_message;
extern const struct message_type tlsmgr_tickets_left_message;
extern const struct message_type tlsmgr_tickets_taken_message;
extern const struct protocol tlsmgr_protocol;

/*
 * Client calls, in a fiber, to daemon_endpoint(..., "private/<tlsmgr_service_name>", &tlsmgr_protocol). They take at
 * most a few seconds; false: tlsmgr cannot be asked now, and why. A key longer than TLSMGR_KEY_MAXIMUM is never found.
 */
/* *entry_out is in arena; look at is_found. */
MUST_USE bool tlsmgr_get(struct endpoint *tlsmgr, enum tlsmgr_cache cache, struct str key, struct arena *arena,
                         const struct tlsmgr_entry **entry_out, struct failure *why);
/* What is too long is not kept, and no failure. */
MUST_USE bool tlsmgr_put(struct endpoint *tlsmgr, enum tlsmgr_cache cache, struct str key, struct str value,
                         struct instant ends, struct failure *why);
MUST_USE bool tlsmgr_remove(struct endpoint *tlsmgr, enum tlsmgr_cache cache, struct str key, struct failure *why);
MUST_USE bool tlsmgr_ticket_keys(struct endpoint *tlsmgr, struct str service, struct duration lifetime,
                                 struct arena *arena, const struct tlsmgr_tickets **tickets_out, struct failure *why);

#endif
