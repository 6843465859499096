/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_ANSWER_H
#define SMTPD_ANSWER_H

#include "base/compiler.h"
#include "base/str.h"

struct arena;
struct session;

/*
 * answer - the one way to reply to a client. It counts errors, delays the replies to clients that make many, adds
 * the footer, turns 5xx into 4xx under soft_bounce, and ends the session after 421 and 521. A stream that fails
 * ends the session; callers need not look.
 */

/* text: "250 2.1.0 Ok", one line without CR LF at its end. Control bytes in it are sent as blanks. */
void answer_send(struct session *session, struct str text);
PRINTF_LIKE(2, 3) void answer(struct session *session, const char *format, ...);

/* "334 " and the challenge, in base64: neither footers nor transcripts have a say in it. */
void answer_challenge(struct session *session, struct str challenge);

/* text of several lines, all but the last with '-' after the code and LF at the end. Nothing foreign may be in it. */
void answer_send_lines(struct session *session, struct str text);

/* As answer_send, for a 4xx that is not the client's mistake and does not count as an error. */
void answer_send_uncounted(struct session *session, struct str text);

/* Sends session->kept_refusal, which has been through all of the above. */
void answer_kept(struct session *session);

/* In arena, control bytes replaced: what tables, servers and clients say must not become a reply of its own. */
struct str answer_tame(struct arena *arena, struct str text, char instead);

/* Appends in arena to text what soft_bounce makes of it: 554 5.7.1 becomes 454 4.7.1. */
struct str answer_soften(const struct session *session, struct arena *arena, struct str text);

#endif
