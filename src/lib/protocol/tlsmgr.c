/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/tlsmgr.h"

enum {
    CONNECT_SECONDS = 5,
    PATIENCE_SECONDS = 3,
    TICKET_PATIENCE_SECONDS = 7,
    LIFETIME_MAXIMUM = 10 * 365 * 86400,
};

static const struct message_field tlsmgr_get_fields[] = {
    MESSAGE_FIELD(struct tlsmgr_get, cache, FIELD_UINT, TLSMGR_CACHES - 1, "enum tlsmgr_cache"),
    MESSAGE_FIELD(struct tlsmgr_get, key, FIELD_STR, TLSMGR_KEY_MAXIMUM, "name of the entry"),
};
MESSAGE_TYPE(tlsmgr_get);

static const struct message_field tlsmgr_entry_fields[] = {
    MESSAGE_FIELD(struct tlsmgr_entry, is_found, FIELD_BOOL, 1, "there is such an entry"),
    MESSAGE_FIELD(struct tlsmgr_entry, value, FIELD_SECRET, TLSMGR_VALUE_MAXIMUM, "what was put"),
    MESSAGE_FIELD(struct tlsmgr_entry, kept, FIELD_TIME, 0, "when it was put"),
    MESSAGE_FIELD(struct tlsmgr_entry, ends, FIELD_TIME, 0, "until when it counts"),
};
MESSAGE_TYPE(tlsmgr_entry);

static const struct message_field tlsmgr_put_fields[] = {
    MESSAGE_FIELD(struct tlsmgr_put, cache, FIELD_UINT, TLSMGR_CACHES - 1, "enum tlsmgr_cache"),
    MESSAGE_FIELD(struct tlsmgr_put, key, FIELD_STR, TLSMGR_KEY_MAXIMUM, "name of the entry"),
    MESSAGE_FIELD(struct tlsmgr_put, value, FIELD_SECRET, TLSMGR_VALUE_MAXIMUM, "any bytes"),
    MESSAGE_FIELD(struct tlsmgr_put, ends, FIELD_TIME, 0, "until when it counts; in the past: it is removed"),
};
MESSAGE_TYPE(tlsmgr_put);

static const struct message_field tlsmgr_kept_fields[] = {
    MESSAGE_FIELD(struct tlsmgr_kept, is_kept, FIELD_BOOL, 1, "the cache has a place"),
};
MESSAGE_TYPE(tlsmgr_kept);

static const struct message_field tlsmgr_ticket_key_fields[] = {
    MESSAGE_FIELD(struct tlsmgr_ticket_key, name, FIELD_STR, TLSMGR_TICKET_NAME_SIZE, "in front of its tickets"),
    MESSAGE_FIELD(struct tlsmgr_ticket_key, cipher, FIELD_SECRET, TLSMGR_TICKET_SECRET_SIZE, "what encrypts them"),
    MESSAGE_FIELD(struct tlsmgr_ticket_key, digest, FIELD_SECRET, TLSMGR_TICKET_SECRET_SIZE, "what vouches for them"),
    MESSAGE_FIELD(struct tlsmgr_ticket_key, made, FIELD_TIME, 0, "when it was made"),
};
MESSAGE_TYPE(tlsmgr_ticket_key);

static const struct message_field tlsmgr_tickets_wanted_fields[] = {
    MESSAGE_FIELD(struct tlsmgr_tickets_wanted, service, FIELD_STR, TLSMGR_SERVICE_MAXIMUM, "service of master.cf"),
    MESSAGE_FIELD(struct tlsmgr_tickets_wanted, lifetime_s, FIELD_UINT, LIFETIME_MAXIMUM,
                  "how long a key makes tickets"),
};
MESSAGE_TYPE(tlsmgr_tickets_wanted);

static const struct message_field tlsmgr_tickets_fields[] = {
    MESSAGE_RECORDS(struct tlsmgr_tickets, keys, &tlsmgr_ticket_key_message, TLSMGR_TICKET_KEYS_MAXIMUM,
                    "that which makes tickets first"),
};
MESSAGE_TYPE(tlsmgr_tickets);

