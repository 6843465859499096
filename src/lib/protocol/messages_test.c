/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold for every message of every protocol: the tables are walked, so a new message is held to it, too. */
#include "base/memory.h"
#include "protocol/anvil.h"
#include "protocol/bounce.h"
#include "protocol/cleanup.h"
#include "protocol/deliver.h"
#include "protocol/dnsblog.h"
#include "protocol/flush.h"
#include "protocol/proxymap.h"
#include "protocol/queue.h"
#include "protocol/rewrite.h"
#include "protocol/spill.h"
#include "protocol/tlsmgr.h"
#include "protocol/tlsproxy.h"
#include "protocol/verify.h"

#include "unit.h"

#include <stdio.h>

static const struct protocol *const protocols[] = {
    &anvil_protocol,    &bounce_protocol,   &cleanup_protocol, &deliver_protocol, &flush_protocol,
    &proxymap_protocol, &queue_protocol,    &rewrite_protocol, &spill_protocol,   &tlsmgr_protocol,
    &verify_protocol,   &tlsproxy_protocol, &dnsblog_protocol,
};

enum { VARINT_MAX = 10, LIST_ITEM_COST = 8, FILL_TEXT_MAX = 3000, FILL_ITEMS_MAX = 3 };

static void for_each_message(void (*check)(const struct message_type *type))
{
    for (size_t i = 0; i < ARRAY_COUNT(protocols); i++) {
        for (size_t number = 0; protocols[i]->messages[number] != NULL; number++)
            check(protocols[i]->messages[number]);
    }
}

/* ---- sizes ---- */

static uint64_t largest(const struct message_type *type)
{
    uint64_t size = 0;

    for (size_t i = 0; i < type->field_count; i++) {
        const struct message_field *field = &type->fields[i];

        size += VARINT_MAX;
        if (field->type == FIELD_STR || field->type == FIELD_SECRET)
            size += field->maximum;
        else if (field->type == FIELD_STRLIST)
            size += field->maximum / LIST_ITEM_COST * (LIST_ITEM_COST + 2);
        else if (field->type == FIELD_RECORDS)
            size += field->maximum * largest(field->record);
    }
    return size;
}

static unsigned too_large;

/* Their senders count bytes. */
static bool is_bounded_by_its_sender(const struct message_type *type)
{
    return type == &spill_request_message || type == &deliver_census_reply_message;
}

static void expect_to_fit(const struct message_type *type)
{
    if (is_bounded_by_its_sender(type) || largest(type) <= CHANNEL_FRAME_MAXIMUM)
        return;
    too_large++;
    fprintf(stderr, "%s: up to %llu bytes, a frame has %d\n", type->name, (unsigned long long) largest(type),
            CHANNEL_FRAME_MAXIMUM);
}

/* One that did not would be refused by call_send for what is in it, and again at every later attempt. */
TEST(no_message_can_be_larger_than_a_frame)
{
    for_each_message(expect_to_fit);
    EXPECT_UINT(too_large, 0);
}

/* ---- there and back ---- */

static void *place_of(const struct message_field *field, void *message)
{
    return (char *) message + field->offset; /* UNSAFE: the table's offset is the member's */
}

static struct str fill_text(uint64_t maximum, struct arena *arena)
{
    size_t len = maximum < FILL_TEXT_MAX ? (size_t) maximum : FILL_TEXT_MAX;
    char *bytes = arena_alloc(arena, len + 1);

    for (size_t i = 0; i < len; i++)
        bytes[i] = (char) (i * 7 + len);
    return str_make(bytes, len);
}

static void fill(const struct message_type *type, void *message, struct arena *arena);

static struct records fill_records(const struct message_field *field, struct arena *arena)
{
    size_t count = field->maximum < FILL_ITEMS_MAX ? (size_t) field->maximum : FILL_ITEMS_MAX;
    size_t size = field->record->size;
    char *items = arena_alloc(arena, count * size);

    memset(items, 0, count * size);
    for (size_t i = 0; i < count; i++)
        fill(field->record, items + i * size, arena);
    return (struct records){ items, count };
}

/* Every field at its largest, or at much; descriptors none. */
static void fill(const struct message_type *type, void *message, struct arena *arena)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const struct message_field *field = &type->fields[i];
        void *place = place_of(field, message);

        switch (field->type) {
        case FIELD_BOOL:
            *(bool *) place = true;
            break;
        case FIELD_UINT:
            *(uint64_t *) place = field->maximum;
            break;
        case FIELD_INT:
            *(int64_t *) place = -(int64_t) field->maximum;
            break;
        case FIELD_TIME:
            *(struct instant *) place = (struct instant){ INT64_MIN };
            break;
        case FIELD_STR:
        case FIELD_SECRET:
            *(struct str *) place = fill_text(field->maximum, arena);
            break;
        case FIELD_STRLIST:
            strlist_add(place, arena, fill_text(field->maximum / 2 - LIST_ITEM_COST, arena));
            strlist_add(place, arena, STR_EMPTY);
            break;
        case FIELD_RECORDS:
            *(struct records *) place = fill_records(field, arena);
            break;
        case FIELD_FD:
            *(int *) place = -1;
            break;
        }
    }
}

