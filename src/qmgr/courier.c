/* SPDX-License-Identifier: Apache-2.0 */
/* The one that goes. */
#include "base/memory.h"
#include "config/shared_settings.h"
#include "daemon/daemon.h"
#include "log/log.h"
#include "os/file.h"
#include "os/lock.h"
#include "protocol/queue.h"
#include "qmgr/handover.h"
#include "qmgr/log_lines.h"
#include "qmgr/portions.h"
#include "qmgr/success.h"
#include "qmgr/successor.h"
#include "run/loop.h"

#include <fcntl.h>

enum {
    REPEAT_SECONDS = 2,
    CONNECT_SECONDS = 5,
    RECORD_SECONDS = 300,
    RETRY_MS = 100,
    LOOK_MS = 200,
    STOPPING_TRIES = 50, /* while the system stops there may be no successor */
    CARRIED_AT_ONCE = 100,
    IN_HAND_MAXIMUM = 20000, /* of one report; what is beyond is tried again */
};

struct courier {
    struct keeper *keeper;
    struct queue_id *ids; /* what was in hand at first */
    size_t count;
    struct list waiting; /* struct carried */
    struct event changed;
    struct event recorded;
    bool is_over; /* nobody to tell */
};

struct carried {
    struct list node;
    struct deliver_outcome outcome;
    bool is_recorded;
};

static uint64_t status_of(enum active_outcome outcome)
{
    if (outcome == ACTIVE_SENT)
        return DELIVER_SENT;
    return outcome == ACTIVE_BOUNCED ? DELIVER_BOUNCED : DELIVER_DEFERRED;
}

static struct records results_of(const struct active_message *active, const size_t *places, size_t count,
                                 struct arena *arena)
{
    struct deliver_result *results = arena_new_array(arena, count + 1, struct deliver_result);

    for (size_t i = 0; i < count; i++) {
        const struct active_result *result = &active->results[places[i]];

        results[i] = (struct deliver_result){ .index = active_number(active, places[i]),
                                              .status = status_of(result->outcome),
                                              .address = result->expanded_to,
                                              .dsn = result->dsn,
                                              .action = result->action,
                                              .reason = result->reason,
                                              .relay = result->relay,
                                              .remote_mta = result->remote_mta,
                                              .diagnostic_type = result->diagnostic_type,
                                              .diagnostic = result->diagnostic };
    }
    return (struct records){ results, count };
}

/* hooks.content: what was about to be given to an agent is the successor's to give. */
static bool refuse_content(void *context, struct active_message *active, struct arena *arena, struct str *content_out,
                           int *fd_out, uint64_t *offset_out, struct failure *why)
{
    (void) context;
    (void) active;
    (void) arena;
    (void) content_out;
    (void) fd_out;
    (void) offset_out;
    return failure_set(why, FAILURE_STOPPED, 0, "the queue manager is replaced");
}

/* Returns when the successor has it, or nobody is there to take it. */
static bool carry_places(struct courier *courier, struct active_message *active, const size_t *places, size_t count,
                         bool is_notice)
{
    struct arena *arena = arena_create();
    struct carried carried = { .outcome = { .queue_id = active->id_text,
                                            .attempt = active->attempt,
                                            .number = 1,
                                            .results = results_of(active, places, count, arena),
                                            .wants_notice = is_notice,
                                            .is_recorded = is_notice } };

    list_append(&courier->waiting, &carried.node);
    event_wake_all(&courier->changed);
    while (!carried.is_recorded && !courier->is_over)
        (void) !event_wait(courier->keeper->loop, &courier->recorded, seconds(60), NULL);
    list_remove(&carried.node);
    arena_destroy(&arena);
    return carried.is_recorded;
}

/* hooks.record: the agent is answered when the successor has recorded it. */
static bool carry(void *context, struct active_message *active, const size_t *places, size_t count, struct failure *why)
{
    return carry_places(context, active, places, count, false) ||
           failure_set(why, FAILURE_STOPPED, 0, "no queue manager is there to record it");
}

/* Of all that was reached in this activation, before the hand-over and since, its sender hears at once. */
static void carry_notice(struct courier *courier, struct active_message *active)
{
    size_t *places = memory_alloc((active->envelope->recipient_count + 1) * sizeof(*places));
    size_t count = 0;

    for (size_t i = 0; i < active->envelope->recipient_count; i++) {
        if (success_is_wanted(active, i))
            places[count++] = i;
    }
    if (count > 0 && !carry_places(courier, active, places, count, true))
        log_warning("%.*s: no delivery notification sent: the queue manager ends", STR_ARG(active->id_text));
    memory_free(places);
}

/* hooks.finished: it is the successor's. A message in portions has ended with the last of those in hand. */
static void forget(void *context, struct active_message *active)
{
    struct courier *courier = context;

    carry_notice(courier, active);
    if (active->whole != active && --active->whole->portions->open > 0)
        return;
    queue_index_set_idle(courier->keeper->index, active->whole->origin, QUEUED_IDLE);
    event_wake_all(&courier->changed);
}

/* Messages first, so that none is taken up; then deliveries, so that they count where they go. */
static struct records list_in_hand(const struct courier *courier, struct arena *arena)
{
    struct records deliveries = deliveries_list(courier->keeper->deliveries, arena);
    const struct deliver_in_hand *under_way = deliveries.items;
    struct deliver_in_hand *items =
        arena_new_array(arena, courier->count + deliveries.count + 1, struct deliver_in_hand);
    struct records records = { items, 0 };