static const struct message_field tlsmgr_tickets_left_fields[] = {
    MESSAGE_FIELD(struct tlsmgr_tickets_left, service, FIELD_STR, TLSMGR_SERVICE_MAXIMUM, "service of master.cf"),
    MESSAGE_RECORDS(struct tlsmgr_tickets_left, keys, &tlsmgr_ticket_key_message, TLSMGR_TICKET_KEYS_MAXIMUM,
                    "that which makes tickets first"),
    MESSAGE_FIELD(struct tlsmgr_tickets_left, is_last, FIELD_BOOL, 1, "there are no more services"),
};
MESSAGE_TYPE(tlsmgr_tickets_left);

static const struct message_field tlsmgr_tickets_taken_fields[] = {
    MESSAGE_FIELD(struct tlsmgr_tickets_taken, is_taken, FIELD_BOOL, 1, "they are in force"),
};
MESSAGE_TYPE(tlsmgr_tickets_taken);

static const struct message_type *const messages[] = {
    &tlsmgr_get_message,          &tlsmgr_entry_message,          &tlsmgr_put_message,
    &tlsmgr_kept_message,         &tlsmgr_tickets_wanted_message, &tlsmgr_tickets_message,
    &tlsmgr_tickets_left_message, &tlsmgr_tickets_taken_message,  NULL,
};

const struct protocol tlsmgr_protocol = { "tlsmgr", 1, messages };

/* Whoever asks has somebody who waits, and can do without: no tlsmgr is as good as one that hangs, or cannot start. */
static bool ask(struct endpoint *tlsmgr, const struct message_type *request_type, const void *request,
                const struct message_type *reply_type, struct arena *arena, struct duration timeout, void **reply_out,
                struct failure *why)
{
    endpoint_set_connect_timeout(tlsmgr, seconds(CONNECT_SECONDS));
    return endpoint_ask(tlsmgr, request_type, request, reply_type, arena, timeout, reply_out, why);
}

bool tlsmgr_get(struct endpoint *tlsmgr, enum tlsmgr_cache cache, struct str key, struct arena *arena,
                const struct tlsmgr_entry **entry_out, struct failure *why)
{
    static const struct tlsmgr_entry absent = { .is_found = false };
    const struct tlsmgr_get request = { cache, key };
    void *reply;

    if (key.len == 0 || key.len > TLSMGR_KEY_MAXIMUM) {
        *entry_out = &absent;
        return true;
    }
    if (!ask(tlsmgr, &tlsmgr_get_message, &request, &tlsmgr_entry_message, arena, seconds(PATIENCE_SECONDS), &reply,
             why))
        return false;
    *entry_out = reply;
    return true;
}

bool tlsmgr_put(struct endpoint *tlsmgr, enum tlsmgr_cache cache, struct str key, struct str value, struct instant ends,
                struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = NULL;
    const struct tlsmgr_put request = { cache, key, value, ends };
    void *reply;

    if (key.len == 0 || key.len > TLSMGR_KEY_MAXIMUM || value.len > TLSMGR_VALUE_MAXIMUM)
        return true;
    arena = arena_create();
    return ask(tlsmgr, &tlsmgr_put_message, &request, &tlsmgr_kept_message, arena, seconds(PATIENCE_SECONDS), &reply,
               why);
}

bool tlsmgr_remove(struct endpoint *tlsmgr, enum tlsmgr_cache cache, struct str key, struct failure *why)
{
    return tlsmgr_put(tlsmgr, cache, key, STR_EMPTY, (struct instant){ 0 }, why);
}

bool tlsmgr_ticket_keys(struct endpoint *tlsmgr, struct str service, struct duration lifetime, struct arena *arena,
                        const struct tlsmgr_tickets **tickets_out, struct failure *why)
{
    const struct tlsmgr_tickets_wanted request = { service, (uint64_t) (lifetime.us / seconds(1).us) };
    void *reply;

    if (!ask(tlsmgr, &tlsmgr_tickets_wanted_message, &request, &tlsmgr_tickets_message, arena,
             seconds(TICKET_PATIENCE_SECONDS), &reply, why))
        return false;
    *tickets_out = reply;
    return true;
}
