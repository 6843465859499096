/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DNS_WATCHED_FILE_H
#define DNS_WATCHED_FILE_H

#include "base/arena.h"

/*
 * watched_file - a small file of the system (resolv.conf, hosts) that is read again when it changes.
 *
 * It is opened once, so that a process that has entered a chroot since still sees what is written into it.
 * A file put in its place is seen only by a process that has not; in a jail master's next generation sees it.
 */
struct watched_file;

/* A path that cannot be read is fine: it is empty until it appears. */
struct watched_file *watched_file_open(const char *path);
/* Leaves *file NULL; NULL is fine. */
void watched_file_close(struct watched_file **file);

/* True the first time and whenever it has changed since: text_out is then what it holds, in the arena. */
bool watched_file_changed(struct watched_file *file, struct arena *arena, struct str *text_out);
/* Whether "/" is another one than at the opening: paths of the system mean nothing any more. */
bool watched_file_is_in_jail(const struct watched_file *file);

#endif
