/* SPDX-License-Identifier: Apache-2.0 */
/* milter_lend - a conversation in the hands of another process, for the time of a message's content. */
#include "ipc/message.h"
#include "milter/milter_private.h"
#include "os/fd.h"
#include "run/stream.h"

enum { NAME_MAXIMUM = 4096, REPLY_MAXIMUM = 16 * 1024, LENT_MACROS_MAXIMUM = 17 * 1024 };

/* The letters of milters_conditions. */
enum {
    CONDITION_READY = 'r',   /* for the next message */
    CONDITION_MIDWAY = 'm',  /* the message must be aborted */
    CONDITION_REFUSED = 'x', /* broken, or it has refused the session */
};

struct lent_milter {
    struct str name;
    uint64_t state; /* enum milter_state */
    uint64_t default_action;
    uint64_t content_us; /* content_timeout */
    uint64_t command_us;
    uint64_t version;
    uint64_t rights;
    uint64_t steps;
    bool wants_hold;
    bool is_in_message;
    uint64_t action; /* enum milter_action, of one that refused or is broken */
    struct str reply;
    struct str header_macros;
    struct str message_macros;
};

static const struct message_field lent_milter_fields[] = {
    MESSAGE_FIELD(struct lent_milter, name, FIELD_STR, NAME_MAXIMUM, "as in log lines"),
    MESSAGE_FIELD(struct lent_milter, state, FIELD_UINT, MILTER_STATE_COUNT - 1, "enum milter_state"),
    MESSAGE_FIELD(struct lent_milter, default_action, FIELD_UINT, MILTER_DEFAULT_SHUTDOWN, "enum milter_default"),
    MESSAGE_FIELD(struct lent_milter, content_us, FIELD_UINT, INT64_MAX, "how long a piece of content may take"),
    MESSAGE_FIELD(struct lent_milter, command_us, FIELD_UINT, INT64_MAX, "how long a command may take"),
    MESSAGE_FIELD(struct lent_milter, version, FIELD_UINT, 6, "of the protocol"),
    MESSAGE_FIELD(struct lent_milter, rights, FIELD_UINT, UINT32_MAX, "what it may change"),
    MESSAGE_FIELD(struct lent_milter, steps, FIELD_UINT, UINT32_MAX, "enum milter_step"),
    MESSAGE_FIELD(struct lent_milter, wants_hold, FIELD_BOOL, 1, "it wants the message held"),
    MESSAGE_FIELD(struct lent_milter, is_in_message, FIELD_BOOL, 1, "it has heard MAIL"),
    MESSAGE_FIELD(struct lent_milter, action, FIELD_UINT, MILTER_SHUTDOWN, "enum milter_action of its verdict"),
    MESSAGE_FIELD(struct lent_milter, reply, FIELD_STR, REPLY_MAXIMUM, "of its verdict"),
    MESSAGE_FIELD(struct lent_milter, header_macros, FIELD_STR, LENT_MACROS_MAXIMUM, "names and values with NUL"),
    MESSAGE_FIELD(struct lent_milter, message_macros, FIELD_STR, LENT_MACROS_MAXIMUM, "names and values with NUL"),
};
static MESSAGE_TYPE(lent_milter);

static struct str macros_of(const struct milter *milter, enum milter_stage stage, struct arena *arena)
{
    struct strbuf text;
    struct str macros;

    if (!milter_is_asked(milter))
        return STR_EMPTY;
    strbuf_init(&text, STRBUF_UNLIMITED);
    milter_append_macros(milter, stage, &text);
    macros = arena_str(arena, strbuf_str(&text));
    strbuf_done(&text);
    return macros;
}

void milter_lend(struct milter *milter, struct arena *arena, int *fd_out, struct str *state_out)
{
    const struct milter_service *service = milter->service;
    struct lent_milter lent = { .name = str_part(service->name, 0, NAME_MAXIMUM) };
    struct strbuf text;
    int fd;

    if (milter->stream != NULL && stream_buffered(milter->stream).len > 0)
        milter_break(milter, "unexpected filter response before SMFIC_HEADER");
    lent.state = milter->state;
    lent.default_action = service->default_action;
    lent.content_us = (uint64_t) service->content_timeout.us;
    lent.command_us = (uint64_t) service->command_timeout.us;
    lent.version = milter->agreement.version;
    lent.rights = milter->agreement.rights;
    lent.steps = milter->agreement.steps;
    lent.wants_hold = milter->wants_hold;
    lent.is_in_message = milter->is_in_message;
    lent.action = milter->verdict.action;
    lent.reply = str_part(milter->verdict.reply, 0, REPLY_MAXIMUM);
    lent.header_macros = macros_of(milter, MILTER_STAGE_END_OF_HEADERS, arena);
    lent.message_macros = macros_of(milter, MILTER_STAGE_END_OF_MESSAGE, arena);
    strbuf_init(&text, MILTER_STATE_MAXIMUM);
    /* No field of it is a descriptor, and all together are shorter than the maximum. */
    (void) !message_encode(&lent_milter_message, &lent, &text, &fd, NULL);
    *state_out = arena_str(arena, strbuf_str(&text));
    strbuf_done(&text);
    *fd_out = milter_is_asked(milter) ? stream_fd(milter->stream) : -1;
    milter->is_lent = *fd_out >= 0;
}

