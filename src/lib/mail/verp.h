/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_VERP_H
#define MAIL_VERP_H

#include "base/strbuf.h"

/*
 * verp - variable envelope return paths: each recipient's copy has a sender of its own, so that what comes back tells
 * whom it was for. With "+=", owner@origin and user@domain make owner+user=domain@origin.
 *
 * Two delimiters stand for the wish: as a message's attribute of this name, and in XVERP=.
 */
#define VERP_ATTRIBUTE "verp_delimiters"

/* Two bytes, both of filter (verp_delimiter_filter). */
bool verp_delimiters_are_good(struct str delimiters, struct str filter);

/* Appends the sender for this recipient; both in internal form. As struct strbuf's appends. */
bool verp_append_sender(struct strbuf *out, struct str sender, struct str delimiters, struct str recipient);

#endif
