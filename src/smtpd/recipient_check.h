/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_RECIPIENT_CHECK_H
#define SMTPD_RECIPIENT_CHECK_H

#include "smtpd/restriction.h"

/*
 * recipient_check - whether an address exists, as far as the tables of its domain's class know. What they do not
 * know is refused at RCPT, before the message comes, so that no bounce has to be made of it later.
 */

/* Where check's recipient leads. DUNNO with the destination, or REJECT when it cannot be told now. */
enum verdict recipient_check_resolve(struct check *check, const struct destination **destination_out);

/*
 * Whether there is a recipient for a restriction to judge, and where it leads. False: there is none, or it cannot be
 * told now, or nothing about it is left to ask; *verdict_out is then the restriction's.
 */
MUST_USE bool recipient_check_is_due(struct check *check, const struct destination **destination_out,
                                     enum verdict *verdict_out);

/* Refuses with "User unknown in ..." what no table knows, and what is routed to error: or retry:. */
enum verdict recipient_check_recipient(struct check *check);
enum verdict recipient_check_sender(struct check *check);

#endif
