/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MERPATI_LOG_ROTATION_H
#define MERPATI_LOG_ROTATION_H

#include "merpati/instance.h"

/*
 * log_rotation - "merpati logrotate": maillog_file gets maillog_file_rotate_suffix behind its name, a reload has
 * postlogd begin a new one, and when the old one has its last line, maillog_file_compressor gets it. No line is lost.
 * Returns the exit status of the command; where that is not 0 and the reload was refused, the log is as it was.
 */
int log_rotate(const struct instance *instance);

#endif
