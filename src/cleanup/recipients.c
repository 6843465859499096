/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup/recipients.h"

#include "base/map.h"
#include "cleanup/expansion.h"
#include "cleanup/log_lines.h"
#include "cleanup/rewriter.h"
#include "cleanup/service.h"
#include "mail/casefold.h"
#include "mail/dsn.h"
#include "protocol/rewrite.h"

enum { BATCH = 200, FIRST_ROOM = 4, USUAL_KEY = 40 };

static void append_part(struct strbuf *key, uint64_t number)
{
    strbuf_append_number(key, number);
    strbuf_append_char(key, ' ');
}

/* Alike for two recipients of which one is too many. In scratch. */
static struct str duplicate_key(struct message *message, struct str address, const struct pending_recipient *recipient)
{
    struct strbuf text;
    struct str key;

    if (!message->service->settings->enable_original_recipient)
        return casefold(message->scratch, address);
    strbuf_init(&text, STRBUF_UNLIMITED);
    strbuf_reserve(&text, USUAL_KEY + recipient->dsn_orcpt.len + recipient->original.len + address.len);
    append_part(&text, recipient->dsn_notify);
    append_part(&text, recipient->dsn_orcpt.len);
    append_part(&text, recipient->original.len);
    strbuf_append(&text, recipient->dsn_orcpt);
    strbuf_append(&text, recipient->original);
    strbuf_append(&text, address);
    key = casefold(message->scratch, strbuf_str(&text));
    strbuf_done(&text);
    return key;
}

static void remember(struct message *message, struct str key)
{
    static char present;

    if (map_count(message->duplicates) < (size_t) message->service->settings->duplicate_filter_limit)
        map_set(message->duplicates, key, &present);
}

/* Whether this recipient came before; remembers it if not. Most messages have one: only the second needs the map. */
static bool is_duplicate(struct message *message, struct str address, const struct pending_recipient *recipient)
{
    struct str key = duplicate_key(message, address, recipient);

    if (message->duplicates == NULL && message->first_key.data == NULL) {
        message->first_key = arena_str(message->arena, key);
        return false;
    }
    if (message->duplicates == NULL) {
        message->duplicates = map_create();
        remember(message, message->first_key);
    }
    if (map_get(message->duplicates, key) != NULL)
        return true;
    remember(message, key);
    return false;
}

static void add_to_envelope(struct message *message, struct str address, const struct pending_recipient *recipient)
{
    if (is_duplicate(message, address, recipient))
        return;
    envelope_add_recipient(&message->envelope, message->arena, address, recipient->original, recipient->dsn_orcpt,
                           recipient->dsn_notify);
}

/*
 * Recipients without ORCPT get one of the address as it was before it became another one. recipient->address is, after
 * it, what the canonical tables made of it: that is looked for in recipient_bcc_maps.
 */
static void map_and_add(struct message *message, struct pending_recipient *recipient)
{
    struct mapping_context context = message_mapping_context(message, message->scratch);
    struct mapping *mapping = message->service->mapping;
    bool has_utf8 = message->service->shared->smtputf8_enable &&
                    (message->flags & (CLEANUP_FLAG_SMTPUTF8 | CLEANUP_FLAG_AUTOUTF8)) != 0;
    struct strlist addresses = { 0 };
    enum mapping_result result = MAPPING_DONE;

    if (message->flags & CLEANUP_FLAG_MAP_OK)
        result = mapping_canonical(mapping, &context, MAPPING_ENVELOPE_RECIPIENT, &recipient->address);
    if (recipient->is_copy)
        recipient->original = recipient->address;
    else
        message->last_recipient = arena_str(message->arena, recipient->address);
    /* Clients' recipients come with an original. */
    if (recipient->dsn_orcpt.len == 0)
        recipient->dsn_orcpt = dsn_orcpt_default(message->scratch, recipient->address, has_utf8);
    if (result == MAPPING_DONE && (message->flags & CLEANUP_FLAG_MAP_OK))
        result = mapping_virtual(mapping, &context, recipient->address, &addresses);
    else
        strlist_add_view(&addresses, message->scratch, recipient->address);
    if (result != MAPPING_DONE) {
        message_fail_mapping(message, result);
        return;
    }
    if (addresses.count != 1 || !str_equal_nocase(addresses.items[0], recipient->address))
        expansion_note(message, recipient);
    for (size_t i = 0; i < addresses.count; i++)
        add_to_envelope(message, addresses.items[i], recipient);
}

