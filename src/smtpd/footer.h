/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_FOOTER_H
#define SMTPD_FOOTER_H

#include "base/str.h"

struct session;

/*
 * footer - what becomes of a refusal on its way out: smtpd_reject_filter_maps replace it, smtpd_reject_footer_maps or
 * smtpd_reject_footer add to it. The result is in the command's arena; text itself where nothing is set. The log has
 * the refusal as it was.
 */
struct str footer_add(struct session *session, struct str text);

#endif
