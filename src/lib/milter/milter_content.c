/* SPDX-License-Identifier: Apache-2.0 */
/* milter_content - header, body and end of a message, and what a milter wants changed in it. */
#include "milter/milter_private.h"

static bool is_wanted(const struct milter *milter, const struct milter_event *event)
{
    return milter_is_asked(milter) && (milter->agreement.steps & event->silent) == 0;
}

bool milter_wants_content(const struct milter *milter)
{
    return milter_is_asked(milter);
}

bool milter_wants_headers(const struct milter *milter)
{
    return is_wanted(milter, &milter_event_header);
}

bool milter_wants_body(const struct milter *milter)
{
    return is_wanted(milter, &milter_event_body) && !milter->has_skipped;
}

static struct milter_verdict ask(struct milter *milter, const struct milter_event *event, struct str data,
                                 struct arena *arena)
{
    milter_ask(milter, event, data);
    return milter_hear(milter, event, arena);
}

struct milter_verdict milter_header(struct milter *milter, struct str name, struct str value, struct arena *arena)
{
    struct milter_verdict verdict;
    struct strbuf data;

    /* The colon's blank alone: those that sign or check what is written want all others. */
    if ((milter->agreement.steps & MILTER_STEP_LEADING_SPACE) == 0 && str_starts_with(value, STR(" ")))
        value = str_from(value, 1);
    strbuf_init(&data, STRBUF_UNLIMITED);
    milter_packet_text(&data, name);
    milter_packet_text(&data, value);
    verdict = ask(milter, &milter_event_header, strbuf_str(&data), arena);
    strbuf_done(&data);
    return verdict;
}

struct milter_verdict milter_end_of_headers(struct milter *milter, struct arena *arena)
{
    return ask(milter, &milter_event_end_of_headers, STR_EMPTY, arena);
}

/* ---- the body ---- */

static struct milter_verdict send_body(struct milter *milter, size_t length, struct arena *arena)
{
    struct milter_verdict verdict =
        ask(milter, &milter_event_body, str_part(strbuf_str(&milter->body), 0, length), arena);

    strbuf_consume(&milter->body, length);
    return verdict;
}

/* Lines end in CR LF for milters. */
static void append_lines(struct strbuf *out, struct str bytes)
{
    while (bytes.len > 0) {
        size_t end = str_find_char(bytes, '\n');

        if (end == STR_NOT_FOUND) {
            strbuf_append(out, bytes);
            return;
        }
        strbuf_append(out, str_part(bytes, 0, end));
        strbuf_append(out, STR("\r\n"));
        bytes = str_from(bytes, end + 1);
    }
}

struct milter_verdict milter_body(struct milter *milter, struct str bytes, struct arena *arena)
{
    struct milter_verdict verdict = { .action = MILTER_CONTINUE };

    while (bytes.len > 0 && milter_wants_body(milter)) {
        struct str piece = str_part(bytes, 0, MILTER_CHUNK_MAXIMUM / 2);

        bytes = str_from(bytes, piece.len);
        append_lines(&milter->body, piece);
        if (milter->body.len < MILTER_CHUNK_MAXIMUM)
            continue;
        verdict = send_body(milter, MILTER_CHUNK_MAXIMUM, arena);
        if (verdict.action != MILTER_CONTINUE && verdict.action != MILTER_HOLD)
            break;
    }
    return verdict;
}

/* ---- the end ---- */

static void conclude(struct milter *milter, struct milter_verdict verdict)
{
    milter->is_concluded = true;
    milter->is_waiting = false;
    milter->conclusion = verdict;
    milter->conclusion.reply = arena_str(milter->set->arena, verdict.reply);
}

void milter_end_of_message(struct milter *milter)
{
    struct milter_verdict verdict = { .action = MILTER_CONTINUE };
    struct arena *arena = milter->set->arena;

    if (milter_wants_body(milter) && milter->body.len > 0)
        verdict = send_body(milter, milter->body.len, arena);
    strbuf_done(&milter->body);
    if (verdict.action == MILTER_CONTINUE || verdict.action == MILTER_HOLD)
        milter_ask(milter, &milter_event_end_of_body, STR_EMPTY);
    /* One that is not asked has said all that it has to say. */
    if (!milter->is_waiting)
        conclude(milter,
                 verdict.action == MILTER_CONTINUE ? milter_hear(milter, &milter_event_end_of_body, arena) : verdict);
}

/* LF between lines again, as all content has them here; a CR at the end is held back until what follows is known. */
static void take_body(struct milter *milter, struct str bytes, struct milter_change *change)
{
    strbuf_clear(&milter->body);
    for (size_t i = 0; i < bytes.len; i++) {
        if (milter->has_return && bytes.data[i] != '\n')
            strbuf_append_char(&milter->body, '\r');
        milter->has_return = bytes.data[i] == '\r';
        if (!milter->has_return)
            strbuf_append_char(&milter->body, bytes.data[i]);
    }
    change->bytes = strbuf_str(&milter->body);
}

static void finish(struct milter *milter, struct milter_change *change)
{
    if (milter->has_return && !milter_is_broken(milter)) {
        milter->has_return = false;
        *change = (struct milter_change){ .kind = MILTER_CHANGE_BODY, .bytes = STR("\r") };
        return;
    }
    strbuf_done(&milter->in);
    strbuf_done(&milter->body);
    *change = (struct milter_change){ .kind = MILTER_CHANGE_NONE, .verdict = milter->conclusion };
    milter->is_in_message = false;
    if (milter->state == MILTER_HAS_TAKEN)
        milter->state = MILTER_IS_READY;
}

/* True: it is a change. */
static bool take_change(struct milter *milter, char letter, struct str data, struct arena *arena,
                        struct milter_change *change)
{
    struct failure why;

    if (!milter_change_parse(letter, data, &milter->agreement, arena, change, &why))
        milter_break(milter, why.text);
    if (milter_is_broken(milter) || !milter_progresses(milter, &milter_event_end_of_body)) {
        conclude(milter, milter->verdict);
        return false;
    }
    if (change->kind == MILTER_CHANGE_BODY)
        take_body(milter, change->bytes, change);
    return true;
}

void milter_next_change(struct milter *milter, struct arena *arena, struct milter_change *change_out)
{
    const struct milter_event *event = &milter_event_end_of_body;
    struct milter_verdict verdict;
    struct str data;
    char letter;

    while (!milter->is_concluded) {
        if (!milter_read_packet(milter, event, &letter, &data)) {
            conclude(milter, milter->verdict);
        } else if (milter_is_change(letter)) {
            if (take_change(milter, letter, data, arena, change_out))
                return;
        } else if (milter_judge(milter, event, letter, data, milter->set->arena, &verdict)) {
            conclude(milter, verdict);
        }
    }
    finish(milter, change_out);
}
