/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTOCOL_REWRITE_H
#define PROTOCOL_REWRITE_H

#include "ipc/channel.h"

/*
 * rewrite - addresses put into standard form, and resolved to where they go (private/rewrite, trivial-rewrite).
 * Many addresses a request; the reply has as many, in the same order. The generation of the tables is told with
 * every reply: what was remembered under another one is stale.
 */
struct rewrite_request {
    bool is_local;            /* context local ($myorigin, $mydomain), else remote_header_rewrite_domain */
    struct strlist addresses; /* external (quoted) form, as in a header */
};

struct rewrite_reply {
    uint64_t generation;
    struct strlist addresses;
};

enum resolve_class {
    RESOLVE_LOCAL,           /* $mydestination, $inet_interfaces, $proxy_interfaces */
    RESOLVE_VIRTUAL_ALIAS,   /* $virtual_alias_domains */
    RESOLVE_VIRTUAL_MAILBOX, /* $virtual_mailbox_domains */
    RESOLVE_RELAY,           /* $relay_domains */
    RESOLVE_DEFAULT,
};

enum resolve_status {
    RESOLVE_OK,
    RESOLVE_ERROR, /* the address cannot be resolved at all: bounce, reason in nexthop */
    RESOLVE_DEFER, /* a table cannot be read now: try later */
};

struct resolve_request {
    struct str sender;        /* internal form, for sender_dependent tables; empty too for the null sender */
    struct strlist addresses; /* internal form */
    bool is_probe;            /* as address_verify_* have it */
    bool is_raw;              /* as a client gave them: they are put into standard form (local) first */
};

struct resolved_address {
    uint64_t status;        /* enum resolve_status */
    struct str transport;   /* name in master.cf */
    struct str nexthop;     /* as the transport wants it; for error: the text */
    struct str recipient;   /* internal form, standardised */
    uint64_t address_class; /* enum resolve_class */
    bool is_routed;         /* source-routed or %-hacked or with ! : relay checks treat it as foreign */
};

struct resolve_reply {
    uint64_t generation;
    struct records addresses; /* struct resolved_address */
};

extern const struct message_type rewrite_request_message;
extern const struct message_type rewrite_reply_message;
extern const struct message_type resolve_request_message;
extern const struct message_type resolve_reply_message;
extern const struct message_type resolved_address_message;
extern const struct protocol rewrite_protocol;

enum {
    REWRITE_BATCH_MAXIMUM = 1000, /* addresses in one request */
    /* Bytes in an answer: one that is longer would spoil the answers to a whole batch. */
    RESOLVE_TRANSPORT_MAXIMUM = 256,
    RESOLVE_NEXTHOP_MAXIMUM = 8192,
    RESOLVE_RECIPIENT_MAXIMUM = 8192,
};

/* One address each; the result lives in arena. */
MUST_USE bool rewrite_address(struct endpoint *endpoint, bool is_local, struct str address, struct arena *arena,
                              struct duration timeout, struct str *address_out, struct failure *why);
/* Many; as many answers. */
MUST_USE bool resolve_addresses(struct endpoint *endpoint, const struct resolve_request *request, struct arena *arena,
                                struct duration timeout, const struct resolved_address **resolved_out,
                                struct failure *why);
MUST_USE bool resolve_address(struct endpoint *endpoint, struct str sender, struct str address, struct arena *arena,
                              struct duration timeout, const struct resolved_address **resolved_out,
                              struct failure *why);

#endif
