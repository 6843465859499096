/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_MASTER_LINK_H
#define DAEMON_MASTER_LINK_H

#include "base/failure.h"
#include "base/str.h"
#include "daemon/master_protocol.h"

/*
 * master_link - this process's end of the status socket to master. Records that do not fit into the socket now are
 * kept (one of each kind, the latest) and sent with the next. Without master, as in tests, all calls do nothing.
 */
struct loop;
struct master_link;

/* fd: MASTER_STATUS_FD. */
struct master_link *master_link_create(int fd);
void master_link_destroy(struct master_link **link);

void master_link_send(struct master_link *link, enum master_record_kind kind, uint32_t sessions);
void master_link_watch(struct master_link *link, struct str path);

/* True while something could not be sent. */
bool master_link_has_pending(const struct master_link *link);

/*
 * In a fiber: returns when master is gone, or after master_link_abort. False at once if there is no master. hear gets
 * each enum master_word until then.
 */
bool master_link_wait_gone(struct master_link *link, struct loop *loop, void (*hear)(void *context, char word),
                           void *context);
void master_link_abort(struct master_link *link);

#endif
