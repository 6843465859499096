/* SPDX-License-Identifier: Apache-2.0 */
/* milter_talk - one conversation: packets and time limits, how it begins and breaks, and what is asked. */
#include "base/check.h"
#include "milter/log_lines.h"
#include "milter/milter_private.h"
#include "run/loop.h"
#include "run/stream.h"

#include <errno.h>

/* However often a milter says that it is still at work. */
enum { PATIENCE_SECONDS = 3600, GOODBYE_SECONDS = 1, PIECE_MAXIMUM = 16 * 1024 };

#define COMMAND(letter_, stage_, version_, name)                                                                       \
    {                                                                                                                  \
        .letter = MILTER_COMMAND_##letter_, .stage = MILTER_STAGE_##stage_, .version = (version_),                     \
        .silent = MILTER_STEP_NO_##name, .mute = MILTER_STEP_NO_REPLY_##name                                           \
    }

const struct milter_event milter_event_connect = COMMAND(CONNECT, CONNECT, 2, CONNECT);
const struct milter_event milter_event_helo = COMMAND(HELO, HELO, 2, HELO);
const struct milter_event milter_event_mail = COMMAND(MAIL, MAIL, 2, MAIL);
const struct milter_event milter_event_rcpt = COMMAND(RCPT, RCPT, 2, RCPT);
const struct milter_event milter_event_data = COMMAND(DATA, DATA, 4, DATA);
const struct milter_event milter_event_unknown = COMMAND(UNKNOWN, UNKNOWN_COMMAND, 3, UNKNOWN);
const struct milter_event milter_event_header = {
    MILTER_COMMAND_HEADER, MILTER_STAGE_END_OF_HEADERS, 2, MILTER_STEP_NO_HEADERS, MILTER_STEP_NO_REPLY_HEADER,
};
const struct milter_event milter_event_end_of_headers = COMMAND(END_OF_HEADERS, END_OF_HEADERS, 2, END_OF_HEADERS);
const struct milter_event milter_event_body = COMMAND(BODY, END_OF_MESSAGE, 2, BODY);
const struct milter_event milter_event_end_of_body = {
    MILTER_COMMAND_END_OF_BODY, MILTER_STAGE_END_OF_MESSAGE, 2, 0, 0,
};

/* ---- the end of a conversation ---- */

static void close_stream(struct milter *milter)
{
    stream_destroy(&milter->stream);
    strbuf_done(&milter->in);
    strbuf_done(&milter->out);
    milter->is_waiting = false;
}

void milter_refuse(struct milter *milter, enum milter_state state, struct milter_verdict verdict)
{
    milter->state = state;
    milter->verdict = verdict;
    milter->verdict.reply = arena_str(milter->set->arena, verdict.reply);
    milter->verdict.where = verdict.action == MILTER_CONTINUE ? NULL : milter;
}

static struct milter_verdict default_verdict(enum milter_default action)
{
    static const struct milter_verdict verdicts[] = {
        [MILTER_DEFAULT_ACCEPT] = { .action = MILTER_CONTINUE },
        [MILTER_DEFAULT_REJECT] = { MILTER_REJECT, { "550 5.5.0 Service unavailable", 29 }, NULL },
        [MILTER_DEFAULT_TEMPFAIL] = { MILTER_REJECT, { "451 4.7.1 Service unavailable - try again later", 47 }, NULL },
        [MILTER_DEFAULT_QUARANTINE] = { .action = MILTER_HOLD },
        [MILTER_DEFAULT_SHUTDOWN] = { MILTER_SHUTDOWN, { "421 4.7.0 Server closing connection", 35 }, NULL },
    };

    return verdicts[action];
}

void milter_give_up(struct milter *milter)
{
    close_stream(milter);
    milter_refuse(milter, MILTER_IS_BROKEN, default_verdict(milter->service->default_action));
}

void milter_break(struct milter *milter, const char *text)
{
    log_milter_trouble(milter->service->name, text);
    milter_give_up(milter);
}

void milter_misconfigured(struct milter *milter, const char *text)
{
    static const struct milter_verdict verdict = {
        MILTER_REJECT,
        { "451 4.3.5 Server configuration problem - try again later", 56 },
        NULL,
    };

    log_milter_trouble(milter->service->name, text);
    close_stream(milter);
    milter_refuse(milter, MILTER_IS_BROKEN, verdict);
}

