/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOOL_QUEUE_FILE_WRITER_H
#define SPOOL_QUEUE_FILE_WRITER_H

#include "spool/envelope.h"
#include "spool/spool.h"

/*
 * queue_file_writer - makes a queue file: create, content, finish. The file is locked until closed, and is no message
 * before it is finished. Nothing is synced but by queue_file_sync. All calls block.
 */
struct queue_file_writer;
/* O_EXCL; the folder is there (spool_make_folder). */
MUST_USE bool queue_file_create(const char *path, struct queue_id id, struct queue_file_writer **writer_out,
                                struct failure *why);
MUST_USE bool queue_file_write(struct queue_file_writer *writer, struct str content, struct failure *why);
/* The content so far: fewer than len bytes only at its end. */
MUST_USE bool queue_file_read_back(struct queue_file_writer *writer, uint64_t offset, void *bytes, size_t len,
                                   size_t *count_out, struct failure *why);
/* Envelope, recipients with their status and reasons, end frame; mtime is set to next_attempt. */
MUST_USE bool queue_file_finish(struct queue_file_writer *writer, const struct envelope *envelope,
                                struct instant next_attempt, struct failure *why);
/* The file itself; its folder is the caller's (os: one sync for many). */
MUST_USE bool queue_file_sync(struct queue_file_writer *writer, struct failure *why);
/* What was finished is no message any more, wherever its name stands: for one that cannot be removed. */
MUST_USE bool queue_file_void(struct queue_file_writer *writer, struct failure *why);
/* Leaves *writer NULL; the file stays. */
void queue_file_close(struct queue_file_writer **writer);

#endif