/* False when the message has failed. */
static bool standardize(struct message *message, struct str *addresses, size_t count)
{
    struct failure why;

    if (rewriter_standardize(message->service->rewriter, true, addresses, count, message->scratch, &why))
        return true;
    log_rewrite_problem(message->queue_id, why.text);
    message_defer(message);
    return false;
}

static struct pending_recipient make_copy(struct str address)
{
    return (struct pending_recipient){
        .address = address, .original = address, .dsn_notify = DSN_NOTIFY_NEVER, .is_copy = true
    };
}

/* What recipient_bcc_maps have for the pending recipients. */
static void add_copies(struct message *message, size_t count)
{
    struct mapping_context context = message_mapping_context(message, message->scratch);

    for (size_t i = 0; i < count && message_is_good(message); i++) {
        const struct pending_recipient *recipient = &message->pending[i];
        enum mapping_result result;
        struct str address;

        if (recipient->is_copy)
            continue;
        result = mapping_bcc(message->service->mapping, &context, false, recipient->address, &address);
        if (result != MAPPING_DONE) {
            message_fail_mapping(message, result);
        } else if (address.len > 0 && standardize(message, &address, 1)) {
            struct pending_recipient copy = make_copy(address);

            map_and_add(message, &copy);
        }
    }
}

void recipients_flush(struct message *message)
{
    size_t count = message->pending_count;
    struct str *addresses;

    message->pending_count = 0;
    if (count == 0 || !message_is_good(message))
        return;
    addresses = arena_new_array(message->scratch, count, struct str);
    for (size_t i = 0; i < count; i++) {
        addresses[i] = message->pending[i].address;
        if (addresses[i].len == 0)
            addresses[i] = message->service->shared->empty_address_recipient;
    }
    if (!standardize(message, addresses, count))
        return;
    for (size_t i = 0; i < count && message_is_good(message); i++) {
        message->pending[i].address = addresses[i];
        map_and_add(message, &message->pending[i]);
    }
    if (message->flags & CLEANUP_FLAG_BCC_OK)
        add_copies(message, count);
    arena_reset(message->scratch);
}

/* Room for one more. Most messages have few recipients, so the room begins small; scratch ends with each batch. */
static void reserve_pending(struct message *message)
{
    struct pending_recipient *old = message->pending;

    if (message->pending_count > 0 && message->pending_count < message->pending_capacity)
        return;
    message->pending_capacity = message->pending_count > 0 ? 2 * message->pending_capacity : FIRST_ROOM;
    message->pending = arena_new_array(message->scratch, message->pending_capacity, struct pending_recipient);
    if (message->pending_count > 0)
        memcpy(message->pending, old, message->pending_count * sizeof *old);
}

static void add_pending(struct message *message, const struct pending_recipient *recipient)
{
    struct arena *scratch = message->scratch;
    struct pending_recipient *place;

    if (message->pending_count == BATCH)
        recipients_flush(message);
    reserve_pending(message);
    place = &message->pending[message->pending_count++];
    *place = *recipient;
    place->address = arena_str(scratch, recipient->address);
    place->original = arena_str(scratch, recipient->original);
    place->dsn_orcpt = arena_str(scratch, recipient->dsn_orcpt);
}

void recipients_add(struct message *message, const struct cleanup_recipient *recipient)
{
    struct pending_recipient pending = {
        .address = recipient->address,
        .original = recipient->original.len > 0 ? recipient->original : recipient->address,
        .dsn_orcpt = recipient->dsn_orcpt,
        .dsn_notify = (unsigned) recipient->dsn_notify,
    };

    if (message_is_good(message))
        add_pending(message, &pending);
}

void recipients_add_extracted(struct message *message)
{
    const struct strlist *addresses = message->is_resent ? &message->extracted_resent : &message->extracted;
    const struct strlist *originals =
        message->is_resent ? &message->extracted_resent_original : &message->extracted_original;

    for (size_t i = 0; i < addresses->count && message_is_good(message); i++) {
        struct pending_recipient pending = { .address = addresses->items[i], .original = originals->items[i] };

        add_pending(message, &pending);
    }
    recipients_flush(message);
}

