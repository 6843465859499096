/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/recording.h"

#include "base/memory.h"
#include "qmgr/ledger_turn.h"
#include "qmgr/loader.h"
#include "run/loop.h"

#include <errno.h>

/* So many outcomes with such reasons stay far below what a status frame may hold. */
enum { REASON_KEPT = 1000, GROUP_MAXIMUM = 10000 };

struct queue_file_outcome recording_outcome(const struct active_message *active, size_t place)
{
    const struct envelope_recipient *recipient = &active->envelope->recipients[place];
    const struct active_result *result = &active->results[place];
    struct queue_file_outcome outcome = {
        .number = place, .status = recipient->status, .dsn = recipient->dsn, .reason = recipient->reason
    };

    if (recipient->status != RECIPIENT_PENDING || result->outcome == ACTIVE_PENDING)
        return outcome;
    if (result->outcome == ACTIVE_SENT)
        outcome.status = RECIPIENT_DELIVERED;
    else if (result->outcome == ACTIVE_BOUNCED)
        outcome.status = RECIPIENT_FAILED;
    outcome.reason = str_part(result->reason, 0, REASON_KEPT);
    if (!dsn_status_parse(result->dsn, &outcome.dsn))
        outcome.dsn = (struct dsn_status){ 0 };
    return outcome;
}

/*
 * Outcomes of one message that go to its file together. Two appends at one place would spoil each other, and hundreds
 * of agents may report at once: what they report while an append is under way gathers, and is the next append.
 */
struct append_group {
    struct queue_file_outcome *outcomes; /* whose texts are their reporters' */
    size_t count;
    size_t capacity;
    size_t reporters; /* that wait for it or look at how it ended; the last frees it */
    bool has_ended;
    struct event turn;  /* the first reporter's, when the append before has ended */
    struct event ended; /* the others' */
    char path[SPOOL_PATH_SIZE];
    uint64_t end;
    bool is_done;
    struct failure why;
};

/* A file that somebody removed has nothing to record in. */
static void append_outcomes(void *context)
{
    struct append_group *group = context;

    group->is_done = queue_file_append_more(group->path, group->outcomes, group->count, &group->end, &group->why) ||
                     group->why.error == ENOENT;
}

static struct append_group *group_create(void)
{
    struct append_group *group = memory_alloc(sizeof(*group));

    event_init(&group->turn);
    event_init(&group->ended);
    return group;
}

static void group_add(struct append_group *group, const struct queue_file_outcome *outcomes, size_t count)
{
    if (group->count + count > group->capacity) {
        group->capacity = 2 * (group->count + count);
        group->outcomes = memory_resize(group->outcomes, group->capacity * sizeof *group->outcomes);
    }
    memcpy(group->outcomes + group->count, outcomes, count * sizeof *outcomes);
    group->count += count;
    group->reporters++;
}

/* What a message's first reporter does for all who join before its turn comes. */
static void group_append(struct keeper *keeper, struct active_message *active, struct append_group *group)
{
    while (active->is_recording)
        (void) !event_wait(keeper->loop, &group->turn, DURATION_FOREVER, NULL);
    active->gathering = NULL;
    active->is_recording = true;
    loader_file_path(keeper, active->origin, group->path);
    group->end = active->status_end;
    keeper_block(keeper, append_outcomes, group);
    active->status_end = group->is_done ? group->end : 0;
    active->is_recording = false;
    group->has_ended = true;
    event_wake_all(&group->ended);
    if (active->gathering != NULL)
        event_wake_one(&active->gathering->turn);
    event_wake_all(&keeper->changed);
}

static bool group_leave(struct append_group *group, struct failure *why)
{
    bool is_done = group->is_done;

    if (!is_done)
        *why = group->why;
    if (--group->reporters == 0) {
        memory_free(group->outcomes);
        memory_free(group);
    }
    return is_done;
}

static bool append_together(struct keeper *keeper, struct active_message *active,
                            const struct queue_file_outcome *outcomes, size_t count, struct failure *why)
{
    struct append_group *group;

    while (active->gathering != NULL && active->gathering->count >= GROUP_MAXIMUM)
        keeper_wait_change(keeper);
    group = active->gathering;
    if (group == NULL) {
        group = active->gathering = group_create();
        group_add(group, outcomes, count);
        group_append(keeper, active, group);
    } else {
        group_add(group, outcomes, count);
        while (!group->has_ended)
            (void) !event_wait(keeper->loop, &group->ended, DURATION_FOREVER, NULL);
    }
    return group_leave(group, why);
}

static bool record_in_file(struct keeper *keeper, struct active_message *active, const size_t *places, size_t count,
                           struct failure *why)
{
    struct arena *arena = arena_create();
    struct queue_file_outcome *outcomes = arena_new_array(arena, count, struct queue_file_outcome);
    size_t known = 0;
    bool is_done;

    for (size_t i = 0; i < count; i++) {
        struct queue_file_outcome outcome = recording_outcome(active, places[i]);

        /* What is deferred is as untried after a crash: it is written when the message is deferred as a whole. */
        if (outcome.status == RECIPIENT_PENDING)
            continue;
        outcome.number = active_number(active, places[i]);
        outcome.reason = arena_str(arena, outcome.reason);
        outcomes[known++] = outcome;
    }
    is_done = known == 0 || append_together(keeper, active->whole, outcomes, known, why);
    arena_destroy(&arena);
    return is_done;
}

bool recording_record(void *context, struct active_message *active, const size_t *places, size_t count,
                      struct failure *why)
{
    struct keeper *keeper = context;
    struct queued_message *message = active->origin;
    enum ledger_turn_end end = LEDGER_TURN_ELSEWHERE;

    while (end == LEDGER_TURN_ELSEWHERE) {
        keeper_wait_moved(keeper, message);
        if (keeper->has_left)
            return failure_set(why, FAILURE_STOPPED, 0, "the queue manager is replaced");
        if (message->must_delete)
            return true;
        if (message->segment == NULL)
            return record_in_file(keeper, active, places, count, why);
        end = ledger_turn_record(keeper, active, places, count, why);
    }
    return end == LEDGER_TURN_RECORDED;
}

bool recording_append(struct keeper *keeper, struct active_message *active, const struct queue_file_outcome *outcomes,
                      size_t count, struct failure *why)
{
    return append_together(keeper, active->whole, outcomes, count, why);
}
