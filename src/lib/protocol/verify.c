/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/verify.h"

#include "mail/address.h"

enum { ADDRESS_MAXIMUM = 8192 };

static const struct message_field verify_query_fields[] = {
    MESSAGE_FIELD(struct verify_query, address, FIELD_STR, ADDRESS_MAXIMUM, "address in question"),
};
MESSAGE_TYPE(verify_query);

static const struct message_field verify_answer_fields[] = {
    MESSAGE_FIELD(struct verify_answer, status, FIELD_UINT, VERIFY_IN_PROGRESS, "enum verify_status"),
    MESSAGE_FIELD(struct verify_answer, reason, FIELD_STR, VERIFY_REASON_MAXIMUM, "what the probe met"),
};
MESSAGE_TYPE(verify_answer);

static const struct message_field verify_update_fields[] = {
    MESSAGE_FIELD(struct verify_update, address, FIELD_STR, ADDRESS_MAXIMUM, "address that was probed"),
    MESSAGE_FIELD(struct verify_update, status, FIELD_UINT, VERIFY_UNDELIVERABLE, "enum verify_status"),
    MESSAGE_FIELD(struct verify_update, reason, FIELD_STR, VERIFY_REASON_MAXIMUM, "what the probe met"),
};
MESSAGE_TYPE(verify_update);

static const struct message_field verify_updated_fields[] = {
    MESSAGE_FIELD(struct verify_updated, is_kept, FIELD_BOOL, 1, "it is what is known now"),
};
MESSAGE_TYPE(verify_updated);

static const struct message_type *const messages[] = {
    &verify_query_message, &verify_answer_message, &verify_update_message, &verify_updated_message, NULL,
};

const struct protocol verify_protocol = { "verify", 1, messages };

static struct str sender_at(struct arena *arena, struct str sender, int64_t period)
{
    /* Letters and digits that nobody takes for one another, and no vowels. */
    static const char digits[] = "0123456789bcdfghjklmnpqrstvwxz";
    struct str local = address_local(sender);
    char text[16];
    size_t place = sizeof(text);

    do {
        text[--place] = digits[period % 30];
        period /= 30;
    } while (period > 0 && place > 0);
    return arena_printf(arena, "%.*s%.*s%.*s", STR_ARG(local), (int) (sizeof(text) - place), text + place,
                        STR_ARG(str_from(sender, local.len)));
}

static bool is_null(struct str sender)
{
    return str_is_empty(sender) || str_equal(sender, STR("<>"));
}

struct str verify_sender(struct arena *arena, struct str sender, struct duration ttl, struct instant now)
{
    if (is_null(sender))
        return STR_EMPTY;
    return ttl.us == 0 ? sender : sender_at(arena, sender, now.us / ttl.us);
}

bool verify_is_sender(struct str local, struct str sender, struct duration ttl, struct instant now)
{
    struct arena *arena;
    bool is_it = false;

    if (is_null(sender))
        return false;
    if (ttl.us == 0)
        return str_equal_nocase(local, address_local(sender));
    arena = arena_create();
    for (int64_t period = now.us / ttl.us; !is_it && period >= now.us / ttl.us - 1; period--)
        is_it = str_equal_nocase(local, address_local(sender_at(arena, sender, period)));
    arena_destroy(&arena);
    return is_it;
}

bool verify_is_sender_address(struct str address, struct str sender, struct str origin, struct duration ttl,
                              struct instant now)
{
    struct str domain = address_domain(sender);

    return str_equal_nocase(address_domain(address), str_is_empty(domain) ? origin : domain) &&
           verify_is_sender(address_local(address), sender, ttl, now);
}
