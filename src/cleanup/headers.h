/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLEANUP_HEADERS_H
#define CLEANUP_HEADERS_H

#include "checks/checks.h"
#include "cleanup/message.h"

/*
 * headers - what happens to each header field on its way in: counted, rewritten, extracted from, dropped; and to
 * those that are missing at the end: made.
 */

/* field: name, colon, value, folds; no last LF. class: whose checks look at it first. */
void headers_take(struct message *message, struct str field, enum checks_class class);
/* Adds what is missing, then what separates header and body. */
void headers_end(struct message *message, struct str separator);

#endif