void milters_returned(struct milters *milters, struct str conditions)
{
    bool is_lost;
    size_t lent = 0;

    for (size_t i = 0; i < milters->count; i++)
        lent += milters->items[i].is_lent;
    is_lost = conditions.len != lent;
    for (size_t i = 0; i < milters->count; i++) {
        struct milter *milter = &milters->items[i];
        char condition;

        if (!milter->is_lent)
            continue;
        milter->is_lent = false;
        if (is_lost) {
            milter_break(milter, "the conversation was lost with the message");
            continue;
        }
        condition = conditions.data[0];
        conditions = str_from(conditions, 1);
        milter->is_in_message = condition == CONDITION_MIDWAY;
        /* Who borrowed it has told why. */
        if (condition != CONDITION_READY && condition != CONDITION_MIDWAY)
            milter_give_up(milter);
    }
}

void milters_unused(struct milters *milters)
{
    for (size_t i = 0; i < milters->count; i++)
        milters->items[i].is_lent = false;
}

/* What cannot be, from a service that knows what it does. */
static bool is_consistent(const struct lent_milter *lent, int fd)
{
    bool is_ready = lent->state == MILTER_IS_READY;
    bool has_verdict = lent->state == MILTER_HAS_REFUSED || lent->state == MILTER_IS_BROKEN;

    return lent->state != MILTER_IS_NEW && is_ready == (fd >= 0) && (!is_ready || lent->version >= 2) &&
           (has_verdict || lent->action == MILTER_CONTINUE);
}

static struct milter_service *service_of(const struct lent_milter *lent, struct arena *arena)
{
    struct milter_service *service = arena_new(arena, struct milter_service);

    service->name = lent->name;
    service->default_action = (enum milter_default) lent->default_action;
    service->content_timeout.us = (int64_t) lent->content_us;
    service->command_timeout.us = (int64_t) lent->command_us;
    service->connect_timeout = service->command_timeout;
    service->version = (unsigned) lent->version;
    return service;
}

static bool take(struct milters *milters, int fd, const struct lent_milter *lent, struct failure *why)
{
    struct stream *stream = NULL;
    struct milter *milter;

    if (!is_consistent(lent, fd) || milters->count >= milters->capacity) {
        fd_close(&fd);
        return failure_set(why, FAILURE_PROTOCOL, 0, "not the state of a milter");
    }
    if (fd >= 0 &&
        !stream_create(milters->options.loop, fd, (struct duration){ (int64_t) lent->content_us }, &stream, why))
        return false;
    milter = milters_add(milters, service_of(lent, milters->arena));
    milter->stream = stream;
    milter->agreement.version = (unsigned) lent->version;
    milter->agreement.rights = (uint32_t) lent->rights;
    milter->agreement.steps = (uint32_t) lent->steps;
    milter->wants_hold = lent->wants_hold;
    milter->is_in_message = lent->is_in_message;
    milter->macros[MILTER_STAGE_END_OF_HEADERS] = lent->header_macros;
    milter->macros[MILTER_STAGE_END_OF_MESSAGE] = lent->message_macros;
    milter_refuse(milter, (enum milter_state) lent->state,
                  (struct milter_verdict){ .action = (enum milter_action) lent->action, .reply = lent->reply });
    return true;
}

bool milters_borrow(struct milters *milters, int fd, struct str state, struct failure *why)
{
    void *lent;

    if (message_decode(&lent_milter_message, state, -1, milters->arena, &lent, why))
        return take(milters, fd, lent, why);
    fd_close(&fd);
    return false;
}

static char condition_of(const struct milter *milter)
{
    bool is_usable = milter->state == MILTER_IS_READY || milter->state == MILTER_HAS_TAKEN;

    if (!is_usable || milter->is_waiting || milter->stream == NULL || stream_buffered(milter->stream).len > 0)
        return CONDITION_REFUSED;
    return milter->is_in_message ? CONDITION_MIDWAY : CONDITION_READY;
}

struct str milters_conditions(const struct milters *milters, struct arena *arena)
{
    char *letters = arena_alloc(arena, milters->count + 1);

    for (size_t i = 0; i < milters->count; i++)
        letters[i] = condition_of(&milters->items[i]);
    return str_make(letters, milters->count);
}
