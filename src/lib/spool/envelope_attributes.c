/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/envelope_attributes.h"

static const struct {
    const char *name;
    size_t offset;
} places[] = {
    { "client_name", offsetof(struct envelope, client_name) },
    { "client_address", offsetof(struct envelope, client_address) },
    { "client_port", offsetof(struct envelope, client_port) },
    { "reverse_client_name", offsetof(struct envelope, client_reverse_name) },
    { "helo_name", offsetof(struct envelope, helo) },
    { "protocol_name", offsetof(struct envelope, protocol) },
    { "log_ident", offsetof(struct envelope, log_ident) },
    { "log_client_name", offsetof(struct envelope, log_client_name) },
    { "log_client_address", offsetof(struct envelope, log_client_address) },
    { "log_client_port", offsetof(struct envelope, log_client_port) },
    { "log_helo_name", offsetof(struct envelope, log_helo) },
    { "log_protocol_name", offsetof(struct envelope, log_protocol) },
    { "sasl_method", offsetof(struct envelope, sasl_method) },
    { "sasl_username", offsetof(struct envelope, sasl_username) },
    { "sasl_sender", offsetof(struct envelope, sasl_sender) },
};

static void add(struct strlist *list, struct arena *arena, struct str name, struct str value)
{
    char *text = arena_alloc(arena, name.len + 1 + value.len + 1);

    memcpy(text, name.data, name.len);
    text[name.len] = '=';
    if (value.len > 0)
        memcpy(text + name.len + 1, value.data, value.len);
    text[name.len + 1 + value.len] = '\0';
    strlist_add_view(list, arena, str_make(text, name.len + 1 + value.len));
}

struct strlist envelope_attribute_list(const struct envelope *envelope, struct arena *arena)
{
    struct strlist list = { 0 };

    for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
        /* UNSAFE: the offset is that of a struct str member. */
        const struct str *value = (const void *) ((const char *) envelope + places[i].offset);

        if (value->len > 0)
            add(&list, arena, str_from_c(places[i].name), *value);
    }
    add(&list, arena, STR("rewrite_context"),
        envelope->rewrite == ENVELOPE_REWRITE_REMOTE ? STR("remote") : STR("local"));
    for (size_t i = 0; i < envelope->attribute_count; i++)
        add(&list, arena, envelope->attributes[i].name, envelope->attributes[i].value);
    return list;
}

bool envelope_attribute_place(struct envelope *envelope, struct arena *arena, struct str name, struct str value)
{
    for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
        if (str_equal(name, str_from_c(places[i].name))) {
            /* UNSAFE: the offset is that of a struct str member. */
            *(struct str *) (void *) ((char *) envelope + places[i].offset) = arena_str(arena, value);
            return true;
        }
    }
    return false;
}
