/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MERPATI_INSTANCE_H
#define MERPATI_INSTANCE_H

#include "config/main_cf.h"
#include "config/shared_settings.h"

#include <stdbool.h>

#include <sys/types.h>

/* instance - the mail system that the command is about: its configuration, and whether its master runs. */
struct instance_options {
    struct str directory; /* -c, empty if there was none */
    unsigned verbose;     /* -v, for master */
    bool is_debugged;     /* -D, for master */
};

struct instance {
    const struct instance_options *options;
    struct arena *arena;
    struct str directory; /* of the configuration */
    struct main_cf *main_cf;
    const struct shared_settings *shared; /* NULL only in a check */
};

/*
 * Values that are no good leave shared NULL, with the reason in *trouble: only "check" goes on then. What cannot be
 * read at all is a failure. options must outlive the instance.
 */
MUST_USE bool instance_load(struct instance *instance, struct arena *arena, const struct instance_options *options,
                            struct failure *trouble, struct failure *why);

/*
 * The command of multi_instance_wrapper, if this is the primary instance of several and nobody said which one is meant
 * (by -c or MAIL_CONFIG); else empty.
 */
MUST_USE bool instance_find_manager(const struct instance *instance, struct str *command_out, struct failure *why);
/* What a manager of instances is told: config_directory, command_directory and daemon_directory, as variables. */
MUST_USE bool instance_set_environment(const struct instance *instance, struct failure *why);

/* Has postconf write "name=value" into main.cf; what is in memory stays as it is. */
MUST_USE bool instance_edit(const struct instance *instance, const struct strlist *assignments, struct failure *why);

/* Another command of ours: the one beside this program, else the one in command_directory. */
const char *instance_command(const struct instance *instance, const char *name);

/* The process id of the master that holds the queue's lock; 0 if none does. */
MUST_USE bool instance_find_master(const struct instance *instance, pid_t *pid_out, struct failure *why);

/*
 * Whether daemon_directory holds Merpati's programs. A main.cf that came from elsewhere may name the directory of
 * another mail system, whose programs must not be started with this queue.
 */
MUST_USE bool instance_has_programs(const struct instance *instance, struct failure *why);

#endif
