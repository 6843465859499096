/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DRIVERS_HOST_PORT_H
#define DRIVERS_HOST_PORT_H

#include <stdbool.h>

/* host_port - a server as the hosts of SQL tables name it: "host", "inet:host:port", "[2001:db8::1]:port",
 * "unix:/path".
 */
struct host_port {
    char host[256];   /* without brackets; empty with a path */
    unsigned port;    /* 0: not given */
    const char *path; /* NULL: a host; part of the text */
};

bool host_port_parse(const char *text, struct host_port *place_out);

#endif
