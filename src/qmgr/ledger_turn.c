/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/ledger_turn.h"

#include "base/memory.h"
#include "qmgr/live_segments.h"
#include "qmgr/recording.h"
#include "run/loop.h"

/* Outcomes of one message whose fiber waits for their records; on its stack. */
struct waiting {
    struct list node;
    struct active_message *active;
    const size_t *places;
    size_t count;
    bool is_over;
    enum ledger_turn_end end;
    struct failure why;
    struct event over;
};

static struct queued_message *message_of(const struct waiting *waiting)
{
    return waiting->active->origin;
}

/* Its node in the list of those that wait. */
static struct waiting *waiting_at(struct list *node)
{
    return CONTAINER_OF(node, struct waiting, node);
}

static struct ledger_record make_record(const struct waiting *waiting, size_t place, int64_t now)
{
    enum recipient_status status = recording_outcome(waiting->active, place).status;

    return (struct ledger_record){ .frame_offset = live_segments_frame_offset(message_of(waiting)),
                                   .recipient = (uint32_t) place,
                                   .type = status == RECIPIENT_DELIVERED ? LEDGER_DELIVERED
                                           : status == RECIPIENT_FAILED  ? LEDGER_FAILED
                                                                         : LEDGER_DEFERRED,
                                   .seconds = now,
                                   .id = message_of(waiting)->id };
}

static void end(struct waiting *waiting, enum ledger_turn_end how)
{
    list_remove(&waiting->node);
    waiting->is_over = true;
    waiting->end = how;
    event_wake_all(&waiting->over);
}

/* A spill under way writes what was known when it began; what comes later belongs into the file. */
static void send_elsewhere(struct keeper *keeper)
{
    struct list *next;

    for (struct list *node = keeper->unrecorded.next; node != &keeper->unrecorded; node = next) {
        const struct queued_message *message = message_of(waiting_at(node));

        next = node->next;
        if (message->segment == NULL || message->is_moving || message->must_delete)
            end(waiting_at(node), LEDGER_TURN_ELSEWHERE);
    }
}

/* The records of all that wait for this segment; the caller frees them. */
static struct ledger_record *gather(struct keeper *keeper, const struct live_segment *segment, size_t *count_out)
{
    struct ledger_record *records = NULL;
    size_t capacity = 0;
    size_t count = 0;
    int64_t now = keeper_now();

    for (struct list *node = keeper->unrecorded.next; node != &keeper->unrecorded; node = node->next) {
        const struct waiting *waiting = waiting_at(node);

        if (message_of(waiting)->segment != segment)
            continue;
        if (count + waiting->count > capacity) {
            capacity = 2 * (count + waiting->count);
            records = memory_resize(records, capacity * sizeof(*records));
        }
        for (size_t i = 0; i < waiting->count; i++)
            records[count++] = make_record(waiting, waiting->places[i], now);
    }
    *count_out = count;
    return records;
}

static void write_segment(struct keeper *keeper, struct live_segment *segment)
{
    size_t count;
    struct ledger_record *records = gather(keeper, segment, &count);
    struct failure why;
    bool is_done = ledger_append(segment->ledger, records, count, &why);
    struct list *next;

    for (struct list *node = keeper->unrecorded.next; node != &keeper->unrecorded; node = next) {
        next = node->next;
        if (message_of(waiting_at(node))->segment != segment)
            continue;
        if (!is_done)
            waiting_at(node)->why = why;
        end(waiting_at(node), is_done ? LEDGER_TURN_RECORDED : LEDGER_TURN_FAILED);
    }
    memory_free(records);
}

/* Never waits: what was looked at stays as it is. */
static void write_all(void *context)
{
    struct keeper *keeper = context;

    send_elsewhere(keeper);
    while (!list_is_empty(&keeper->unrecorded))
        write_segment(keeper, message_of(waiting_at(keeper->unrecorded.next))->segment);
    keeper->finishing--;
    event_wake_all(&keeper->changed);
}

enum ledger_turn_end ledger_turn_record(struct keeper *keeper, struct active_message *active, const size_t *places,
                                        size_t count, struct failure *why)
{
    struct waiting waiting = { .active = active, .places = places, .count = count };
    struct failure ignored;

    event_init(&waiting.over);
    if (list_is_empty(&keeper->unrecorded)) {
        keeper->finishing++;
        fiber_start(keeper->loop, write_all, keeper);
    }
    list_append(&keeper->unrecorded, &waiting.node);
    while (!waiting.is_over)
        (void) !event_wait(keeper->loop, &waiting.over, DURATION_FOREVER, &ignored);
    if (waiting.end == LEDGER_TURN_FAILED)
        *why = waiting.why;
    return waiting.end;
}
