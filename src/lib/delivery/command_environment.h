/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DELIVERY_COMMAND_ENVIRONMENT_H
#define DELIVERY_COMMAND_ENVIRONMENT_H

#include "base/strlist.h"

/*
 * command_environment - what a command finds in its environment: what export_environment's rules say, the system's
 * PATH whatever they say of it, and what the agent adds. Each variable is there once, and what is set last counts.
 *
 * The PATH is also the one along which the command itself is looked for (run/child.h).
 */
struct command_environment {
    struct arena *arena;
    struct strlist variables; /* "NAME=value" */
};

/* All strings live in arena. */
void command_environment_init(struct command_environment *environment, struct arena *arena,
                              const struct strlist *rules);
void command_environment_set(struct command_environment *environment, const char *name, struct str value);
/* For struct child_command; ends with NULL, and does not follow later changes. */
const char *const *command_environment_list(const struct command_environment *environment);

#endif
