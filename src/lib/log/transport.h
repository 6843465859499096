/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_TRANSPORT_H
#define LOG_TRANSPORT_H

#include "base/str.h"

/*
 * transport - brings finished lines to syslog or to postlogd by datagrams, without waiting.
 * It connects when made, so that it works in a jail; a connection that broke is made again, at
 * most once a second.
 */
struct log_transport;

enum log_transport_kind {
    LOG_TRANSPORT_SYSLOG,  /* a line a datagram */
    LOG_TRANSPORT_POSTLOG, /* many lines a datagram, each ended by LF */
};

/* fallback_mode: of the file there, where it is made. */
struct log_transport *log_transport_create(enum log_transport_kind kind, const char *path, const char *fallback_path,
                                           unsigned fallback_mode);
/* Leaves *transport NULL; NULL is fine. */
void log_transport_destroy(struct log_transport **transport);

/* Lines ended by LF. Returns how many bytes of whole lines are dealt with, 0 if the sink takes none now. */
size_t log_transport_send(struct log_transport *transport, struct str lines);
/* Waits until the sink may take more, at most that long. */
void log_transport_wait(struct log_transport *transport, int milliseconds);

#endif