/* ---- packets ---- */

static void set_time(struct milter *milter, struct duration time)
{
    stream_set_timeout(milter->stream, time);
    stream_set_deadline(milter->stream, instant_add(loop_now(milter->set->options.loop), time));
}

static struct duration time_of(const struct milter *milter, char letter)
{
    switch (letter) {
    case MILTER_COMMAND_HEADER:
    case MILTER_COMMAND_END_OF_HEADERS:
    case MILTER_COMMAND_BODY:
    case MILTER_COMMAND_END_OF_BODY:
        return milter->service->content_timeout;
    case MILTER_COMMAND_NEGOTIATE:
        return milter->service->connect_timeout;
    default:
        return milter->service->command_timeout;
    }
}

void milter_is_heard_late(struct milter *milter, const struct milter_event *event)
{
    if (milter->is_waiting && stream_has_input(milter->stream))
        set_time(milter, time_of(milter, event->letter));
}

bool milter_progresses(struct milter *milter, const struct milter_event *event)
{
    if (instant_is_before(milter->patience_ends, loop_now(milter->set->options.loop))) {
        milter_break(milter, "has been at work for too long");
        return false;
    }
    set_time(milter, time_of(milter, event->letter));
    return true;
}

static const char *reason_of(const struct failure *why)
{
    if (why->kind == FAILURE_TIMEOUT)
        return strerror(ETIMEDOUT);
    if (why->error != 0)
        return strerror(why->error);
    return why->kind == FAILURE_PROTOCOL ? "the milter has closed the connection" : why->text;
}

static bool fail(struct milter *milter, const char *what, char letter, const char *part, const struct failure *why)
{
    struct failure text;

    (void) failure_set(&text, FAILURE_PROTOCOL, 0, "can't %s %s%s: %s", what, milter_command_name(letter), part,
                       reason_of(why));
    milter_break(milter, text.text);
    return false;
}

static bool send_out(struct milter *milter, char letter, bool is_flushed)
{
    struct failure why;
    bool is_sent = stream_write(milter->stream, strbuf_str(&milter->out), &why) &&
                   (!is_flushed || stream_flush(milter->stream, &why));

    strbuf_done(&milter->out);
    return is_sent || fail(milter, "send", letter, "", &why);
}

/* The data of a packet, in pieces as they come: what is only announced takes no memory. */
static bool read_data(struct milter *milter, uint32_t length, struct failure *why)
{
    struct str piece;

    strbuf_clear(&milter->in);
    while (milter->in.len < length) {
        size_t left = length - milter->in.len;

        if (!stream_read_some(milter->stream, left < PIECE_MAXIMUM ? left : PIECE_MAXIMUM, &piece, why))
            return false;
        strbuf_append(&milter->in, piece);
    }
    return true;
}

static bool read_one(struct milter *milter, char asked, char *letter_out, struct str *data_out)
{
    struct failure why;
    uint32_t length;
    struct str head, packet;

    if (!stream_read_exact(milter->stream, MILTER_LENGTH_BYTES, &head, &why))
        return fail(milter, "read", asked, " reply packet header", &why);
    if (!milter_packet_length(head.data, &length, &why)) {
        milter_break(milter, why.text);
        return false;
    }
    if (!read_data(milter, length, &why))
        return fail(milter, "read", asked, " reply packet data", &why);
    packet = strbuf_str(&milter->in);
    *letter_out = packet.data[0];
    *data_out = str_from(packet, 1);
    return true;
}

bool milter_read_packet(struct milter *milter, const struct milter_event *event, char *letter_out, struct str *data_out)
{
    return read_one(milter, event->letter, letter_out, data_out);
}

/* ---- the beginning ---- */

static bool read_agreement(struct milter *milter, uint32_t steps)
{
    struct failure why;
    struct str data;
    char letter;

    if (!read_one(milter, MILTER_COMMAND_NEGOTIATE, &letter, &data))
        return false;
    if (letter != MILTER_COMMAND_NEGOTIATE)
        (void) failure_set(&why, FAILURE_PROTOCOL, 0, "unexpected reply \"%c\" in initial handshake",
                           char_is_print(letter) ? letter : '?');
    else if (milter_agreement_parse(data, milter->service->version, steps, milter->set->arena, &milter->agreement,
                                    &why))
        return true;
    milter_break(milter, why.text);
    return false;
}

