/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MERPATI_LOG_LINES_H
#define MERPATI_LOG_LINES_H

#include "base/str.h"

#include <sys/types.h>

/* log_lines - what is said to the administrator and to the log when the mail system is started or stopped. */

/* "starting the Merpati mail system" */
void log_starting(void);
/* "stopping the Merpati mail system" */
void log_stopping(void);
/* "aborting the Merpati mail system" */
void log_aborting(void);
/* "refreshing the Merpati mail system" */
void log_refreshing(void);
/* What postconf says of a parameter, passed on. */
void log_told(struct str text);
/* "Editing /etc/merpati/master.cf, adding missing entry for tlsmgr/unix service" */
void log_upkeep(const char *path, struct str name, struct str type);
/* "500 of 10000 messages" */
void log_import_progress(size_t done, size_t total);
/* "the Merpati mail system is running: PID: 123"; 0: "... is not running" */
void log_status(pid_t master);
/* What "merpati tls" has done, and what comes next: "New TLS private key and certificate deployed." */
PRINTF_LIKE(1, 2) void log_tls_advice(const char *format, ...);

#endif
