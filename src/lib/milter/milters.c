/* SPDX-License-Identifier: Apache-2.0 */
/* milters - those of a session, asked in order or side by side, and the macros that they are told. */
#include "base/check.h"
#include "config/main_cf.h"
#include "milter/log_lines.h"
#include "milter/milter_private.h"
#include "run/fiber.h"
#include "run/stream.h"

#include <errno.h>

enum { MACROS_MAXIMUM = 16 * 1024, BODY_PIECE_MAXIMUM = 2 * MILTER_PACKET_MAXIMUM };

static void init(struct milter *milter, struct milters *set, const struct milter_service *service)
{
    milter->set = set;
    milter->service = service;
    strbuf_init(&milter->in, MILTER_PACKET_MAXIMUM);
    strbuf_init(&milter->out, STRBUF_UNLIMITED);
    strbuf_init(&milter->body, BODY_PIECE_MAXIMUM);
}

struct milters *milters_create(const struct milters_options *options, const struct milter_services *services)
{
    struct arena *arena = arena_create();
    struct milters *milters = arena_new(arena, struct milters);

    milters->options = *options;
    milters->arena = arena;
    milters->items = arena_new_array(arena, services->count + 1, struct milter);
    milters->count = milters->capacity = services->count;
    for (size_t i = 0; i < services->count; i++)
        init(&milters->items[i], milters, &services->items[i]);
    return milters;
}

struct milters *milters_create_borrowed(struct loop *loop)
{
    struct arena *arena = arena_create();
    struct milters *milters = arena_new(arena, struct milters);

    milters->options.loop = loop;
    milters->arena = arena;
    milters->capacity = MILTERS_LENT_MAXIMUM;
    milters->items = arena_new_array(arena, milters->capacity, struct milter);
    milters->is_borrowed = true;
    return milters;
}

struct milter *milters_add(struct milters *milters, const struct milter_service *service)
{
    if (milters->count >= milters->capacity)
        return NULL;
    init(&milters->items[milters->count], milters, service);
    return &milters->items[milters->count++];
}

void milters_destroy(struct milters **milters)
{
    struct arena *arena;

    if (*milters == NULL)
        return;
    for (size_t i = 0; i < (*milters)->count; i++) {
        struct milter *milter = &(*milters)->items[i];

        stream_destroy(&milter->stream);
        strbuf_done(&milter->in);
        strbuf_done(&milter->out);
        strbuf_done(&milter->body);
    }
    arena = (*milters)->arena;
    *milters = NULL;
    arena_destroy(&arena);
}

size_t milters_count(const struct milters *milters)
{
    return milters->count;
}

struct milter *milters_at(struct milters *milters, size_t place)
{
    CHECK(place < milters->count);
    return &milters->items[place];
}

struct str milter_name(const struct milter *milter)
{
    return milter->service->name;
}

bool milter_is_broken(const struct milter *milter)
{
    return milter->state == MILTER_IS_BROKEN;
}

/* ---- macros ---- */

static struct str without_braces(struct str name)
{
    if (name.len >= 2 && name.data[0] == '{' && name.data[name.len - 1] == '}')
        return str_part(name, 1, name.len - 2);
    return name;
}

/* What milter_macro_defaults has. */
static bool find_default(const struct milters *milters, struct str wanted, struct strbuf *value)
{
    struct str defaults = milters->options.settings->macro_defaults;
    struct arena *arena;
    struct strlist words;
    struct str name, text;
    bool is_found = false;

    if (defaults.len == 0)
        return false;
    arena = arena_create();
    words = main_cf_words(defaults, arena);
    for (size_t i = 0; i < words.count && !is_found; i++) {
        is_found = main_cf_split_assignment(words.items[i], &name, &text) && str_equal(without_braces(name), wanted);
        if (is_found)
            strbuf_append(value, text);
    }
    arena_destroy(&arena);
    return is_found;
}

