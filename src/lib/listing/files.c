/* SPDX-License-Identifier: Apache-2.0 */
#include "listing/files.h"

#include "mail/quote.h"
#include "spool/journal_look.h"
#include "spool/maildrop_walk.h"
#include "spool/queue_file.h"

struct files {
    const struct showq_sink *sink;
    struct str null_sender;
    struct spool_settings spool;
    struct arena *arena; /* of one message */
};

static struct str external(struct files *files, struct str address)
{
    struct strbuf text;
    struct str kept;

    if (address.len == 0)
        return files->null_sender;
    strbuf_init(&text, STRBUF_UNLIMITED);
    quote_address(&text, address);
    kept = arena_str(files->arena, strbuf_str(&text));
    strbuf_done(&text);
    return kept;
}

static void tell_recipient(struct files *files, struct str address, struct str reason)
{
    const struct showq_recipient recipient = { external(files, address), reason };

    files->sink->recipient(files->sink->context, &recipient);
}

static void tell_envelope(struct files *files, const struct envelope *envelope, struct str queue_name)
{
    char id[QUEUE_ID_TEXT_SIZE];
    const struct showq_message message = {
        .queue_name = queue_name,
        .queue_id = queue_id_format(envelope->id, id),
        .arrival_seconds = instant_seconds(envelope->arrival),
        .size = envelope_wire_size(envelope),
        .is_forced_expire = (envelope->flags & ENVELOPE_FORCE_EXPIRED) != 0,
        .sender = external(files, envelope->sender),
    };
    size_t i;

    files->sink->message(files->sink->context, &message);
    for (i = 0; i < envelope->recipient_count; i++)
        if (envelope->recipients[i].status == RECIPIENT_PENDING || envelope->recipients[i].status == RECIPIENT_FAILED)
            tell_recipient(files, envelope->recipients[i].address, envelope->recipients[i].reason);
    files->sink->message_end(files->sink->context);
}

static bool tell_file(void *context, const struct spool_entry *entry)
{
    struct files *files = context;
    struct queue_file_content content;
    struct envelope envelope;
    struct failure ignored;

    arena_reset(files->arena);
    /* What cannot be read is no message that could be listed; the queue manager moves it to corrupt/. */
    if (queue_file_open(entry->path, files->arena, &envelope, &content, NULL, &ignored))
        tell_envelope(files, &envelope, str_from_c(spool_queue_name(entry->queue)));
    return true;
}

static bool tell_frame(void *context, const struct journal_message *message)
{
    struct files *files = context;
    enum spool_queue queue;
    struct failure ignored;
    char path[SPOOL_PATH_SIZE];

    arena_reset(files->arena);
    if (!spool_find(&files->spool, message->envelope->id, &queue, path, &ignored))
        tell_envelope(files, message->envelope, STR("incoming"));
    return true;
}

static bool tell_maildrop_file(void *context, struct str name, const struct maildrop_message *drop, uint64_t size)
{
    struct files *files = context;
    const struct showq_message message = {
        .queue_name = STR("maildrop"),
        .queue_id = name,
        .arrival_seconds = instant_seconds(drop->arrival),
        .size = size,
        .sender = external(files, drop->sender),
    };

    files->sink->message(files->sink->context, &message);
    for (size_t i = 0; i < drop->recipients.count; i++)
        tell_recipient(files, drop->recipients.items[i], STR_EMPTY);
    files->sink->message_end(files->sink->context);
    return true;
}

bool listing_from_files(const struct shared_settings *shared, const struct showq_sink *sink, struct failure *why)
{
    static const enum spool_queue queues[] = { SPOOL_ACTIVE, SPOOL_INCOMING, SPOOL_DEFERRED, SPOOL_HOLD };
    struct files files = {
        .sink = sink,
        .null_sender = shared->empty_address_recipient,
        .spool = spool_settings_make(shared->hash_queue_names, shared->hash_queue_depth),
        .arena = arena_create(),
    };
    bool is_good = maildrop_walk(files.arena, tell_maildrop_file, &files, why);
    size_t i;

    for (i = 0; is_good && i < ARRAY_COUNT(queues); i++)
        is_good = spool_walk(queues[i], tell_file, &files, NULL, why);
    is_good = is_good && journal_look(tell_frame, &files, why);
    arena_destroy(&files.arena);
    return is_good;
}
