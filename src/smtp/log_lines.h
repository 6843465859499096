/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_LOG_LINES_H
#define SMTP_LOG_LINES_H

#include "base/str.h"

/* log_lines - what only the SMTP client writes, as Postfix has it; a recipient's line is delivery's. */

/* connect to mx.example.com[192.0.2.1]:25: Connection refused */
void smtp_log_connect_failed(struct str text);
/* warning: smtp_connect_addr: bind 192.0.2.1: Cannot assign requested address */
void smtp_log_bind_failed(struct str address, const char *reason);
/* 98AC3161ABF: host mx.example.com[192.0.2.1] said: 450 4.2.0 Later (in reply to RCPT TO command) */
void smtp_log_host_failed(struct str queue_id, struct str text);
/* warning: host mx.example.com[192.0.2.1]:25 greeted me with my own hostname mail.example.com */
void smtp_log_greeted_with_own_name(struct str host, struct str name);
/* warning: host mx.example.com[192.0.2.1]:25 replied to HELO/EHLO with my own hostname mail.example.com */
void smtp_log_helo_with_own_name(struct str host, struct str name);
/* warning: non-ESMTP response from mx.example.com[192.0.2.1]:25: garbage */
void smtp_log_strange_reply(struct str host, struct str text);
/* warning: no MX host for example.com has a valid address record */
void smtp_log_no_mx_address(struct str domain);
/* warning: 98AC3161ABF: the message could not be read: ... */
void smtp_log_unreadable(struct str queue_id, const char *reason);
void smtp_log_not_mapped(struct str queue_id, const char *reason);

#endif
