/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTMULTI_PROGRAMS_H
#define POSTMULTI_PROGRAMS_H

#include "postmulti/family.h"

/* programs - running commands for an instance, with our input and output, one after the other. */

/* The variables that say which instance is meant: MAIL_CONFIG, config_directory, queue_directory ... */
MUST_USE bool programs_set_environment(const struct member *member, unsigned verbose, struct failure *why);
/* The one beside this program, else the one in command_directory. */
char *programs_path(const struct member *member, struct arena *arena, const char *name);
/* words: NULL-terminated, searched in PATH. The exit status; a command that cannot be started or dies is logged, 1. */
int programs_run(char *const *words);
/* "postconf -c directory -e name=value ...". */
MUST_USE bool programs_edit(const struct member *member, struct arena *arena, const struct strlist *assignments,
                            struct failure *why);

#endif
