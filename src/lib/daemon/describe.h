/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_DESCRIBE_H
#define DAEMON_DESCRIBE_H

#include "base/strbuf.h"
#include "daemon/daemon.h"

/*
 * describe - a program's descriptor as one line of tab-separated fields, for the reference and for tests: name, shape,
 * user, seccomp profile, the services it may call. "PROGRAM --describe" prints it and does nothing else.
 */
void describe_program(const struct daemon_program *program, struct strbuf *out);

#endif