static void *filled(const struct message_type *type, struct arena *arena)
{
    void *message = arena_alloc(arena, type->size + 1);

    memset(message, 0, type->size);
    fill(type, message, arena);
    return message;
}

static void encode(const struct message_type *type, const void *message, struct strbuf *out)
{
    struct failure why;
    int fd;

    if (!message_encode(type, message, out, &fd, &why))
        fprintf(stderr, "%s: %s\n", type->name, why.text);
    EXPECT(message_encode(type, message, (strbuf_clear(out), out), &fd, &why));
}

static void expect_round_trip(const struct message_type *type)
{
    struct arena *arena = arena_create();
    struct strbuf first, second;
    struct failure why;
    void *back = NULL;

    strbuf_init(&first, STRBUF_UNLIMITED);
    strbuf_init(&second, STRBUF_UNLIMITED);
    encode(type, filled(type, arena), &first);
    EXPECT(message_decode(type, strbuf_str(&first), -1, arena, &back, &why));
    encode(type, back, &second);
    EXPECT(str_equal(strbuf_str(&first), strbuf_str(&second)));
    strbuf_done(&first);
    strbuf_done(&second);
    arena_destroy(&arena);
}

TEST(every_message_comes_back_as_it_was)
{
    for_each_message(expect_round_trip);
}

/* ---- what is too much ---- */

static void expect_refused(const struct message_type *type, const struct message_field *field, const void *message)
{
    struct strbuf out;
    struct failure why = { 0 };
    char text[200];
    int fd;

    strbuf_init(&out, STRBUF_UNLIMITED);
    EXPECT_FALSE(message_encode(type, message, &out, &fd, &why));
    snprintf(text, sizeof text, "%s.%s: larger than the maximum", type->name, field->name);
    EXPECT(str_starts_with(str_from_c(why.text), str_from_c(text)));
    strbuf_done(&out);
}

static bool add_one(const struct message_field *field, void *place, struct arena *arena)
{
    size_t len = (size_t) field->maximum + 1;

    switch (field->type) {
    case FIELD_UINT:
        *(uint64_t *) place = field->maximum + 1;
        return field->maximum < UINT64_MAX;
    case FIELD_STR:
    case FIELD_SECRET:
        *(struct str *) place = str_make(memset(arena_alloc(arena, len), 'x', len), len);
        return true;
    case FIELD_STRLIST:
        strlist_add_view(place, arena, str_make(memset(arena_alloc(arena, len), 'x', len), len));
        return true;
    case FIELD_RECORDS:
        ((struct records *) place)->count = len;
        return true;
    default:
        return false;
    }
}

static void expect_limits(const struct message_type *type)
{
    for (size_t i = 0; i < type->field_count; i++) {
        struct arena *arena = arena_create();
        const struct message_field *field = &type->fields[i];
        void *message = filled(type, arena);

        if (add_one(field, place_of(field, message), arena))
            expect_refused(type, field, message);
        arena_destroy(&arena);
    }
}

TEST(every_field_keeps_its_maximum)
{
    for_each_message(expect_limits);
}

/* ---- what a broken peer sends ---- */

static uint32_t next_number(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* Taken or refused: what was taken is within the table, so it can be sent on. */
static void expect_tolerance(const struct message_type *type)
{
    struct arena *arena = arena_create();
    struct strbuf wire, again;
    uint32_t state = 1;

    strbuf_init(&wire, STRBUF_UNLIMITED);
    strbuf_init(&again, STRBUF_UNLIMITED);
    encode(type, filled(type, arena), &wire);
    for (int round = 0; round < 200 && wire.len > 0; round++) {
        struct arena *own = arena_create();
        size_t len = round % 4 == 0 ? next_number(&state) % wire.len : wire.len;
        char *bytes = memory_alloc(len + 1);
        struct failure why;
        void *back;

        memcpy(bytes, wire.data, len);
        for (int i = 0; i < 3 && len > 0; i++)
            bytes[next_number(&state) % (i == 0 && len > 16 ? 16 : len)] = (char) next_number(&state);
        if (message_decode(type, str_make(bytes, len), -1, own, &back, &why))
            encode(type, back, &again);
        memory_free(bytes);
        arena_destroy(&own);
    }
    strbuf_done(&wire);
    strbuf_done(&again);
    arena_destroy(&arena);
}

TEST(a_mangled_message_is_refused_or_harmless)
{
    for_each_message(expect_tolerance);
}
