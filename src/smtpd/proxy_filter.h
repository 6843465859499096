/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_PROXY_FILTER_H
#define SMTPD_PROXY_FILTER_H

#include "base/failure.h"
#include "base/str.h"

struct proxy_filter;
struct proxy_service;
struct session;
struct smtpd;

/*
 * proxy_filter - smtpd_proxy_filter: a transaction is handed to a program that speaks SMTP while the client waits,
 * instead of to cleanup; docs/filters.md has its states and guarantees.
 *
 * Where a call returns false the filter, or trouble with it, has refused, the log has it, and reply_out is what the
 * client is told: lines without their ends, LF between them, in the command's arena; for answer_send_lines. All calls
 * may wait, but for those that say otherwise.
 */

/* Before the jail. Leaves smtpd->proxy NULL where no filter is set. */
MUST_USE bool proxy_service_open(struct smtpd *smtpd, struct failure *why);
/* In the jail. */
void proxy_service_start(struct smtpd *smtpd);
/* Waits for goodbyes that are under way. */
void proxy_service_stop(struct smtpd *smtpd);

/* Whether transactions go to a filter. Does not wait. */
bool proxy_filter_is_set(const struct session *session);

/* MAIL was accepted: its line is remembered. Does not wait. */
void proxy_filter_begin(struct session *session);
/* smtpd_delay_open_until_valid_rcpt = no: the filter is asked at MAIL. */
MUST_USE bool proxy_filter_open_early(struct session *session, struct str *reply_out);
/* session->line is a RCPT that nothing here is against. */
MUST_USE bool proxy_filter_add_recipient(struct session *session, struct str shown, struct str *reply_out);
/* The client may send its message. */
MUST_USE bool proxy_filter_begin_content(struct session *session, struct str *reply_out);
/* bytes: lines ended by LF, of any cut. False: the filter has failed or there is no room; why is logged. */
MUST_USE bool proxy_filter_write(struct session *session, struct str bytes, struct failure *why);
/* The message is whole. True: the filter has it; reply_out is set in any case, and logged. */
bool proxy_filter_finish(struct session *session, struct str *reply_out);
/* The message was refused here at its end, in these words. Does not wait. */
void proxy_filter_log_refusal(struct session *session, struct str reply);

/* The filter gets no end of its content, if it is in there; else a goodbye. Leaves *proxy NULL; NULL is fine. */
void proxy_filter_end(struct proxy_filter **proxy);

#endif
