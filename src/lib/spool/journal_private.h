/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOOL_JOURNAL_PRIVATE_H
#define SPOOL_JOURNAL_PRIVATE_H

#include "run/fiber.h"
#include "spool/id_reserve.h"
#include "spool/journal_writer.h"
#include "spool/segment.h"

/* journal_private - what the parts of the journal's writer share: journal_writer.c, journal_group.c, journal_file.c. */
struct worker;
struct offload;
struct journal_group;

/* A segment in use by this process. */
struct journal_segment {
    int fd; /* -1: none */
    struct segment_header header;
    struct seal seal;
    uint64_t position;          /* where the next group goes */
    struct instant first_frame; /* monotonic; of this use */
};

/* Whom the journal has room for, as of the last segment taken or refused. */
enum journal_room {
    JOURNAL_ROOM_ALL,
    JOURNAL_ROOM_INSIDE, /* only the reserve is left */
    JOURNAL_ROOM_NONE,
};

enum { JOURNAL_FAILURES_TO_ALARM = 3 };

struct journal_writer {
    struct loop *loop;
    struct journal_settings settings;
    struct journal_events events;
    struct worker *worker;   /* group writes and syncs, in order */
    struct offload *offload; /* large files */
    struct id_reserve reserve;
    struct queue_id_source ids;
    bool is_raising;
    struct event raised;

    struct journal_segment segment;
    enum journal_room room;
    struct instant room_seen; /* monotonic */
    bool is_looking_for_room;

    struct journal_group *gathering;
    struct strbuf spare; /* the bytes of an earlier group: the room is used again */
    bool is_committing;
    struct event committed; /* woken after each group */

    struct instant failures[JOURNAL_FAILURES_TO_ALARM]; /* monotonic, newest last */
    bool is_failing;
    size_t open_files;
};

/* Takes a free segment or makes one; blocks. room_out is who may fill it; FAILURE_NO_SPACE at the limit. */
MUST_USE bool journal_segment_take(const struct journal_settings *settings, unsigned writer,
                                   struct journal_segment *segment_out, enum journal_room *room_out,
                                   struct failure *why);
/* Who may be let in now; has_segment: one is in use already. Blocks. */
MUST_USE bool journal_segment_room(const struct journal_settings *settings, bool has_segment,
                                   enum journal_room *room_out, struct failure *why);
/* Gives up lock and descriptor; one that holds no frame is marked free again. Blocks. */
void journal_segment_leave(struct journal_segment *segment);

/* Puts a frame into the group that gathers and waits until it is durable. */
MUST_USE bool journal_group_commit(struct journal_writer *writer, const struct envelope *envelope, struct str encoded,
                                   struct str content, struct failure *why);
/* Waits until nothing is under way. */
void journal_group_settle(struct journal_writer *writer);

/* Counts a failed, or working, sync and tells the alarm. */
void journal_note_failure(struct journal_writer *writer, const struct failure *failure);
void journal_note_success(struct journal_writer *writer);

#endif