static void append_macro(const struct milters *milters, struct str word, struct strbuf *value, struct strbuf *out)
{
    struct str name = without_braces(word);

    strbuf_clear(value);
    if (!milters->options.macro(milters->options.macro_context, name, value) && !find_default(milters, name, value))
        return;
    if (word.len + value->len + 2 > MACROS_MAXIMUM - (out->len < MACROS_MAXIMUM ? out->len : MACROS_MAXIMUM))
        return;
    milter_packet_text(out, word);
    milter_packet_text(out, strbuf_str(value));
}

void milter_append_macros(const struct milter *milter, enum milter_stage stage, struct strbuf *out)
{
    const struct milters *milters = milter->set;
    struct strbuf value;
    struct str names, word;

    if (milters->is_borrowed) {
        strbuf_append(out, milter->macros[stage]);
        return;
    }
    names = milter->agreement.has_macros[stage] ? milter->agreement.macros[stage]
                                                : milter_settings_macros(milters->options.settings, stage);
    strbuf_init(&value, MACROS_MAXIMUM);
    while (str_next_word(&names, ", \t\r\n", &word))
        append_macro(milters, word, &value, out);
    strbuf_done(&value);
}

/* ---- events ---- */

/* The first that refuses, or throws away; else the first that wants the message held. */
static void add_verdict(struct milter_verdict *all, struct milter_verdict one)
{
    if (one.action == MILTER_CONTINUE)
        return;
    if (all->action == MILTER_CONTINUE || (all->action == MILTER_HOLD && one.action != MILTER_HOLD))
        *all = one;
}

/* All are told before the first is waited for. */
static struct milter_verdict ask_all(struct milters *milters, const struct milter_event *event, struct str data,
                                     struct arena *arena)
{
    struct milter_verdict verdict = { .action = MILTER_CONTINUE };

    for (size_t i = 0; i < milters->count; i++)
        milter_ask(&milters->items[i], event, data);
    for (size_t i = 0; i < milters->count; i++)
        add_verdict(&verdict, milter_hear(&milters->items[i], event, arena));
    return verdict;
}

static struct milter_verdict ask_in_order(struct milters *milters, const struct milter_event *event, struct str data,
                                          struct arena *arena)
{
    struct milter_verdict verdict = { .action = MILTER_CONTINUE };

    for (size_t i = 0; i < milters->count; i++) {
        milter_ask(&milters->items[i], event, data);
        add_verdict(&verdict, milter_hear(&milters->items[i], event, arena));
        if (verdict.action != MILTER_CONTINUE && verdict.action != MILTER_HOLD)
            break;
    }
    return verdict;
}

static struct str join(const struct strlist *arguments, struct arena *arena)
{
    struct strbuf text;
    struct str joined;

    strbuf_init(&text, STRBUF_UNLIMITED);
    for (size_t i = 0; i < arguments->count; i++)
        milter_packet_text(&text, arguments->items[i]);
    joined = arena_str(arena, strbuf_str(&text));
    strbuf_done(&text);
    return joined;
}

/* One text, with its NUL. */
static struct str alone(struct str text, struct arena *arena)
{
    struct strlist list = { .items = &text, .count = 1 };

    return join(&list, arena);
}

static struct str describe_client(const struct milter_client *client, struct arena *arena)
{
    char family = client->address.len == 0 ? 'U' : str_contains_char(client->address, ':') ? '6' : '4';
    struct strbuf text;
    struct str described;

    strbuf_init(&text, STRBUF_UNLIMITED);
    milter_packet_text(&text, client->name);
    strbuf_append_char(&text, family);
    if (family != 'U') {
        strbuf_append_char(&text, (char) (client->port >> 8));
        strbuf_append_char(&text, (char) (client->port & 0xff));
        milter_packet_text(&text, client->address);
    }
    described = arena_str(arena, strbuf_str(&text));
    strbuf_done(&text);
    return described;
}

/* ---- the beginning ---- */

static const char *reason_of(const struct failure *why)
{
    if (why->kind == FAILURE_TIMEOUT)
        return strerror(ETIMEDOUT);
    return why->error != 0 ? strerror(why->error) : why->text;
}

