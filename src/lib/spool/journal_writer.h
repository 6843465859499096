/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOOL_JOURNAL_WRITER_H
#define SPOOL_JOURNAL_WRITER_H

#include "base/failure.h"
#include "base/str.h"
#include "base/time.h"
#include "spool/envelope.h"
#include "spool/spool.h"

struct loop;
struct strbuf;

/*
 * journal_writer - cleanup's side of the queue: when journal_writer_accept or _finish returned true, the message is
 * on disk, can be found again, and 250 may be said. One a process.
 *
 * Small messages are frames in a segment; those finished while a sync runs go together in the next group. Larger ones
 * are files in incoming/, written while they arrive. The writer holds the lock of its segment and of its
 * number in the queue ids. Callers are fibers; they wait inside. All paths are relative to the queue directory.
 */
struct journal_writer;
struct journal_file;

struct journal_settings {
    struct spool_settings spool;
    uint64_t inline_limit;       /* spool_inline_limit: larger frames become files */
    uint64_t segment_bytes;      /* spool_segment_size */
    uint64_t limit_bytes;        /* spool_journal_limit */
    uint64_t reserve_bytes;      /* spool_journal_reserve: of it, for inside mail alone */
    struct duration segment_age; /* spool_segment_age: a segment older than this is left at the next message */
    bool use_long_ids;
};

/* What qmgr must be told: frames of this segment are durable below offset. */
struct journal_notice {
    unsigned segment;
    uint64_t use; /* which use of the segment: when it began, in microseconds */
    uint64_t offset;
    bool is_closed; /* the writer has left the segment */
};

struct journal_events {
    /* Called on the loop, outside the fibers that wait. Notices may be merged: the newest of a segment counts. */
    void (*notice)(void *context, const struct journal_notice *notice);
    /* A complete file stands in incoming/ (or hold/) under this id. */
    void (*file)(void *context, struct queue_id id, bool is_held);
    /* Syncs failed three times in a minute (is_failing), and later worked again. Log it. */
    void (*alarm)(void *context, bool is_failing, const char *text);
    void *context;
};

/* Whether a journal can be opened with these three. */
MUST_USE bool journal_limits_fit(uint64_t segment_bytes, uint64_t limit_bytes, uint64_t reserve_bytes,
                                 struct failure *why);
/* Must run in a fiber. The folders exist already (spool_make_folders). */
MUST_USE bool journal_writer_open(struct loop *loop, const struct journal_settings *settings,
                                  const struct journal_events *events, struct journal_writer **writer_out,
                                  struct failure *why);
/* Waits for what is under way, leaves the segment and the locks. In a fiber. */
void journal_writer_close(struct journal_writer **writer);

/* An id that was never used before. May wait for the disk. */
MUST_USE bool journal_writer_new_id(struct journal_writer *writer, struct queue_id *id_out, struct failure *why);

/*
 * Whether a message may come now: FAILURE_NO_SPACE at the journal's limit or when the disk is short, FAILURE_RETRY
 * while syncs fail. Cheap: ask at MAIL, so that nobody sends a message for nothing.
 */
MUST_USE bool journal_writer_may_accept(struct journal_writer *writer, bool is_inside, struct failure *why);

/* Whether envelope (encoded size) and content fit into a frame; else begin a journal_file. */
bool journal_writer_fits_inline(const struct journal_writer *writer, uint64_t envelope_bytes, uint64_t content_bytes);

/*
 * Makes a whole message durable, as a frame if it fits, else as a file. With ENVELOPE_HOLD it goes to hold/, as a file.
 * content_size is set here. FAILURE_NO_SPACE: 452, all else: 451; the message is then not queued.
 */
MUST_USE bool journal_writer_accept(struct journal_writer *writer, struct envelope *envelope, struct str content,
                                    struct failure *why);

/* A large message, written while it arrives. The id is taken from the envelope at finish and must be the same. */
MUST_USE bool journal_file_begin(struct journal_writer *writer, struct queue_id id, struct journal_file **file_out,
                                 struct failure *why);
/* Buffers up to 64 kB and then writes, off the loop; waits for it. */
MUST_USE bool journal_file_write(struct journal_file *file, struct str content, struct failure *why);
/* Envelope and end mark, file and folder synced with others of the moment. Leaves *file NULL in any case. */
MUST_USE bool journal_file_finish(struct journal_file **file, struct envelope *envelope, struct failure *why);
/*
 * From here on it is scratch: without a name, so that it can never become a message, whatever dies, and another file of
 * the same id can be begun. It can be written, read and abandoned, but not finished.
 */
MUST_USE bool journal_file_unname(struct journal_file *file, struct failure *why);
/* Appends what was written from offset on, at most that many bytes; fewer only at the end. Waits. */
MUST_USE bool journal_file_read(struct journal_file *file, uint64_t offset, size_t most, struct strbuf *out,
                                struct failure *why);
/* Removes it. Leaves *file NULL; NULL is fine. */
void journal_file_abandon(struct journal_file **file);

/* The notices of all segments that this writer uses or left: for a channel to qmgr that has just opened. */
size_t journal_writer_notices(const struct journal_writer *writer, struct journal_notice *notices_out, size_t maximum);

#endif
