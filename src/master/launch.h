/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MASTER_LAUNCH_H
#define MASTER_LAUNCH_H

#include "master/supervisor.h"

/* launch - starts one process of a service as daemon/master_protocol.h says. */

/* "/usr/libexec/merpati/smtpd", in the given space. */
const char *launch_program_path(const struct configuration *configuration, const struct master_service *entry,
                                char *path, size_t size);
MUST_USE bool launch(struct supervisor *supervisor, struct service *service, struct failure *why);

#endif
