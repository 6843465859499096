/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_ARGUMENTS_H
#define DAEMON_ARGUMENTS_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/strlist.h"

/* arguments - what master tells a process on its command line (see master_protocol.h). */
enum daemon_transport {
    DAEMON_TRANSPORT_INET,
    DAEMON_TRANSPORT_UNIX,
    DAEMON_TRANSPORT_FIFO,
    DAEMON_TRANSPORT_PASS,
    DAEMON_TRANSPORT_DATAGRAM,
};

struct daemon_arguments {
    const char *service;
    enum daemon_transport transport;
    bool is_chrooted;
    bool is_unprivileged;
    bool is_standalone; /* -S: one session on standard input and output, no master, no jail */
    unsigned socket_count;
    unsigned verbose;
    bool is_debugged;         /* -D: debugger_command is run first */
    struct strlist overrides; /* "name=value" */
    struct strlist rest;
};

/* Options that Postfix's master gives and that have no meaning here are taken and left alone. */
MUST_USE bool daemon_arguments_parse(int argc, char **argv, const char *program, struct arena *arena,
                                     struct daemon_arguments *arguments_out, struct failure *why);

#endif