static void open_one(void *context)
{
    struct milter *milter = context;
    const struct milters_options *options = &milter->set->options;
    struct failure why;
    int fd;

    if (milter->service->trouble.len > 0) {
        milter_misconfigured(milter, milter->service->trouble.data);
    } else if (options->dial(options->dial_context, milter->service, &fd, &why)) {
        milter_begin(milter, fd);
    } else {
        log_milter_connect_failed(milter->service->name, reason_of(&why));
        milter_give_up(milter);
    }
}

static void open_all(struct milters *milters)
{
    struct fiber_group group;

    if (milters->count == 1) {
        open_one(&milters->items[0]);
        return;
    }
    fiber_group_init(&group, milters->options.loop);
    for (size_t i = 0; i < milters->count; i++)
        fiber_group_start(&group, open_one, &milters->items[i]);
    (void) !fiber_group_wait(&group, DURATION_FOREVER, NULL);
}

struct milter_verdict milters_connect(struct milters *milters, const struct milter_client *client, struct arena *arena)
{
    open_all(milters);
    return ask_all(milters, &milter_event_connect, describe_client(client, arena), arena);
}

struct milter_verdict milters_helo(struct milters *milters, struct str name, struct arena *arena)
{
    return ask_all(milters, &milter_event_helo, alone(name, arena), arena);
}

struct milter_verdict milters_unknown(struct milters *milters, struct str line, struct arena *arena)
{
    return ask_all(milters, &milter_event_unknown, alone(line, arena), arena);
}

/* ---- a message ---- */

static void begin_message(struct milter *milter)
{
    if (milter->state == MILTER_HAS_TAKEN)
        milter->state = MILTER_IS_READY;
    milter->is_in_message = milter->state == MILTER_IS_READY;
    milter->has_skipped = milter->is_concluded = milter->has_return = false;
    strbuf_done(&milter->body);
}

struct milter_verdict milters_mail(struct milters *milters, const struct strlist *arguments, struct arena *arena)
{
    for (size_t i = 0; i < milters->count; i++)
        begin_message(&milters->items[i]);
    return ask_all(milters, &milter_event_mail, join(arguments, arena), arena);
}

struct milter_verdict milters_rcpt(struct milters *milters, const struct strlist *arguments, struct arena *arena)
{
    return ask_in_order(milters, &milter_event_rcpt, join(arguments, arena), arena);
}

static bool wants_rejected_rcpt(const struct milter *milter)
{
    return milter_is_asked(milter) && (milter->agreement.steps & MILTER_STEP_REJECTED_RCPT) != 0;
}

bool milters_want_rejected_rcpt(const struct milters *milters)
{
    for (size_t i = 0; i < milters->count; i++) {
        if (wants_rejected_rcpt(&milters->items[i]))
            return true;
    }
    return false;
}

void milters_rejected_rcpt(struct milters *milters, const struct strlist *arguments, struct arena *arena)
{
    struct str data = join(arguments, arena);

    for (size_t i = 0; i < milters->count; i++) {
        struct milter *milter = &milters->items[i];

        milter->is_waiting = false;
        if (wants_rejected_rcpt(milter))
            milter_ask(milter, &milter_event_rcpt, data);
    }
    for (size_t i = 0; i < milters->count; i++)
        (void) milter_hear(&milters->items[i], &milter_event_rcpt, arena);
}

struct milter_verdict milters_data(struct milters *milters, struct arena *arena)
{
    return ask_all(milters, &milter_event_data, STR_EMPTY, arena);
}

void milter_abort(struct milter *milter)
{
    if (!milter->is_in_message || milter->is_lent)
        return;
    milter->is_in_message = false;
    if (milter->state == MILTER_HAS_TAKEN)
        milter->state = MILTER_IS_READY;
    if (milter->stream != NULL)
        milter_tell(milter, MILTER_COMMAND_ABORT);
}

void milters_abort(struct milters *milters)
{
    for (size_t i = 0; i < milters->count; i++)
        milter_abort(&milters->items[i]);
}

void milters_quit(struct milters *milters)
{
    milters_abort(milters);
    for (size_t i = 0; i < milters->count; i++) {
        struct milter *milter = &milters->items[i];

        if (milter->stream != NULL && !milter->is_lent)
            milter_tell(milter, MILTER_COMMAND_QUIT);
    }
}
