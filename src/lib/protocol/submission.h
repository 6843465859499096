/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTOCOL_SUBMISSION_H
#define PROTOCOL_SUBMISSION_H

#include "ipc/message.h"

/*
 * submission - what sendmail (and smtpd -S) write to the standard input of postdrop: one message.
 *
 * The wishes as one encoded struct submission, then content, each in pieces: a length of 4 bytes, big-endian, and
 * so many bytes; a piece of length 0 ends the content. An input that ends before is no message: postdrop throws it
 * away, so that a sendmail that dies half-way submits nothing.
 */
struct submission {
    struct str sender;    /* internal form */
    struct str full_name; /* for a From header that must be made */
    struct str envid;
    struct str dsn_return;      /* FULL, HDRS or empty */
    struct str dsn_notify;      /* as in RCPT, or empty */
    struct str verp_delimiters; /* two bytes, or empty */
    struct str encoding;        /* 7bit, 8bit or empty */
    bool wants_extraction;
    bool wants_verify_report;
    bool wants_delivery_report;
    bool wants_smtputf8;
    bool is_relayed;           /* another system's mail: its header is left alone */
    struct strlist recipients; /* internal form */
};

extern const struct message_type submission_message;

enum { SUBMISSION_PIECE_MAXIMUM = 64 * 1024, SUBMISSION_WISHES_MAXIMUM = 16 * 1024 * 1024 };

/* The length in front of a piece. */
void submission_put_length(unsigned char bytes[4], size_t len);
size_t submission_get_length(const unsigned char bytes[4]);

#endif