void recipients_add_bcc(struct message *message)
{
    struct mapping_context context = message_mapping_context(message, message->scratch);
    struct str sender_copy;
    enum mapping_result result;

    if (!(message->flags & CLEANUP_FLAG_BCC_OK) || !message_is_good(message))
        return;
    result = mapping_bcc(message->service->mapping, &context, true, message->envelope.sender, &sender_copy);
    if (result != MAPPING_DONE) {
        message_fail_mapping(message, result);
        return;
    }
    struct str copies[] = { message->service->settings->always_bcc, sender_copy };

    for (size_t i = 0; i < ARRAY_COUNT(copies); i++) {
        struct pending_recipient copy;

        if (copies[i].len == 0 || !standardize(message, &copies[i], 1))
            continue;
        copy = make_copy(copies[i]);
        add_pending(message, &copy);
    }
    recipients_flush(message);
}

static bool is_recipient(const struct message *message, struct str address)
{
    for (size_t i = 0; i < message->envelope.recipient_count; i++) {
        if (str_equal_nocase(message->envelope.recipients[i].address, address))
            return true;
    }
    return false;
}

/* Whose mail it was is told of one of them, always the same one: none that wants no reports, as copies do, if there is
 * another, or the sender would not hear that the mail failed. */
static bool stands_for_all(const struct envelope_recipient *recipient, const struct envelope_recipient *other)
{
    bool is_silent = (recipient->dsn_notify & DSN_NOTIFY_NEVER) != 0;
    bool other_is_silent = (other->dsn_notify & DSN_NOTIFY_NEVER) != 0;

    if (is_silent != other_is_silent)
        return other_is_silent;
    return str_compare(recipient->original, other->original) < 0;
}

void recipients_redirect(struct message *message)
{
    struct envelope *envelope = &message->envelope;
    size_t first = 0;

    for (size_t i = 0; i < message->copies.count; i++) {
        struct pending_recipient copy = make_copy(message->copies.items[i]);

        if (!is_recipient(message, copy.address))
            add_pending(message, &copy);
    }
    recipients_flush(message);
    if (message->redirect.len == 0 || envelope->recipient_count == 0)
        return;
    for (size_t i = 1; i < envelope->recipient_count; i++) {
        if (stands_for_all(&envelope->recipients[i], &envelope->recipients[first]))
            first = i;
    }
    envelope->recipients[0] = envelope->recipients[first];
    envelope->recipients[0].address = message->redirect;
    envelope->recipient_count = 1;
}

void recipients_add_late(struct message *message, struct str address, struct str dsn_orcpt, unsigned notify)
{
    struct pending_recipient late = {
        .address = address, .original = address, .dsn_orcpt = dsn_orcpt, .dsn_notify = notify, .is_copy = true
    };

    if (is_recipient(message, address))
        return;
    add_pending(message, &late);
    recipients_flush(message);
    if (message->redirect.len > 0)
        recipients_redirect(message);
}

/* Who is gone may come back. */
static void forget_duplicates(struct message *message)
{
    map_destroy(&message->duplicates);
    message->first_key = (struct str){ 0 };
}

void recipients_delete(struct message *message, struct str original)
{
    bool has_originals = message->service->settings->enable_original_recipient;
    struct envelope *envelope = &message->envelope;
    size_t kept = 0;

    for (size_t i = 0; i < envelope->recipient_count; i++) {
        const struct envelope_recipient *recipient = &envelope->recipients[i];
        bool is_mapped = has_originals && recipient->original.len > 0;

        if (!str_equal(is_mapped ? recipient->original : recipient->address, original))
            envelope->recipients[kept++] = *recipient;
    }
    envelope->recipient_count = kept;
    forget_duplicates(message);
}

void recipients_restore(struct message *message, struct envelope_recipient *recipients, size_t count)
{
    message->envelope.recipients = recipients;
    message->envelope.recipient_count = count;
    message->envelope.recipient_capacity = count;
    forget_duplicates(message);
}
