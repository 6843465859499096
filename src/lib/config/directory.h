/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_DIRECTORY_H
#define CONFIG_DIRECTORY_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/str.h"

/*
 * directory - which configuration directory a program uses, and the rule for programs that run set-gid.
 *
 * The order is: option -c, MAIL_CONFIG in the environment, the default. A program that runs set-gid (or
 * set-uid) takes another than the default only if the default one's main.cf lists it in
 * alternate_config_directories or multi_instance_directories.
 */
#ifndef MERPATI_CONFIG_DIRECTORY
#define MERPATI_CONFIG_DIRECTORY "/etc/merpati"
#endif

/* option is the argument of -c or -C, empty if there was none. FAILURE_CONFIGURATION if it may not be used. */
MUST_USE bool config_directory_find(struct str option, struct arena *arena, struct str *directory_out,
                                    struct failure *why);
/* True if the process has more rights than who started it. */
bool config_directory_is_set_gid(void);

#endif
