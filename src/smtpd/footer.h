/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_FOOTER_H
#define SMTPD_FOOTER_H

#include "base/str.h"

struct session;

/* footer - smtpd_reject_footer: text with it added, in the command's arena; text itself where none is set. */
struct str footer_add(struct session *session, struct str text);

#endif
