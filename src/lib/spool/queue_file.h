/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOOL_QUEUE_FILE_H
#define SPOOL_QUEUE_FILE_H

#include "spool/queue_file_status.h"
#include "spool/spool.h"

/*
 * queue_file - one message as one file, complete by itself: content, envelope, recipients, end mark, and behind it
 * the outcomes that were appended later. Its modification time is its next attempt.
 *
 * Content stands raw and in one piece, so an agent is handed the descriptor, an offset and a length. A file without its
 * end frame was never acknowledged. All calls block and go through os: on a worker thread or in a command. Who makes
 * one uses queue_file_writer.
 */
struct queue_file_content {
    uint64_t offset;
    uint64_t length;
};

/*
 * Reading: envelope with all outcomes applied. FAILURE_PERMANENT: what stands there is no complete message (goes to
 * corrupt/); other kinds: try later. *fd_out (read-only, may be NULL) is the caller's to close.
 */
MUST_USE bool queue_file_open(const char *path, struct arena *arena, struct envelope *envelope_out,
                              struct queue_file_content *content_out, int *fd_out, struct failure *why);
/*
 * Its writer holds the file's lock until it is complete and durable: before that it is nobody's message, whatever can
 * be read of it. Asks without taking the lock, which would make a writer fail that has just made its file.
 */
bool queue_file_is_being_written(int fd);
/*
 * Its writer ended before it was complete. The frame header of the content is written last: it tells. False where that
 * cannot be read.
 */
bool queue_file_was_never_whole(int fd);
/* As queue_file_open on a descriptor. */
MUST_USE bool queue_file_read(int fd, struct arena *arena, struct envelope *envelope_out,
                              struct queue_file_content *content_out, struct failure *why);
/* As queue_file_read, unless there are more recipients than most: then is_larger, and the envelope is of no use. */
MUST_USE bool queue_file_read_small(int fd, size_t most, struct arena *arena, struct envelope *envelope_out,
                                    struct queue_file_content *content_out, bool *is_larger_out, struct failure *why);
/* Only where the content stands; the rest of the file is not looked at. */
MUST_USE bool queue_file_find_content(int fd, struct queue_file_content *content_out, struct failure *why);
/* Reads all content and compares its checksum. */
MUST_USE bool queue_file_verify_content(int fd, const struct queue_file_content *content, struct failure *why);

/* Appends outcomes and new flags as one status frame and sets mtime. With is_durable, synced before it returns. */
MUST_USE bool queue_file_append(const char *path, const struct queue_file_outcome *outcomes, size_t count,
                                unsigned add_flags, struct instant next_attempt, bool is_durable, struct failure *why);

/*
 * The same for who appends often and alone: *end is where the last append ended, 0 at first. Neither mtime nor flags
 * change, nothing is synced.
 */
MUST_USE bool queue_file_append_more(const char *path, const struct queue_file_outcome *outcomes, size_t count,
                                     uint64_t *end, struct failure *why);

#endif
