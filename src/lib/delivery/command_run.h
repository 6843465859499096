/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DELIVERY_COMMAND_RUN_H
#define DELIVERY_COMMAND_RUN_H

#include "run/child.h"

/*
 * command_run - runs a command that reads a message, or what is made of one, from its standard input.
 *
 * feed writes it, in a fiber of its own. A command that stops reading has read enough: that is no failure. A message
 * that cannot be read to its end is: the command is killed before it could take half of one for the whole.
 */
struct stream;

struct command_feed {
    /* False only if the message cannot be read. An error of input itself is to be taken for its end. */
    bool (*write)(struct stream *input, void *context, struct failure *why);
    void *context;
};

/* command's input and pid are set here. False if it could not be started, or fed. */
MUST_USE bool command_run(struct loop *loop, struct child_command *command, const struct command_feed *feed,
                          struct arena *arena, struct child_result *result_out, struct failure *why);

#endif
