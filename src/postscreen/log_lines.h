/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTSCREEN_LOG_LINES_H
#define POSTSCREEN_LOG_LINES_H

#include "base/str.h"
#include "base/time.h"

struct client;

/* log_lines - the lines that postscreen writes, each by one function. CLIENT is "[192.0.2.1]:2525". */

/* "CONNECT from CLIENT to [192.0.2.2]:25" */
void log_connect(const struct client *client);
/* "DISCONNECT CLIENT" */
void log_disconnect(const struct client *client);
/* "ALLOWLISTED CLIENT", "DENYLISTED CLIENT", or as it was said before */
void log_access(const struct client *client, bool is_permitted);
/* "ALLOWLIST VETO CLIENT" */
void log_veto(const struct client *client);
/* "PASS NEW CLIENT", "PASS OLD CLIENT" */
void log_pass(const struct client *client);
/* "PREGREET 12 after 0.22 from CLIENT: EHLO early\r\n" */
void log_pregreet(const struct client *client, size_t count, struct str text);
/* "HANGUP after 0.22 from CLIENT in tests before SMTP handshake" */
void log_hangup(const struct client *client);
/* "DNSBL rank 3 for CLIENT" */
void log_rank(const struct client *client, int score);
/* "BARE NEWLINE from CLIENT after EHLO x" */
void log_bare_newline(const struct client *client, struct str line);
/* "NON-SMTP COMMAND from CLIENT after CONNECT: GET / HTTP/1.0" */
void log_non_smtp_command(const struct client *client, struct str line);
/* "COMMAND PIPELINING from CLIENT after MAIL: RCPT TO:<b@x.test>\r\n" */
void log_command_replaced(const struct client *client, struct str line, struct str replacement);
void log_pipelining(const struct client *client, struct str verb, struct str text);
/* "COMMAND TIME LIMIT from CLIENT after CONNECT", "COMMAND COUNT LIMIT ...", "COMMAND LENGTH LIMIT ..." */
void log_command_limit(const struct client *client, const char *which);
/* "DATA without valid RCPT from CLIENT" */
void log_no_recipient(const struct client *client, const char *verb);
/* "NOQUEUE: reject: RCPT from CLIENT: 450 4.3.2 ...; from=<>, to=<>, proto=ESMTP, helo=<>" */
void log_reject(const struct client *client, struct str reply, struct str recipient);
/* "NOQUEUE: reject: CONNECT from CLIENT: too many connections" */
void log_too_many(const struct client *client);
/* "reject: connect from CLIENT: all screening ports busy" */
void log_busy(const struct client *client, const char *what);
/* "entering STRESS mode with 9 connections", "leaving STRESS mode with 7 connections" */
void log_stress(bool is_entered, size_t count);
/* "warning: cidr:/x: unknown command: foo -- ignoring the remainder of this access list" */
void log_unknown_access(struct str name, struct str word);
/* "warning: cidr:/x: table lookup problem: REASON -- ignoring the remainder of this access list" */
void log_access_trouble(struct str name, const char *reason);
/* "warning: TITLE: table lookup problem: REASON" */
void log_table_trouble(struct str title, const char *reason);
/* "warning: cannot hand CLIENT over to private/smtpd: REASON" */
void log_not_handed(const struct client *client, const char *path, const char *reason);
/* "warning: no answer from dnsblog about CLIENT: REASON", "warning: no answer from tlsproxy about CLIENT: REASON" */
void log_no_answer(const struct client *client, const char *service, const char *reason);
/* "warning: haproxy read: EOF" */
void log_proxy_trouble(const char *problem, struct str input);
/* "warning: TEXT": of tables and the cache */
void log_problem(const char *text);
/* "cache NAME full cleanup: retained=1 dropped=2 entries" */
void log_cache_cleaned(struct str name, bool is_partial, size_t retained, size_t dropped);

#endif
