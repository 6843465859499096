/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_SERVICE_LINES_H
#define CONFIG_SERVICE_LINES_H

#include "base/failure.h"
#include "config/master_cf.h"
#include "config/shared_settings.h"

/*
 * service_lines - whether the lines of master.cf can be acted on: asked by commands before they tell master of a
 * change, and by master before it lets go of what is in force. Programs that Merpati does not start are passed over.
 */

/* Host, port and command line. The failure names file, line and service. */
MUST_USE bool service_line_is_sound(const struct shared_settings *shared, const struct master_service *service,
                                    struct failure *why);
/* Each of them, and no two listen at one place. */
MUST_USE bool service_lines_are_sound(const struct shared_settings *shared, const struct master_service *services,
                                      size_t count, struct failure *why);

#endif
