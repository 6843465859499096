/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTOCOL_CLEANUP_H
#define PROTOCOL_CLEANUP_H

#include "base/time.h"
#include "ipc/channel.h"
#include "mail/dsn.h"

/*
 * cleanup - how a new message enters the queue (public/cleanup). One call is one message:
 *
 *   client  cleanup_open                         -> cleanup_opened (the queue id)
 *   client  cleanup_envelope, cleanup_recipient any number, cleanup_content any number, cleanup_end;
 *           cleanup_orders at any time behind the envelope; cleanup_milter any number, in order, before the content
 *                                                -> cleanup_result (on disk, or why not)
 *
 * A client that ends the call before cleanup_end has thrown the message away. cleanup may send its result early,
 * as soon as nothing can mend the message; a client that streams content looks now and then with call_has_input
 * and may stop. Content is lines ended by LF, whatever they ended with on the wire, in pieces of any cut; the header
 * comes first. Addresses are in internal (unquoted) form; the empty one is the null sender.
 */
enum cleanup_flag {
    CLEANUP_FLAG_BOUNCE = 1 << 0,        /* on trouble, return the message (pickup); else the client tells its peer */
    CLEANUP_FLAG_FILTER = 1 << 1,        /* header and body checks */
    CLEANUP_FLAG_BCC_OK = 1 << 2,        /* always_bcc and kin */
    CLEANUP_FLAG_MAP_OK = 1 << 3,        /* canonical and virtual maps, masquerading */
    CLEANUP_FLAG_INTERNAL = 1 << 4,      /* made inside (bounce, forward, pickup): may use the journal's reserve */
    CLEANUP_FLAG_EXTRACT = 1 << 5,       /* sendmail -t: recipients from the header too */
    CLEANUP_FLAG_SMTPUTF8 = 1 << 6,      /* the client asked for SMTPUTF8 */
    CLEANUP_FLAG_HOLD = 1 << 7,          /* into hold/ */
    CLEANUP_FLAG_DISCARD = 1 << 8,       /* take and throw away */
    CLEANUP_FLAG_RESENT = 1 << 9,        /* pickup: came back by postsuper -r; no new Message-ID line is logged twice */
    CLEANUP_FLAG_TRACE_VERIFY = 1 << 10, /* sendmail -bv: report on the addresses, deliver nothing */
    CLEANUP_FLAG_TRACE_RECORD = 1 << 11, /* sendmail -v: deliver, and report by mail */
    CLEANUP_FLAG_PROBE = 1 << 13,        /* verify's: goes all the way, and is delivered to nobody */
    CLEANUP_FLAG_MILTERS = 1 << 14,      /* non_smtpd_milters (for mail of an SMTP session: cleanup_milter) */
    CLEANUP_FLAG_AUTOUTF8 = 1 << 12,     /* find out whether SMTPUTF8 is needed; see cleanup_autodetects */
    /* What mail from outside and from local users asks for. */
    CLEANUP_FLAGS_EXTERNAL = CLEANUP_FLAG_FILTER | CLEANUP_FLAG_BCC_OK | CLEANUP_FLAG_MAP_OK,
};

/* What BODY= said, RFC 6152; kept as an attribute for the delivery agents. */
enum body_encoding {
    BODY_ENCODING_UNKNOWN,
    BODY_ENCODING_7BIT,
    BODY_ENCODING_8BIT,
    BODY_ENCODING_FOUND_7BIT, /* to delivery agents alone: nobody said anything, and there is no other byte */
};

enum cleanup_status {
    CLEANUP_OK,
    CLEANUP_BAD,           /* the client broke the protocol, or a bug: 451 4.3.0 queue file write error class */
    CLEANUP_WRITE_ERROR,   /* 451 4.3.0 */
    CLEANUP_NO_SPACE,      /* 452 4.3.1 */
    CLEANUP_TOO_BIG,       /* 552 5.3.4 message file too big */
    CLEANUP_TOO_MANY_HOPS, /* 554 5.4.0 too many hops */
    CLEANUP_REJECTED,      /* content rejected: status and reason say it */
    CLEANUP_DEFERRED,      /* a lookup could not be made: 451 4.3.0 */
    CLEANUP_NO_RECIPIENTS, /* 550 5.1.0 no recipients specified */
    CLEANUP_STOPPED,       /* going down: 421 or 451 */
};

struct cleanup_open {
    uint64_t flags; /* enum cleanup_flag */
};

struct cleanup_opened {
    struct str queue_id; /* empty unless status is CLEANUP_OK */
    uint64_t status;     /* enum cleanup_status: NO_SPACE or WRITE_ERROR when no mail can be taken now */
    struct str reason;
};

struct cleanup_envelope {
    struct instant arrival;
    struct str sender;
    struct str full_name; /* pickup: of the submitting user, for a From: that must be made */
    struct str envid;     /* decoded xtext, or empty */
    uint64_t dsn_return;  /* enum dsn_return */
    uint64_t encoding;    /* enum body_encoding */
    uint64_t size;        /* announced, 0 if not */
    /* name=value with Postfix's names: client_name, client_address, client_port, reverse_client_name, helo_name,
     * protocol_name, rewrite_context (local, remote), log_client_name and kin, log_message_origin, sasl_method, ... */
    struct strlist attributes;
};

