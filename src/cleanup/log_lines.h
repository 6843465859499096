/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLEANUP_LOG_LINES_H
#define CLEANUP_LOG_LINES_H

#include "base/str.h"

/* log_lines - the lines that cleanup writes about a message, in Postfix's words. One function a line. */

/* "ABC: message-id=<x@y>", or "resent-message-id=". id is as in the header, "<>" when there is none. */
void log_message_id(struct str queue_id, bool is_resent, struct str id);
/* "ABC: canonical_maps map lookup problem for x@y -- message not accepted, try again later", after a line with the
 * reason. */
void log_map_problem(struct str queue_id, struct str maps, struct str address, struct str reason);
/* "ABC: unreasonable virtual_alias_maps WHAT for x@y -- message not accepted, try again later" */
void log_map_unreasonable(struct str queue_id, struct str maps, const char *what, struct str address);
void log_map_long_result(struct str queue_id, struct str maps, struct str result);
/* "ABC: sender_bcc_maps map lookup problem -- message not accepted, try again later", after the reason */
void log_copy_problem(struct str queue_id, struct str maps, struct str reason);
/* "ABC: multi-valued canonical_maps entry for x@y" */
void log_map_many(struct str queue_id, struct str maps, struct str address);
/* Where a message comes from, for lines about its content; what is empty is left out. */
struct log_origin {
    struct str client; /* "name[address]", or "local" */
    struct str sender;
    struct str recipient; /* the last one so far */
    struct str protocol;
    struct str helo;
};
/* "ABC: reject: header Subject: x from client[addr]; from=<> to=<> proto=ESMTP helo=<x>: words". context: "header",
 * "body", "content". words: empty for none. */
void log_inspection(struct str queue_id, const char *action, const char *context, struct str text,
                    const struct log_origin *origin, struct str words);
/* "ABC: reject: mime-error REASON: TEXT from client[addr]; from=<> to=<>" */
void log_mime_error(struct str queue_id, struct str reason, struct str text, const struct log_origin *origin);
/* "ABC: header_checks map lookup problem -- message not accepted, try again later", after a line with the reason */
void log_checks_problem(struct str queue_id, struct str maps, struct str reason);
/* "unknown command in header_checks map: X", and what else is wrong with a rule */
void log_bad_rule(struct str complaint);
/* "ABC: message rejected: hopcount exceeded" */
void log_too_many_hops(struct str queue_id);
/* "ABC: address rewriting problem: reason" */
void log_rewrite_problem(struct str queue_id, const char *reason);
/* "ABC: write queue file: reason" */
void log_write_problem(struct str queue_id, const char *reason);
/* "error: the queue's disk fails, no mail is taken: REASON" */
void log_disk_fails(const char *reason);
/* "the queue's disk works again: WHICH" */
void log_disk_works(const char *which);

/* "ABC: milter-reject: END-OF-MESSAGE from client[addr]: words; from=<> to=<> proto=ESMTP helo=<x>". action: "reject",
 * "discard", "hold". */
void log_milter_action(struct str queue_id, const char *action, const char *stage, const struct log_origin *origin,
                       struct str words);
/* What a milter asks for and cannot have. */
void log_milter_many_senders(struct str queue_id, struct str address);
void log_milter_many_recipients(struct str queue_id, struct str address);
void log_milter_bad_sender_argument(struct str argument);
void log_milter_bad_argument(struct str queue_id, const char *name, struct str argument);
void log_milter_ignored_argument(struct str queue_id, struct str argument);
void log_milter_null_recipient(struct str queue_id);
/* Two warnings: there is nobody to tell that a recipient of mail without a session was refused. */
void log_milter_refuses_recipient(struct str queue_id);

#endif