    for (size_t i = 0; i < courier->count && records.count < IN_HAND_MAXIMUM; i++) {
        const struct queued_message *message = queue_index_find(courier->keeper->index, courier->ids[i]);
        char text[QUEUE_ID_TEXT_SIZE];

        if (message != NULL && message->state == QUEUED_ACTIVE)
            items[records.count++] =
                (struct deliver_in_hand){ .queue_id = arena_str(arena, queue_id_format(courier->ids[i], text)) };
    }
    for (size_t i = 0; i < deliveries.count && records.count < IN_HAND_MAXIMUM; i++)
        items[records.count++] = under_way[i];
    return records;
}

static struct records list_carried(const struct courier *courier, struct arena *arena)
{
    struct deliver_outcome *items = arena_new_array(arena, CARRIED_AT_ONCE, struct deliver_outcome);
    struct records records = { items, 0 };

    for (struct list *node = courier->waiting.next; node != &courier->waiting && records.count < CARRIED_AT_ONCE;
         node = node->next)
        items[records.count++] = CONTAINER_OF(node, struct carried, node)->outcome;
    return records;
}

/* Those that wait longest; who gave them takes them out of the list when he runs. */
static void mark_recorded(struct courier *courier, size_t count)
{
    for (struct list *node = courier->waiting.next; count > 0; node = node->next, count--)
        CONTAINER_OF(node, struct carried, node)->is_recorded = true;
    event_wake_all(&courier->recorded);
}

static bool is_any_untold(const struct courier *courier)
{
    for (struct list *node = courier->waiting.next; node != &courier->waiting; node = node->next) {
        if (!CONTAINER_OF(node, struct carried, node)->is_recorded)
            return true;
    }
    return false;
}

/* One report and its answer. */
static bool report(struct courier *courier, struct call *call, struct arena *arena, bool *is_done_out)
{
    struct deliver_census_reply reply = { .in_hand = list_in_hand(courier, arena),
                                          .unrecorded = list_carried(courier, arena) };
    void *recorded;

    if (!call_send(call, &deliver_census_reply_message, &reply, seconds(RECORD_SECONDS), NULL))
        return false;
    if (reply.unrecorded.count > 0) {
        if (!call_expect(call, &deliver_recorded_message, arena, seconds(RECORD_SECONDS), &recorded, NULL))
            return false;
        mark_recorded(courier, reply.unrecorded.count);
    }
    *is_done_out = reply.in_hand.count == 0 && reply.unrecorded.count == 0;
    return true;
}

/* Until there is something to tell, or so long that it is told again. False when the other has gone. */
static bool wait_for_news(struct courier *courier, const struct call *call)
{
    struct loop *loop = courier->keeper->loop;
    struct instant end = instant_add(loop_now(loop), seconds(REPEAT_SECONDS));

    while (!is_any_untold(courier) && !call_has_input(call) && instant_is_before(loop_now(loop), end)) {
        if (event_wait(loop, &courier->changed, milliseconds(LOOK_MS), NULL))
            break;
    }
    return !call_has_input(call);
}

static bool talk(struct courier *courier, struct call *call)
{
    struct arena *arena = arena_create();
    bool is_done = false;

    while (report(courier, call, arena, &is_done) && !is_done) {
        arena_reset(arena);
        /* Who has just been answered takes himself out first. */
        fiber_yield(courier->keeper->loop);
        if (!wait_for_news(courier, call))
            break;
    }
    arena_destroy(&arena);
    return is_done;
}

static bool tell_successor(struct courier *courier, const char *path)
{
    struct channel *channel;
    struct call *call;
    bool is_done;

    if (!channel_open(courier->keeper->loop, path, &queue_protocol, seconds(CONNECT_SECONDS), &channel, NULL))
        return false;
    call = channel_call(channel);
    is_done = call != NULL && talk(courier, call);
    call_end(&call);
    channel_close(&channel);
    return is_done;
}

/* The lock on the mark is how the successor knows that somebody carries. It ends with this process. */
static void show_presence(void *context)
{
    struct failure why;
    int fd;

    (void) context;
    if (!file_open(QMGR_UNCLEAN_MARK, O_RDWR | O_NOFOLLOW, 0, &fd, &why) ||
        !lock_try(fd, QMGR_UNCLEAN_MARK, LOCK_STYLE_DESCRIPTION, LOCK_SHARED, &why))
        log_warning("%s", why.text);
}

static void find_in_hand(struct courier *courier)
{
    struct queue_id *ids = queue_index_ids(courier->keeper->index, &courier->count);
    size_t count = 0;

    for (size_t i = 0; i < courier->count; i++) {
        if (queue_index_find(courier->keeper->index, ids[i])->state == QUEUED_ACTIVE)
            ids[count++] = ids[i];
    }
    courier->ids = ids;
    courier->count = count;
}

void handover_carry(struct keeper *keeper)
{
    struct courier *courier = memory_alloc(sizeof(*courier));
    struct arena *arena = arena_create();
    const char *path = arena_c(arena, arena_printf(arena, "public/%.*s", STR_ARG(keeper->shared->queue_service_name)));
    unsigned tries = 0;

    courier->keeper = keeper;
    list_init(&courier->waiting);
    event_init(&courier->changed);
    event_init(&courier->recorded);
    find_in_hand(courier);
    keeper->hooks = (struct active_keeper){ refuse_content, carry, forget, courier };
    if (courier->count > 0)
        log_going_busy();
    /* Before there is a successor, who looks for it. */
    keeper_block(keeper, show_presence, NULL);
    successor_make_way(keeper);
    successor_settled(keeper);
    while (!tell_successor(courier, path) && (!daemon_is_stopping(keeper->daemon) || tries++ < STOPPING_TRIES))
        fiber_sleep(keeper->loop, milliseconds(RETRY_MS));
    courier->is_over = true;
    event_wake_all(&courier->recorded);
    arena_destroy(&arena);
}
