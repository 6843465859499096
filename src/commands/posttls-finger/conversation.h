/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTTLS_FINGER_CONVERSATION_H
#define POSTTLS_FINGER_CONVERSATION_H

#include "base/arena.h"
#include "base/failure.h"
#include "mail/smtp_reply.h"
#include "posttls-finger/options.h"

/* conversation - SMTP or LMTP with one server as far as STARTTLS needs it, printed unless -c asks for silence. */
struct stream;

struct conversation {
    struct stream *stream; /* owned */
    struct arena *arena;
    const struct finger_options *options;
    struct str peer; /* "mx.example.com[192.0.2.1]:25" */
    struct str own_name;
    struct smtp_reply reply; /* the last one */
};

/* Owns the stream from here on. */
void conversation_begin(struct conversation *conversation, struct stream *stream);
void conversation_end(struct conversation *conversation);

/* False: why, and nothing more can be said. A reply that is none is code 0. */
MUST_USE bool conversation_read(struct conversation *conversation, struct duration timeout, struct failure *why);
/* Sends the words and reads the answer. */
MUST_USE bool conversation_ask(struct conversation *conversation, struct str words, struct failure *why);
/* "lost connection while sending EHLO" */
void conversation_tell_lost(const struct failure *why, const char *doing);
/* EHLO or LHLO. False: it was refused, or the connection is lost; that has been said. */
MUST_USE bool conversation_introduce(struct conversation *conversation, bool *offers_tls_out);
/* The server's name for itself, of its answer to EHLO. */
struct str conversation_server_name(const struct conversation *conversation, struct arena *arena);

#endif
