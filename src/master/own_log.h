/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MASTER_OWN_LOG_H
#define MASTER_OWN_LOG_H

#include "base/compiler.h"
#include "base/failure.h"
#include "master/configuration.h"

/* own_log - where master's own lines go: as the configuration says, at the start and after each reload. */

/* to_stderr: on the terminal too. On failure (an unknown syslog_facility) they go where they went before. */
MUST_USE bool own_log_open(const struct configuration *configuration, bool to_stderr, struct failure *why);

#endif
