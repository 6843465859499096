/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOOL_ENVELOPE_H
#define SPOOL_ENVELOPE_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/strbuf.h"
#include "base/time.h"
#include "mail/dsn.h"
#include "spool/queue_id.h"

/*
 * envelope - all that the queue knows of a message beside its content.
 *
 * Addresses are in internal form ("" is the null sender). Encoded it is a version byte and tagged fields; a
 * reader keeps fields and named attributes that it does not know, so that another build's mail survives a rewrite.
 * A decoded envelope lives in the arena it was decoded into; strings are copied.
 */
enum recipient_status {
    RECIPIENT_PENDING,   /* to be tried: new, or deferred */
    RECIPIENT_DELIVERED, /* finished */
    RECIPIENT_FAILED,    /* will not be tried again, but the sender does not know yet: not finished */
    RECIPIENT_RETURNED,  /* failed and its notification is durable (or nobody wants one): finished */
};

struct envelope_recipient {
    struct str address;      /* where it goes */
    struct str original;     /* what the client or alias said before rewriting: orig_to, X-Original-To; may be empty */
    struct str dsn_original; /* ORCPT as "type;address" (address decoded), empty if none */
    unsigned dsn_notify;     /* enum dsn_notify bits, 0 when not asked */
    enum recipient_status status;
    struct dsn_status dsn; /* of the last attempt */
    struct str reason;     /* of the last attempt, for listings; may be empty */
    struct str unknown;    /* fields of another version, encoded; kept as they are */
};

enum envelope_flag {
    ENVELOPE_HOLD = 1 << 0,            /* goes to hold/ */
    ENVELOPE_INSIDE = 1 << 1,          /* made by the system: bounce, forward, verify probe, pickup */
    ENVELOPE_BODY_8BIT = 1 << 2,       /* BODY=8BITMIME, or the content says so */
    ENVELOPE_SMTPUTF8 = 1 << 3,        /* SMTPUTF8 asked for, or found to be needed */
    ENVELOPE_FILTERED = 1 << 4,        /* came back from the content filter */
    ENVELOPE_DELAY_WARNED = 1 << 5,    /* the sender was told of the delay */
    ENVELOPE_TRACE_VERIFY = 1 << 6,    /* sendmail -bv: report, do not deliver */
    ENVELOPE_TRACE_RECORD = 1 << 7,    /* sendmail -v: deliver and report */
    ENVELOPE_SMTPUTF8_HEADER = 1 << 8, /* the header has UTF-8: a next hop needs SMTPUTF8 for it */
    ENVELOPE_PROBE = 1 << 9,           /* address verification probe */
    ENVELOPE_FORCE_EXPIRED = 1 << 10,  /* postsuper -e or -f: to be returned at the next attempt */
    ENVELOPE_BODY_7BIT = 1 << 11,      /* BODY=7BIT */
    ENVELOPE_FIRST_TOLD = 1 << 12,     /* what is told of the first attempt alone: aliases, sendmail -v and -bv */
};

/* Rewriting context of the message's headers. */
enum envelope_rewrite {
    ENVELOPE_REWRITE_LOCAL,
    ENVELOPE_REWRITE_REMOTE,
};

struct envelope_attribute {
    struct str name;
    struct str value;
};

struct envelope {
    struct queue_id id;
    struct instant arrival;
    struct str sender;
    struct str dsn_envid; /* decoded */
    enum dsn_return dsn_return;
    unsigned flags; /* enum envelope_flag */
    enum envelope_rewrite rewrite;
    unsigned hop_count;
    uint64_t content_size;  /* bytes of content with LF line ends, as stored */
    uint64_t content_lines; /* line ends in it; 0 in what older builds wrote */

    /* Where it came from: for the Received line, XFORWARD, policy and logs. Empty when unknown. */
    struct str client_name; /* confirmed name or "unknown" */
    struct str client_address;
    struct str client_port;
    struct str client_reverse_name;
    struct str helo;
    struct str protocol; /* SMTP, ESMTP, ESMTPS... */
    struct str log_ident;
    struct str log_client_name; /* the log_* ones are the original client's when XFORWARD said so */
    struct str log_client_address;
    struct str log_client_port;
    struct str log_helo;
    struct str log_protocol;
    struct str sasl_method;
    struct str sasl_username;
    struct str sasl_sender;

    struct str content_filter; /* transport:nexthop, empty for none */
    struct str message_id;     /* as in the header, for the log and for notifications */
    struct str encoding;       /* body encoding found: "7bit", "8bit" or empty */

    struct envelope_recipient *recipients;
    size_t recipient_count;
    size_t recipient_capacity;

    /* What else: "name" is the owner's choice, without NUL; order is kept, names may repeat. */
    struct envelope_attribute *attributes;
    size_t attribute_count;
    size_t attribute_capacity;

    struct str unknown; /* fields of another version, encoded; kept as they are */
};

enum {
    ENVELOPE_VERSION = 1,
    ENVELOPE_MAXIMUM = 256 * 1024 * 1024, /* bytes encoded */
    ENVELOPE_STRING_MAXIMUM = 64 * 1024,  /* bytes of one string */
};

/* Adds a pending recipient and returns it; valid until the next add. Strings are copied into the arena. */
struct envelope_recipient *envelope_add_recipient(struct envelope *envelope, struct arena *arena, struct str address,
                                                  struct str original, struct str dsn_original, unsigned dsn_notify);
void envelope_add_attribute(struct envelope *envelope, struct arena *arena, struct str name, struct str value);
/* Bytes of content as SMTP sends it, lines ended by CR LF: what size= and SIZE= tell (RFC 1870 section 5). */
uint64_t envelope_wire_size(const struct envelope *envelope);
/* The first of that name, or the empty string. */
struct str envelope_attribute(const struct envelope *envelope, struct str name);

/*
 * The parts that queue files keep apart: all but the recipients, and recipients from..from+count-1. Decoding
 * recipients adds them to those that are there. Failures as below.
 */
MUST_USE bool envelope_encode_head(const struct envelope *envelope, struct strbuf *out, struct failure *why);
MUST_USE bool envelope_encode_recipients(const struct envelope *envelope, size_t from, size_t count, struct strbuf *out,
                                         struct failure *why);
MUST_USE bool envelope_decode_recipients(struct str bytes, struct arena *arena, struct envelope *envelope,
                                         struct failure *why);

/* Appends version and fields. False only when out's maximum or a string's is passed. */
MUST_USE bool envelope_encode(const struct envelope *envelope, struct strbuf *out, struct failure *why);
/* All of bytes must be one envelope. FAILURE_PERMANENT when it is not, or is of a newer version. */
MUST_USE bool envelope_decode(struct str bytes, struct arena *arena, struct envelope *envelope_out,
                              struct failure *why);

#endif
