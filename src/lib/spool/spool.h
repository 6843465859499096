/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOOL_SPOOL_H
#define SPOOL_SPOOL_H

#include "base/failure.h"
#include "base/str.h"
#include "base/time.h"
#include "spool/queue_id.h"

/*
 * spool - the folders of the queue and where a message's file stands in them.
 *
 * Paths are relative to the queue directory, which is the working directory of every program that uses this library.
 * docs/queue.md is the specification: states, formats, order of syncs, recovery.
 */
enum spool_queue {
    SPOOL_INCOMING,
    SPOOL_ACTIVE,
    SPOOL_DEFERRED,
    SPOOL_HOLD,
    SPOOL_CORRUPT,
    SPOOL_QUEUE_COUNT,
};

struct spool_settings {
    unsigned hash_depth;    /* hash_queue_depth, at most QUEUE_ID_HASH_DIGITS */
    unsigned hashed_queues; /* hash_queue_names: bit 1 << enum spool_queue */
};

#define SPOOL_PATH_SIZE 96

/* "incoming", ... */
const char *spool_queue_name(enum spool_queue queue);
MUST_USE bool spool_queue_parse(struct str name, enum spool_queue *queue_out);

/* From the texts of hash_queue_names and hash_queue_depth. */
struct spool_settings spool_settings_make(struct str hash_queue_names, int hash_queue_depth);

/* "deferred/A/A1B2C3D4E5F6" and its folder "deferred/A". */
void spool_path(const struct spool_settings *settings, enum spool_queue queue, struct queue_id id,
                char path[SPOOL_PATH_SIZE]);
void spool_folder(const struct spool_settings *settings, enum spool_queue queue, struct queue_id id,
                  char path[SPOOL_PATH_SIZE]);

/* Makes incoming/, active/, deferred/, hold/, corrupt/, maildrop/, journal/, defer/, bounce/, trace/ (0700) where
 * missing, durably. */
MUST_USE bool spool_make_folders(struct failure *why);

/*
 * Where the file of that id stands now: as spool_path says in each queue, then unhashed, then at other depths.
 * False with FAILURE_NONE when there is none. Blocks.
 */
MUST_USE bool spool_find(const struct spool_settings *settings, struct queue_id id, enum spool_queue *queue_out,
                         char path[SPOOL_PATH_SIZE], struct failure *why);

/* Makes the hashed folder of that id where it is missing, and makes that durable. Blocks. */
MUST_USE bool spool_make_folder(const struct spool_settings *settings, enum spool_queue queue, struct queue_id id,
                                struct failure *why);

/*
 * Moves by rename, making the folder when it is missing; with is_durable both folders are synced before it returns.
 * The target must not exist. Blocks: call it on a worker or in a command.
 */
MUST_USE bool spool_move(const struct spool_settings *settings, struct queue_id id, const char *from_path,
                         enum spool_queue to, bool is_durable, struct failure *why);
/* Into corrupt/ as spool_move, durably; a second one of that id is ID.2 there, and so on. Blocks. */
MUST_USE bool spool_set_aside(const struct spool_settings *settings, struct queue_id id, const char *from_path,
                              struct failure *why);
/* Removes a message's file; absent is fine. Blocks. */
MUST_USE bool spool_remove(const char *path, struct failure *why);

/*
 * Walks all files of a queue, at any depth of hashing: seen() gets each file whose name is an id of ours; false from it
 * ends the walk. Other names are counted in strange_out (may be NULL). Blocks.
 */
struct spool_entry {
    struct queue_id id;
    enum spool_queue queue;
    const char *path;
    struct instant next_attempt; /* mtime */
    uint64_t size_bytes;
    unsigned mode;
};
/* One of the folders, named by a digit, that files are spread over. */
bool spool_is_hash_folder(const char *name);

typedef bool spool_seen(void *context, const struct spool_entry *entry);
MUST_USE bool spool_walk(enum spool_queue queue, spool_seen *seen, void *context, size_t *strange_out,
                         struct failure *why);

#endif
