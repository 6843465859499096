/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/listing.h"

#include "protocol/queue.h"
#include "qmgr/control.h"
#include "qmgr/loader.h"
#include "qmgr/newcomers.h"
#include "qmgr/oldest_first.h"
#include "run/loop.h"

enum { READ_TRIES = 3, LIST_SECONDS = 10 };

static struct records take_recipients(const struct envelope *envelope, size_t *from, bool is_wanted,
                                      struct arena *arena)
{
    struct queue_entry_recipient *items =
        arena_new_array(arena, QUEUE_ENTRY_RECIPIENTS_MAXIMUM, struct queue_entry_recipient);
    size_t count = 0;

    while (is_wanted && *from < envelope->recipient_count && count < QUEUE_ENTRY_RECIPIENTS_MAXIMUM) {
        const struct envelope_recipient *recipient = &envelope->recipients[(*from)++];

        if (recipient->status == RECIPIENT_PENDING || recipient->status == RECIPIENT_FAILED)
            items[count++] = (struct queue_entry_recipient){ .address = recipient->address,
                                                             .original = recipient->original,
                                                             .reason = str_part(recipient->reason, 0, 4000) };
    }
    if (!is_wanted)
        *from = envelope->recipient_count;
    return (struct records){ items, count };
}

static bool send_entry(struct daemon_call *call, struct queue_id id, const struct envelope *envelope,
                       struct str queue_name, bool is_forced, struct arena *arena, struct failure *why)
{
    const struct queue_list *request = call->request;
    struct keeper *keeper = call->context;
    char text[QUEUE_ID_TEXT_SIZE];
    size_t from = 0;

    do {
        struct queue_entry entry = { .queue_name = queue_name,
                                     .queue_id = queue_id_format(id, text),
                                     .arrival = envelope->arrival,
                                     .size = envelope_wire_size(envelope),
                                     .is_forced_expire = is_forced,
                                     .sender = envelope->sender };

        entry.recipients = take_recipients(envelope, &from, request->with_recipients, arena);
        entry.is_continued = from < envelope->recipient_count;
        if (!call_send(call->call, &queue_entry_message, &entry, keeper->settings->ipc_timeout, why))
            return false;
    } while (from < envelope->recipient_count);
    return true;
}

/*
 * Who has been served in a delivery that goes on is in the ledger, not in the message: what it has not taken note of
 * itself is told to nobody.
 */
static void leave_out_served(const struct queued_message *message, struct envelope *envelope)
{
    const struct active_message *active = message->active;

    if (active == NULL || active->results == NULL || active->envelope->recipient_count != envelope->recipient_count)
        return;
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        if (active->results[i].outcome == ACTIVE_SENT)
            envelope->recipients[i].status = RECIPIENT_DELIVERED;
    }
}

/* What moves while it is read is looked for again. NULL: it is gone, or cannot be read. */
static struct queued_message *read_for_list(struct keeper *keeper, struct queue_id id, struct arena *arena,
                                            struct envelope *envelope)
{
    struct failure ignored;

    for (int tries = 0; tries < READ_TRIES && control_find_resting(keeper, id) != NULL; tries++) {
        if (loader_read_envelope(keeper, id, arena, envelope, &ignored))
            return queue_index_find(keeper->index, id);
    }
    return NULL;
}

static bool list_one(struct daemon_call *call, struct queue_id id, struct arena *arena, uint64_t *count,
                     struct failure *why)
{
    struct keeper *keeper = call->context;
    struct queued_message *message;
    struct envelope envelope;
    bool is_forced;

    message = read_for_list(keeper, id, arena, &envelope);
    /* What was deleted in delivery only waits for its agents. */
    if (message == NULL || message->must_delete)
        return true;
    leave_out_served(message, &envelope);
    is_forced = message->must_expire || (envelope.flags & ENVELOPE_FORCE_EXPIRED) != 0;
    if (!send_entry(call, id, &envelope, control_queue_of(message), is_forced, arena, why))
        return false;
    (*count)++;
    return true;
}

/* Just started, it knows nothing yet: "empty" would be no answer. A very large queue is listed as far as it is known.
 */
static void wait_for_most(struct keeper *keeper)
{
    struct instant end = instant_add(loop_now(keeper->loop), seconds(LIST_SECONDS));

    while (!keeper->is_draining &&
           (!keeper->is_recovered || (!keeper->is_indexed && instant_is_before(loop_now(keeper->loop), end))))
        keeper_wait_change(keeper);
}

bool listing_list(struct daemon_call *call, struct failure *why)
{
    struct keeper *keeper = call->context;
    struct arena *arena = arena_create();
    struct queue_list_end end = { 0 };
    struct oldest_first *ids;
    struct queue_id id;
    bool is_sent = true;

    wait_for_most(keeper);
    newcomers_wait(keeper);
    ids = oldest_first_create(keeper->index);
    while (is_sent && oldest_first_next(ids, &id)) {
        arena_reset(arena);
        is_sent = list_one(call, id, arena, &end.count, why);
    }
    oldest_first_destroy(&ids);
    arena_destroy(&arena);
    return is_sent && call_send(call->call, &queue_list_end_message, &end, keeper->settings->ipc_timeout, why);
}
