/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MASTER_LOG_LINES_H
#define MASTER_LOG_LINES_H

#include "base/time.h"
#include "master/service.h"

/* log_lines - each line that master writes, in the words of Postfix where it has such a line. */

void log_daemon_started(const struct configuration *configuration);
void log_reload(const struct configuration *configuration);
void log_terminating(int signal_number);
/* program: the whole path. */
void log_process_failed(const char *program, pid_t pid, int status);
void log_bad_startup(const char *program);
void log_throttled(const char *program, const struct service *service, struct duration pause);
void log_not_built(const struct service *service);
void log_refused(const struct service *service);
void log_done_elsewhere(const struct service *service);
void log_process_limit(const struct service *service, unsigned limit);
/* A port that was in use at the reload is free. */
void log_listens_now(const struct service *service);
void log_stress(const struct service *service, bool is_stressed);
void log_process_stuck(const struct service *service, pid_t pid);

#endif
