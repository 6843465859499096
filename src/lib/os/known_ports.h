/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OS_KNOWN_PORTS_H
#define OS_KNOWN_PORTS_H

#include "base/compiler.h"
#include "base/failure.h"
#include "base/str.h"

/*
 * known_ports - names of TCP ports that need no /etc/services, which a jail or a small container does not have:
 * known_tcp_ports. One list for the process, set when its configuration is read.
 */

/* "lmtp=24, smtps=submissions=465". False with what is wrong with it: the list stays what it was. */
MUST_USE bool known_ports_set(struct str list, struct failure *why);
/* Letters match in either case. False: not in the list. */
bool known_ports_find(struct str name, unsigned *port_out);

#endif