struct cleanup_recipient {
    struct str address;
    struct str original;  /* as given before rewriting, for X-Original-To and orig_to=; empty: the address */
    struct str dsn_orcpt; /* type;address, decoded as in RFC 3461 section 4.2; empty if none */
    uint64_t dsn_notify;  /* enum dsn_notify, 0 for default */
};

/* What the client's tables want done with the message; said again, it takes the place of what was said before. */
struct cleanup_orders {
    uint64_t flags;            /* CLEANUP_FLAG_HOLD, CLEANUP_FLAG_DISCARD; added to those of cleanup_open */
    struct str content_filter; /* "transport:nexthop", where the message goes first; empty: as said before */
    struct str redirect;       /* takes the place of all recipients; empty: none does */
    struct strlist copies;     /* more recipients, added to those of earlier orders */
};

/*
 * A milter that the client has asked about everything before the content, lent (milter/milter.h): the client does not
 * speak with it between cleanup_end and cleanup_result, cleanup does not at other times.
 */
struct cleanup_milter {
    int fd;           /* -1: there is no connection */
    struct str state; /* of milter_lend */
};

struct cleanup_content {
    struct str bytes;
};

struct cleanup_end {
    bool is_complete; /* always true; a call that ends without this message is thrown away */
};

/* A recipient of mail that was refused for good and goes back to its sender (CLEANUP_FLAG_BOUNCE). */
struct cleanup_returned {
    struct str address; /* as rewritten and expanded */
    struct str original;
    struct str dsn_orcpt;
    uint64_t dsn_notify;
};

enum { CLEANUP_RETURNED_MAXIMUM = 400 };

struct cleanup_result {
    uint64_t status;    /* enum cleanup_status */
    struct str dsn;     /* enhanced status code that goes with reason, or empty */
    struct str reason;  /* for the peer, without codes; empty: the client's own words for status */
    uint64_t size;      /* bytes of content as queued */
    struct str reply;   /* a milter's words for the peer, code included, lines as in struct milter_verdict; or empty */
    struct str milters; /* milters_conditions of those that were lent */
    /* Of mail that goes back to its sender; no recipients where there are more than the maximum. */
    struct str sender;       /* as rewritten */
    struct records returned; /* struct cleanup_returned */
};

/* The words for what is refused for good, where cleanup has none of its own. */
struct cleanup_refusal {
    enum cleanup_status status;
    const char *dsn;
    const char *text;
};

/* NULL: the mail may be taken later. */
const struct cleanup_refusal *cleanup_refusal_find(uint64_t status, struct str dsn);

extern const struct message_type cleanup_open_message;
extern const struct message_type cleanup_opened_message;
extern const struct message_type cleanup_envelope_message;
extern const struct message_type cleanup_recipient_message;
extern const struct message_type cleanup_orders_message;
extern const struct message_type cleanup_content_message;
extern const struct message_type cleanup_milter_message;
extern const struct message_type cleanup_end_message;
extern const struct message_type cleanup_returned_message;
extern const struct message_type cleanup_result_message;
extern const struct protocol cleanup_protocol;

enum { CLEANUP_CONTENT_MAXIMUM = 32 * 1024 };

/* CLEANUP_FLAG_AUTOUTF8 if smtputf8_autodetect_classes lists this kind of mail ("sendmail", "smtpd", ...), else 0. */
uint64_t cleanup_autodetects(const struct strlist *classes, const char *origin);
/* What sees mail made inside if internal_mail_filter_classes lists this kind ("bounce", "notify"), else 0. */
uint64_t cleanup_filters(const struct strlist *classes, const char *origin);

/*
 * The client's side. Open the call with cleanup_call_open (FAILURE_NO_SPACE: 452, all else 451); then envelope,
 * recipients and content with call_send; cleanup_call_finish sends the end and waits for the result (in arena).
 */
MUST_USE bool cleanup_call_open(struct endpoint *endpoint, uint64_t flags, struct arena *arena, struct duration timeout,
                                struct call **call_out, struct str *queue_id_out, struct failure *why);
/*
 * The same with the envelope and the first recipient, which are on their way before cleanup answers: it wakes once
 * for all three.
 */
struct cleanup_opening {
    uint64_t flags;
    const struct cleanup_envelope *envelope;   /* NULL: sent later */
    const struct cleanup_recipient *recipient; /* NULL: sent later */
};
MUST_USE bool cleanup_call_open_with(struct endpoint *endpoint, const struct cleanup_opening *opening,
                                     struct arena *arena, struct duration timeout, struct call **call_out,
                                     struct str *queue_id_out, struct failure *why);
/* Any length; cut into pieces. */
MUST_USE bool cleanup_call_content(struct call *call, struct str bytes, struct duration timeout, struct failure *why);
MUST_USE bool cleanup_call_finish(struct call *call, struct arena *arena, struct duration timeout,
                                  const struct cleanup_result **result_out, struct failure *why);

#endif
