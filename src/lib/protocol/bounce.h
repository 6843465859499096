/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTOCOL_BOUNCE_H
#define PROTOCOL_BOUNCE_H

#include "base/time.h"
#include "ipc/channel.h"
#include "protocol/deliver.h"

/*
 * bounce - the queue manager asks for a delivery status notification (private/bounce, private/defer and private/trace
 * speak the same). The reply comes when the notification is durable in the queue (or none was due); only then may
 * "returned" be recorded.
 */
enum bounce_kind {
    BOUNCE_FAILED,  /* undeliverable: to the sender, or double bounce to postmaster when the sender is null */
    BOUNCE_DELAYED, /* still trying: a warning to the sender */
    BOUNCE_SUCCESS, /* NOTIFY=SUCCESS: delivered, relayed, expanded */
    BOUNCE_TRACE,   /* sendmail -v and -bv: report by mail (reserved) */
};

struct bounce_recipient {
    struct str address;
    struct str original;
    struct str dsn_orcpt;
    uint64_t dsn_notify;
    uint64_t status; /* enum deliver_status */
    struct str dsn;
    struct str action; /* failed, delayed, delivered, relayed, expanded */
    struct str reason;
    struct str relay; /* as in relay=, for "delivery via"; may be empty */
    struct str remote_mta;
    struct str diagnostic_type;
    struct str diagnostic;
};

struct bounce_request {
    uint64_t kind; /* enum bounce_kind */
    struct str queue_id;
    struct str sender;
    struct str owner; /* of the list whose members these are, and who hears of them; empty: the sender does */
    struct str envid;
    uint64_t dsn_return;
    uint64_t encoding;
    bool is_smtputf8;
    struct instant arrival;
    uint64_t size;
    struct strlist attributes;
    struct str message_id;     /* as in its header, with < and >; may be empty */
    struct records recipients; /* struct bounce_recipient */
    bool has_more;             /* bounce_more messages with the other recipients follow in the call */
    struct str content;        /* as in deliver_request */
    int content_fd;
    uint64_t content_offset;
};

struct bounce_more {
    struct records recipients; /* struct bounce_recipient */
    bool has_more;
};

struct bounce_reply {
    bool is_done; /* false: could not be queued now, try later; reason says why */
    struct strlist notification_ids;
    struct str reason;
};

extern const struct message_type bounce_recipient_message;
extern const struct message_type bounce_request_message;
extern const struct message_type bounce_more_message;
extern const struct message_type bounce_reply_message;
extern const struct protocol bounce_protocol;

enum { BOUNCE_RECIPIENTS_MAXIMUM = 400 }; /* in one message */

/*
 * The client's side: asks with any number of recipients, which are sent in pieces. The reply lives in arena. As
 * endpoint_ask, a request that met a stale channel is sent once more.
 */
MUST_USE bool bounce_ask(struct endpoint *endpoint, const struct bounce_request *request, struct arena *arena,
                         struct duration timeout, const struct bounce_reply **reply_out, struct failure *why);

/* The service's side: all recipients of a request, those of bounce_more too, in arena. */
MUST_USE bool bounce_take_recipients(struct call *call, const struct bounce_request *request, struct arena *arena,
                                     struct duration timeout, struct records *recipients_out, struct failure *why);

#endif