void milter_begin(struct milter *milter, int fd)
{
    const struct milter_service *service = milter->service;
    uint32_t steps = milter_steps_of(service->version, service->has_no_header_reply);
    struct failure why;
    size_t begin;

    if (!stream_create(milter->set->options.loop, fd, service->connect_timeout, &milter->stream, &why)) {
        milter_break(milter, why.text);
        return;
    }
    milter->state = MILTER_IS_READY;
    set_time(milter, service->connect_timeout);
    begin = milter_packet_begin(&milter->out, MILTER_COMMAND_NEGOTIATE);
    milter_packet_number(&milter->out, service->version);
    milter_packet_number(&milter->out, MILTER_RIGHTS);
    milter_packet_number(&milter->out, steps);
    milter_packet_end(&milter->out, begin);
    if (!send_out(milter, MILTER_COMMAND_NEGOTIATE, true) || !read_agreement(milter, steps))
        return;
    strbuf_done(&milter->in);
}

/* ---- questions ---- */

bool milter_is_asked(const struct milter *milter)
{
    return milter->state == MILTER_IS_READY;
}

static void append_command(struct milter *milter, char letter, struct str data)
{
    size_t begin = milter_packet_begin(&milter->out, letter);

    strbuf_append(&milter->out, data);
    milter_packet_end(&milter->out, begin);
}

static void append_macros(struct milter *milter, const struct milter_event *event)
{
    size_t begin = milter_packet_begin(&milter->out, MILTER_COMMAND_MACROS);

    strbuf_append_char(&milter->out, event->letter);
    milter_append_macros(milter, event->stage, &milter->out);
    milter_packet_end(&milter->out, begin);
}

/* Something it said that nobody asked for: the answers that follow would be those to other questions. */
static bool is_in_step(struct milter *milter, const struct milter_event *event)
{
    struct failure why;

    if (stream_buffered(milter->stream).len == 0) {
        if (!stream_has_input(milter->stream))
            return true;
        if (!stream_fill(milter->stream, &why))
            return fail(milter, "send", event->letter, "", &why);
    }
    (void) failure_set(&why, FAILURE_PROTOCOL, 0, "unexpected filter response before %s",
                       milter_command_name(event->letter));
    milter_break(milter, why.text);
    return false;
}

static bool is_of_content(const struct milter_event *event)
{
    return event->stage == MILTER_STAGE_END_OF_HEADERS || event->stage == MILTER_STAGE_END_OF_MESSAGE;
}

/* Before the content macros are told where the command itself is not wanted, too: milters ask for them later. */
void milter_ask(struct milter *milter, const struct milter_event *event, struct str data)
{
    bool is_silent = (milter->agreement.steps & event->silent) != 0;
    bool is_mute = (milter->agreement.steps & event->mute) != 0;
    bool may_gather = event->letter == MILTER_COMMAND_HEADER || event->letter == MILTER_COMMAND_BODY;

    CHECK(!milter->is_lent);
    milter->is_waiting = false;
    if (!milter_is_asked(milter) || milter->agreement.version < event->version || (is_silent && is_of_content(event)) ||
        !is_in_step(milter, event))
        return;
    set_time(milter, time_of(milter, event->letter));
    milter->patience_ends = instant_add(loop_now(milter->set->options.loop), seconds(PATIENCE_SECONDS));
    append_macros(milter, event);
    if (!is_silent)
        append_command(milter, event->letter, data);
    if (send_out(milter, event->letter, !is_mute || !may_gather))
        milter->is_waiting = !is_silent && !is_mute;
}

void milter_tell(struct milter *milter, char letter)
{
    struct failure why;

    append_command(milter, letter, STR_EMPTY);
    set_time(milter, letter == MILTER_COMMAND_QUIT ? seconds(GOODBYE_SECONDS) : milter->service->command_timeout);
    if (letter != MILTER_COMMAND_QUIT) {
        (void) send_out(milter, letter, true);
        return;
    }
    /* Nobody waits for it. */
    if (stream_write(milter->stream, strbuf_str(&milter->out), &why))
        (void) !stream_flush(milter->stream, &why);
    close_stream(milter);
}
