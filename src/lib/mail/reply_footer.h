/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_REPLY_FOOTER_H
#define MAIL_REPLY_FOOTER_H

#include "base/arena.h"
#include "base/strbuf.h"
#include "base/time.h"

/*
 * reply_footer - text that is added to a refusal (smtpd_reject_footer and its kin): further lines of it, split at the
 * two bytes "\n", or with "\c" before it the end of its line. $name and ${name} stand for what the caller knows.
 */

/* Appends what the name stands for, if it stands for anything. */
typedef void reply_footer_name(void *context, struct str name, struct strbuf *out);

/* text: one line. In arena, with LF between lines; text itself where template is empty, or the result too long. */
struct str reply_footer_add(struct str text, struct str template, reply_footer_name *append_named, void *context,
                            struct arena *arena);

/* Text from the client: what is not printable must not shape the reply. */
void reply_footer_append_tame(struct strbuf *out, struct str text);
/* "Jan  2 03:04:05" */
void reply_footer_append_time(struct strbuf *out, struct instant now);

#endif
