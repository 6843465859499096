/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/envelope_attributes.h"

#define PLACE(name, member)                                                                                            \
    {                                                                                                                  \
        { name, sizeof(name) - 1 }, offsetof(struct envelope, member)                                                  \
    }

static const struct {
    struct str name;
    size_t offset;
} places[] = {
    PLACE("client_name", client_name),
    PLACE("client_address", client_address),
    PLACE("client_port", client_port),
    PLACE("reverse_client_name", client_reverse_name),
    PLACE("helo_name", helo),
    PLACE("protocol_name", protocol),
    PLACE("log_ident", log_ident),
    PLACE("log_client_name", log_client_name),
    PLACE("log_client_address", log_client_address),
    PLACE("log_client_port", log_client_port),
    PLACE("log_helo_name", log_helo),
    PLACE("log_protocol_name", log_protocol),
    PLACE("sasl_method", sasl_method),
    PLACE("sasl_username", sasl_username),
    PLACE("sasl_sender", sasl_sender),
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

static bool is_private(struct str name)
{
    return str_equal(name, STR(ENVELOPE_EXPANDED)) || str_equal(name, STR(ENVELOPE_EXPANDED_ORIGINAL)) ||
           str_equal(name, STR(ENVELOPE_EXPANDED_FROM));
}

struct strlist envelope_attribute_list(const struct envelope *envelope, struct arena *arena)
{
    struct strlist list = { 0 };

    for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
        /* UNSAFE: the offset is that of a struct str member. */
        const struct str *value = (const void *) ((const char *) envelope + places[i].offset);

        if (value->len > 0)
            add(&list, arena, places[i].name, *value);
    }
    add(&list, arena, STR("rewrite_context"),
        envelope->rewrite == ENVELOPE_REWRITE_REMOTE ? STR("remote") : STR("local"));
    for (size_t i = 0; i < envelope->attribute_count; i++) {
        if (!is_private(envelope->attributes[i].name))
            add(&list, arena, envelope->attributes[i].name, envelope->attributes[i].value);
    }
    return list;
}

void envelope_add_expansions(const struct envelope *envelope, struct arena *arena, struct strlist *list)
{
    for (size_t i = 0; i < envelope->attribute_count; i++) {
        if (is_private(envelope->attributes[i].name))
            add(list, arena, envelope->attributes[i].name, envelope->attributes[i].value);
    }
}

bool envelope_attribute_place(struct envelope *envelope, struct arena *arena, struct str name, struct str value)
{
    /* Not among those that go with the message to the agents: it is the queue manager's. */
    if (str_equal(name, STR("content_filter"))) {
        envelope->content_filter = arena_str(arena, value);
        return true;
    }
    for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
        if (str_equal(name, places[i].name)) {
            /* UNSAFE: the offset is that of a struct str member. */
            *(struct str *) (void *) ((char *) envelope + places[i].offset) = arena_str(arena, value);
            return true;
        }
    }
    return false;
}
