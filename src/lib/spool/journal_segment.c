/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/journal_private.h"

#include "base/memory.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/lock.h"

#include <errno.h>

/* Looks come one by one; a third that comes just then is no accident any more. */
enum { MAKE_TRIES = 3 };

/* What a look at all segments gave. */
struct survey {
    unsigned numbers[SEGMENT_NUMBER_MAXIMUM];
    size_t count;
    uint64_t live_bytes;
    struct journal_segment best; /* free, locked by us; fd -1 if none */
};

/*
 * A segment that is locked, live, or cannot be read counts as live; a free one stays open if it is the newest used.
 * One of another size than segments have now is left alone.
 */
static void survey_segment(struct survey *survey, unsigned number, uint64_t usual_size)
{
    struct journal_segment found = { .fd = -1 };
    struct failure ignored;
    char path[SEGMENT_PATH_SIZE];

    segment_path(number, path);
    if (!segment_open(number, &found.fd, &ignored) ||
        !lock_try(found.fd, path, LOCK_STYLE_DESCRIPTION, LOCK_EXCLUSIVE, &ignored) ||
        !segment_read_header(found.fd, number, &found.header, &ignored) || found.header.is_live) {
        survey->live_bytes += usual_size;
        fd_close(&found.fd);
        return;
    }
    if (found.header.size != usual_size ||
        (survey->best.fd >= 0 && !instant_is_before(survey->best.header.started, found.header.started))) {
        fd_close(&found.fd);
        return;
    }
    fd_close(&survey->best.fd);
    survey->best = found;
}

static unsigned free_number(const struct survey *survey)
{
    unsigned number = 1;

    for (size_t i = 0; i < survey->count && survey->numbers[i] == number; i++)
        number++;
    return number;
}

static bool make_segment(const struct survey *survey, unsigned writer, uint64_t size, struct journal_segment *segment,
                         struct failure *why)
{
    unsigned number = free_number(survey);
    char path[SEGMENT_PATH_SIZE];

    if (number > SEGMENT_NUMBER_MAXIMUM)
        return failure_set(why, FAILURE_NO_SPACE, 0, "the journal has %u segments", SEGMENT_NUMBER_MAXIMUM);
    segment_path(number, path);
    return segment_create(number, writer, size, why) && segment_open(number, &segment->fd, why) &&
           lock_try(segment->fd, path, LOCK_STYLE_DESCRIPTION, LOCK_EXCLUSIVE, why) &&
           segment_read_header(segment->fd, number, &segment->header, why);
}

/* A look of the queue manager at the new segment may come before our lock, or another writer: then one more is made. */
static bool make_own_segment(struct survey *survey, unsigned writer, uint64_t size, struct journal_segment *segment,
                             struct failure *why)
{
    for (unsigned tries = 1; !make_segment(survey, writer, size, segment, why); tries++) {
        fd_close(&segment->fd);
        if (why->error != EAGAIN || tries == MAKE_TRIES || !segment_list(survey->numbers, &survey->count, why))
            return false;
    }
    return true;
}

static bool begin_use(struct journal_segment *segment, unsigned writer, struct failure *why)
{
    segment->header.is_live = true;
    segment->header.salt = seal_salt_draw();
    segment->header.started = clock_now();
    segment->header.writer = writer;
    if (!segment_write_header(segment->fd, &segment->header, true, why))
        return false;
    segment_seal(&segment->header, &segment->seal);
    segment->position = SEGMENT_STEP;
    return true;
}

/* live_bytes: with the segment that is to be filled. */
static enum journal_room judge_room(const struct journal_settings *settings, uint64_t live_bytes)
{
    if (live_bytes > settings->limit_bytes)
        return JOURNAL_ROOM_NONE;
    return live_bytes > settings->limit_bytes - settings->reserve_bytes ? JOURNAL_ROOM_INSIDE : JOURNAL_ROOM_ALL;
}

static bool look_around(const struct journal_settings *settings, struct survey *survey, struct failure *why)
{
    if (!segment_list(survey->numbers, &survey->count, why))
        return false;
    for (size_t i = 0; i < survey->count; i++)
        survey_segment(survey, survey->numbers[i], settings->segment_bytes);
    return true;
}

static bool take(const struct journal_settings *settings, unsigned writer, struct survey *survey,
                 struct journal_segment *segment_out, enum journal_room *room_out, struct failure *why)
{
    struct journal_segment segment = { .fd = -1 };

    if (!look_around(settings, survey, why))
        return false;
    *room_out = judge_room(settings, survey->live_bytes + settings->segment_bytes);
    if (*room_out == JOURNAL_ROOM_NONE)
        return failure_set(why, FAILURE_NO_SPACE, 0, "the journal has reached spool_journal_limit");
    if (survey->best.fd >= 0) {
        segment = survey->best;
        survey->best.fd = -1;
        /* Who made it may have been killed before its name was durable. */
        if (!file_sync_directory("journal", why)) {
            fd_close(&segment.fd);
            return false;
        }
    } else if (!make_own_segment(survey, writer, settings->segment_bytes, &segment, why)) {
        return false;
    }
    if (!begin_use(&segment, writer, why)) {
        fd_close(&segment.fd);
        return false;
    }
    *segment_out = segment;
    return true;
}

bool journal_segment_take(const struct journal_settings *settings, unsigned writer, struct journal_segment *segment_out,
                          enum journal_room *room_out, struct failure *why)
{
    struct survey *survey = memory_alloc(sizeof(*survey));
    bool is_taken;

    survey->best.fd = -1;
    is_taken = take(settings, writer, survey, segment_out, room_out, why);
    fd_close(&survey->best.fd);
    memory_free(survey);
    return is_taken;
}

bool journal_segment_room(const struct journal_settings *settings, bool has_segment, enum journal_room *room_out,
                          struct failure *why)
{
    struct survey *survey = memory_alloc(sizeof(*survey));
    bool is_done;

    survey->best.fd = -1;
    is_done = look_around(settings, survey, why);
    if (is_done)
        *room_out = judge_room(settings, survey->live_bytes + (has_segment ? 0 : settings->segment_bytes));
    fd_close(&survey->best.fd);
    memory_free(survey);
    return is_done;
}

void journal_segment_leave(struct journal_segment *segment)
{
    struct failure ignored;

    if (segment->fd < 0)
        return;
    if (segment->position == SEGMENT_STEP) {
        segment->header.is_live = false;
        /* If the mark is lost, qmgr finds no frame and frees it. */
        (void) !segment_write_header(segment->fd, &segment->header, false, &ignored);
    }
    fd_close(&segment->fd);
}
