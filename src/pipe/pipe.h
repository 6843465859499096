/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PIPE_PIPE_H
#define PIPE_PIPE_H

#include "delivery/agent.h"
#include "delivery/command_attributes.h"
#include "delivery/rights.h"
#include "pipe/settings.h"

/*
 * pipe - what one process of the delivery agent has for its whole life. A line of master.cf that is of no use (an
 * unknown flag, say) does not end the process: its mail waits, with the reason, until the line is mended.
 */
struct pipe {
    struct loop *loop;
    const struct pipe_settings *settings;
    const struct shared_settings *shared;
    struct str service; /* as in master.cf */
    struct command_attributes attributes;
    bool is_usable;
    struct failure fault;              /* why not */
    struct rights rights;              /* of user= */
    struct instant rights_known_until; /* then they are looked up again */
};

/* Reports every recipient. */
void pipe_deliver(struct pipe *pipe, struct delivery *delivery);

#endif
