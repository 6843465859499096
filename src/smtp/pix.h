/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_PIX_H
#define SMTP_PIX_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/strlist.h"
#include "base/time.h"

/*
 * pix - what is done for servers behind a firewall that meddles with SMTP ("smtp fixup"): it is known by its greeting
 * of asterisks, takes no EHLO, and loses a final dot that comes in the same packet as the content's end.
 */
enum pix_workaround {
    PIX_DISABLE_ESMTP = 1 << 0, /* HELO instead of EHLO */
    PIX_DELAY_DOTCRLF = 1 << 1, /* the final dot comes later, and by itself */
};

/* text: of the greeting, without its code. */
bool pix_is_greeting(struct str text);

/* Those that apply to a message of this age: not every firewall loses the dot, so a new one goes as always. */
unsigned pix_for_message(unsigned workarounds, struct duration age, struct duration threshold);

/* The workarounds named in a list; in any case. False names the word that is none. */
MUST_USE bool pix_parse(const struct strlist *words, unsigned *workarounds_out, struct failure *why);

/* "disable_esmtp delay_dotcrlf" */
struct str pix_format(unsigned workarounds, struct arena *arena);

#endif
