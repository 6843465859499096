/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_SITE_MARKS_H
#define QMGR_SITE_MARKS_H

#include "spool/envelope.h"

/*
 * site_marks - eight bytes that tell, for nearly every message, that it has no recipient in a domain, without a look
 * at its file. Two marks a domain (a Bloom filter): "may have" is sometimes wrong, "has not" never is.
 */

/* Of the domains of recipients that are not finished. Never 0, which stands for "not known". */
uint64_t site_marks_of(const struct envelope *envelope);

/* True where marks is 0. site without regard to case. */
bool site_marks_may_have(uint64_t marks, struct str site);

/* The truth: whether a recipient that is not finished is in that domain. */
bool site_has_recipient(const struct envelope *envelope, struct str site);

#endif
