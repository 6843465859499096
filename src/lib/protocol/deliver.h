/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTOCOL_DELIVER_H
#define PROTOCOL_DELIVER_H

#include "base/time.h"
#include "ipc/channel.h"

/*
 * deliver - the queue manager hands a message to a delivery agent (private/<transport>). qmgr is the client.
 *
 * The first call on a new channel is the census: the agent tells its capacity, what it has in hand and which outcomes
 * qmgr has not yet recorded. Then one call is one delivery:
 *
 *   qmgr   deliver_request
 *   agent  deliver_outcome, any number, each at the final reply for its recipients
 *   qmgr   deliver_recorded, after each outcome's record is in the ledger; until then the agent keeps the outcome
 *   agent  deliver_done, when all recipients have an outcome, and the call ends
 *
 * A recipient without outcome when the channel goes is unknown: tried again with the next attempt number.
 */
struct deliver_census {
    uint64_t qmgr_generation; /* when the asking qmgr started, microseconds since 1970 */
};

struct deliver_in_hand {
    struct str queue_id;
    uint64_t attempt;
    /* Where it goes, so that it counts there; nexthop is empty when no delivery is under way any more. */
    struct str transport; /* empty: that of the agent that says it */
    struct str nexthop;
    struct str recipient; /* the first one's address */
};

struct deliver_census_reply {
    uint64_t capacity;         /* deliveries at one time on this channel */
    bool is_fresh;             /* started after that qmgr: all older processes are taken */
    struct records in_hand;    /* struct deliver_in_hand */
    struct records unrecorded; /* struct deliver_outcome */
};

struct deliver_recipient {
    uint64_t index; /* of the recipient in the message; outcomes name it */
    struct str address;
    struct str original; /* before rewriting; for orig_to= and X-Original-To; empty: as address */
    struct str dsn_orcpt;
    uint64_t dsn_notify; /* enum dsn_notify */
};

enum deliver_flag {
    DELIVER_FLAG_VERIFY = 1 << 0, /* a probe: find out whether it could be delivered, and deliver nothing */
    DELIVER_FLAG_SMTPUTF8 = 1 << 1,
    DELIVER_FLAG_MORE = 1 << 2,        /* more goes to this next hop: a connection is worth keeping for it */
    DELIVER_FLAG_PROBE = 1 << 4,       /* beside VERIFY: verify asks, to whom an alias is as good as all its members */
    DELIVER_FLAG_UTF8_HEADER = 1 << 3, /* the header has UTF-8 */
    DELIVER_FLAG_TRACE = 1 << 5,       /* what becomes of everybody is reported, of members too */
};

struct deliver_request {
    struct str queue_id;
    struct str queue_name; /* active, incoming or deferred, for messages that name it */
    uint64_t attempt;
    uint64_t flags; /* enum deliver_flag */
    struct str nexthop;
    struct str sender;
    struct str envid;
    uint64_t dsn_return; /* enum dsn_return */
    uint64_t encoding;   /* enum body_encoding */
    uint64_t size;       /* of content, bytes */
    uint64_t lines;      /* line ends in it: each is a byte more on the wire */
    struct instant arrival;
    struct instant activated;  /* entered the active queue, wall clock */
    struct instant dispatched; /* handed over, wall clock */
    struct strlist attributes; /* name=value as in cleanup_envelope */
    struct records recipients; /* struct deliver_recipient */
    /* Content, lines ended by LF: inline, or size bytes at content_offset of a read-only descriptor. */
    struct str content;
    int content_fd;
    uint64_t content_offset;
};

enum deliver_status {
    DELIVER_SENT,
    DELIVER_DEFERRED,
    DELIVER_BOUNCED,
    DELIVER_PASSED, /* nothing was done: the transport and next hop in relay deliver instead, "name:nexthop" */
};

/* What became of one recipient. */
struct deliver_result {
    uint64_t index;
    uint64_t status;       /* enum deliver_status */
    struct str address;    /* the report speaks of it instead: what the recipient was expanded to; or empty */
    struct str dsn;        /* 2.0.0 and so on */
    struct str action;     /* for the report: empty, delivered, relayed, expanded; delegated: relayed, and the next host
                              reports it */
    struct str reason;     /* as in the log's parentheses */
    struct str relay;      /* as in relay=, "none" if never connected */
    struct str remote_mta; /* host for the report, or empty */
    struct str diagnostic_type; /* smtp or x-unix, or empty */
    struct str diagnostic;      /* the reply or the command's output */
};

struct deliver_outcome {
    struct str queue_id;
    uint64_t attempt;
    uint64_t number;        /* counts from 1 in the delivery */
    struct records results; /* struct deliver_result */
    struct records members; /* the same, of what these recipients were expanded to: for reports, not for the queue */
    /* Told by somebody else than the delivery itself: the senders's wish to hear of successes (NOTIFY=SUCCESS) is still
     * to be met, for one of them at least; and the outcome is recorded, so that only this is left. */
    bool wants_notice;
    bool is_recorded;
};

struct deliver_recorded {
    uint64_t number; /* all outcomes up to this one are recorded */
};

struct deliver_done {
    /* Not empty: the next hop as a whole could not be reached, nothing was tried for any recipient beyond it;
     * the destination counts as dead for a while. */
    struct str hop_dsn;
    struct str hop_reason;
};

extern const struct message_type deliver_census_message;
extern const struct message_type deliver_in_hand_message;
extern const struct message_type deliver_census_reply_message;
extern const struct message_type deliver_recipient_message;
extern const struct message_type deliver_request_message;
extern const struct message_type deliver_result_message;
extern const struct message_type deliver_outcome_message;
extern const struct message_type deliver_recorded_message;
extern const struct message_type deliver_done_message;
extern const struct protocol deliver_protocol;

enum { DELIVER_INLINE_MAXIMUM = 128 * 1024, DELIVER_RECIPIENTS_MAXIMUM = 600, DELIVER_MEMBERS_MAXIMUM = 600 };

/* The value of "name=value" in attributes, empty if absent. */
struct str deliver_attribute(const struct strlist *attributes, struct str name);

#endif
