/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DELIVERY_MESSAGE_FLAGS_H
#define DELIVERY_MESSAGE_FLAGS_H

#include "base/failure.h"
#include "base/strbuf.h"
#include "base/strlist.h"

#include <stdbool.h>

/*
 * message_flags - what flags= in master.cf makes of messages that are delivered: headers before them, and the end of
 * mail that goes in circles. pipe has more flags; smtp and lmtp have D, O, R and X alone. Flags are those of enum
 * command_flag.
 */
struct deliver_recipient;
struct delivery;

/* The words that follow smtp's or lmtp's options. */
MUST_USE bool message_flags_parse(const struct strlist *words, unsigned *flags_out, struct failure *why);

/*
 * Headers for one recipient want it alone, and D ends loops: false if the delivery may begin, else all has been
 * reported. who: "pipe " or "", before the words in the log; service: in reports.
 */
bool message_flags_end_delivery(struct delivery *delivery, unsigned flags, const char *who, struct str service);

/* In external form, on a line of its own: what a sender put into an address cannot end that. */
void message_flags_append_address(struct strbuf *out, struct str address);

/* Return-Path, X-Original-To and Delivered-To, as far as flags say, each ended by eol. Only O and D ask for the
 * recipient. */
void message_flags_append_headers(struct strbuf *out, unsigned flags, struct str sender,
                                  const struct deliver_recipient *recipient, struct str eol);

#endif
