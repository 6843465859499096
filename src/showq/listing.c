/* SPDX-License-Identifier: Apache-2.0 */
#include "showq/listing.h"

#include "mail/quote.h"
#include "protocol/showq.h"
#include "run/stream.h"
#include "spool/maildrop_walk.h"

struct listing {
    const struct listing_source *source;
    struct stream *stream;
    struct failure *why;
    struct arena *arena; /* of one message, or one part of it */
    struct strbuf out;
    bool is_broken;     /* the reader is gone; why says how */
    bool is_in_message; /* its recipients go on */
};

static bool send_out(struct listing *listing)
{
    bool is_good = stream_write(listing->stream, strbuf_str(&listing->out), listing->why);

    strbuf_clear(&listing->out);
    return is_good;
}

static struct str external(struct listing *listing, struct str address)
{
    struct strbuf text;
    struct str kept;

    if (address.len == 0)
        return listing->source->null_sender;
    strbuf_init(&text, STRBUF_UNLIMITED);
    quote_address(&text, address);
    kept = arena_str(listing->arena, strbuf_str(&text));
    strbuf_done(&text);
    return kept;
}

static void add_recipient(struct listing *listing, struct str address, struct str reason)
{
    const struct showq_recipient recipient = { external(listing, address), reason };

    showq_append_recipient(&listing->out, &recipient);
}

static bool write_maildrop_file(void *context, struct str name, const struct maildrop_message *drop, uint64_t size)
{
    struct listing *listing = context;
    const struct showq_message message = {
        .queue_name = STR("maildrop"),
        .queue_id = name,
        .arrival_seconds = instant_seconds(drop->arrival),
        .size = size,
        .sender = external(listing, drop->sender),
    };

    showq_append_message(&listing->out, &message);
    for (size_t i = 0; i < drop->recipients.count; i++)
        add_recipient(listing, drop->recipients.items[i], STR_EMPTY);
    showq_append_message_end(&listing->out);
    listing->is_broken = !send_out(listing);
    return !listing->is_broken;
}

static bool write_maildrop(struct listing *listing)
{
    return maildrop_walk(listing->arena, write_maildrop_file, listing, listing->why) && !listing->is_broken;
}

static bool write_entry(struct listing *listing, const struct queue_entry *entry)
{
    const struct queue_entry_recipient *recipients = entry->recipients.items;
    const struct showq_message message = {
        .queue_name = entry->queue_name,
        .queue_id = entry->queue_id,
        .arrival_seconds = instant_seconds(entry->arrival),
        .size = entry->size,
        .is_forced_expire = entry->is_forced_expire,
        .sender = external(listing, entry->sender),
    };
    size_t i;

    if (!listing->is_in_message)
        showq_append_message(&listing->out, &message);
    for (i = 0; i < entry->recipients.count; i++)
        add_recipient(listing, recipients[i].address, recipients[i].reason);
    listing->is_in_message = entry->is_continued;
    if (!entry->is_continued)
        showq_append_message_end(&listing->out);
    return send_out(listing);
}

static bool write_entries(struct listing *listing, struct call *call)
{
    const struct queue_list request = { .with_recipients = true };

    if (!call_send(call, &queue_list_message, &request, listing->source->timeout, listing->why))
        return false;
    for (;;) {
        const struct message_type *type;
        void *message;

        arena_reset(listing->arena);
        if (!call_receive(call, listing->arena, listing->source->timeout, &type, &message, listing->why))
            return false;
        if (type == &queue_list_end_message)
            return true;
        if (type != &queue_entry_message)
            return failure_set(listing->why, FAILURE_PROTOCOL, 0, "qmgr: an answer of another kind in a listing");
        if (!write_entry(listing, message))
            return false;
    }
}

static bool write_queue(struct listing *listing)
{
    struct call *call;
    bool is_good;

    if (!endpoint_call(listing->source->queue, &call, listing->why))
        return false;
    is_good = write_entries(listing, call);
    call_end(&call);
    return is_good;
}

bool listing_write(const struct listing_source *source, struct stream *stream, struct failure *why)
{
    struct listing listing = { .source = source, .stream = stream, .why = why, .arena = arena_create() };
    bool is_good;

    strbuf_init(&listing.out, STRBUF_UNLIMITED);
    showq_append_greeting(&listing.out);
    is_good = send_out(&listing) && write_maildrop(&listing) && write_queue(&listing);
    if (is_good) {
        showq_append_end(&listing.out);
        is_good = send_out(&listing) && stream_flush(stream, why);
    }
    strbuf_done(&listing.out);
    arena_destroy(&listing.arena);
    return is_good;
}
