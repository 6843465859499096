/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MERPATI_IMPORT_SOCKETS_H
#define MERPATI_IMPORT_SOCKETS_H

#include "merpati/import.h"

/*
 * import_sockets - the sockets of other programs that a source names: in main.cf, in master.cf, in its other files, and
 * in those that a parameter names elsewhere. All is in the job's arena.
 */
enum import_asker {
    IMPORT_ASKED_BY_NET = 1,      /* net_owner's services, which see the queue directory alone */
    IMPORT_ASKED_BY_MAP = 2,      /* proxymap, which sees all */
    IMPORT_ASKED_BY_FREE_NET = 4, /* lmtp without a chroot, which sees all */
};

struct import_socket {
    struct str path;  /* relative to the queue directory, or from the root */
    struct str where; /* the parameter that names it, or the line of a file */
    unsigned askers;
    bool is_milter;
};

enum { IMPORT_SOCKETS_MAXIMUM = 200 };

struct import_sockets {
    struct import_socket items[IMPORT_SOCKETS_MAXIMUM]; /* each path once; more are not told */
    size_t count;
};

void import_sockets_find(const struct import_job *job, struct import_sockets *sockets);

#endif
