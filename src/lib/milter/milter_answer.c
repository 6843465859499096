/* SPDX-License-Identifier: Apache-2.0 */
/* milter_answer - what a milter's answer means, and what becomes of one that breaks the rules. */
#include "milter/log_lines.h"
#include "milter/milter_private.h"

static bool is_of_session(const struct milter_event *event)
{
    return event->letter == MILTER_COMMAND_CONNECT || event->letter == MILTER_COMMAND_HELO;
}

static struct milter_verdict standing_verdict(const struct milter *milter)
{
    if (milter->state == MILTER_HAS_REFUSED || milter->state == MILTER_IS_BROKEN)
        return milter->verdict;
    if (milter->wants_hold)
        return (struct milter_verdict){ .action = MILTER_HOLD, .where = milter };
    return (struct milter_verdict){ .action = MILTER_CONTINUE };
}

static struct milter_verdict refuse(struct milter *milter, const struct milter_event *event, enum milter_action action,
                                    struct str reply)
{
    struct milter_verdict verdict = { .action = action, .reply = reply, .where = milter };

    if (is_of_session(event) || action == MILTER_SHUTDOWN)
        milter_refuse(milter, MILTER_HAS_REFUSED, verdict);
    return verdict;
}

static struct milter_verdict discard(struct milter *milter, const struct milter_event *event)
{
    if (is_of_session(event) || !milter->is_in_message) {
        log_milter_trouble(milter->service->name, is_of_session(event)
                                                      ? "DISCARD action is not allowed for connect or helo"
                                                      : "DISCARD action is not allowed without a message");
        return standing_verdict(milter);
    }
    milter->state = MILTER_HAS_TAKEN;
    return (struct milter_verdict){ .action = MILTER_DISCARD, .where = milter };
}

static void take_accept(struct milter *milter, const struct milter_event *event)
{
    if (is_of_session(event))
        milter->state = MILTER_HAS_ACCEPTED;
    else if (milter->is_in_message)
        milter->state = MILTER_HAS_TAKEN;
}

static bool has_no_data(struct milter *milter, char letter, struct str data)
{
    struct failure text;

    if (data.len == 0 || letter == MILTER_RESPONSE_REPLY || letter == MILTER_RESPONSE_QUARANTINE)
        return true;
    (void) failure_set(&text, FAILURE_PROTOCOL, 0, "reply %s was followed by %zu data bytes",
                       milter_response_name(letter), data.len);
    milter_break(milter, text.text);
    return false;
}

static struct milter_verdict unexpected(struct milter *milter, const struct milter_event *event, char letter)
{
    struct failure text;

    (void) failure_set(&text, FAILURE_PROTOCOL, 0, "unexpected filter response %s after event %s",
                       milter_response_name(letter), milter_command_name(event->letter));
    milter_break(milter, text.text);
    return milter->verdict;
}

static struct milter_verdict take_reply(struct milter *milter, const struct milter_event *event, struct str data,
                                        struct arena *arena)
{
    static const struct str broken = { "451 4.3.5 Server configuration problem - try again later", 56 };
    struct failure text;
    struct str reply;

    if (!milter_reply_parse(data, arena, &reply)) {
        (void) failure_set(&text, FAILURE_PROTOCOL, 0, "malformed reply: %.*s", (int) (data.len < 200 ? data.len : 200),
                           data.data);
        log_milter_trouble(milter->service->name, text.text);
        reply = broken;
    }
    return refuse(milter, event, str_starts_with(reply, STR("421")) ? MILTER_SHUTDOWN : MILTER_REJECT, reply);
}

bool milter_judge(struct milter *milter, const struct milter_event *event, char letter, struct str data,
                  struct arena *arena, struct milter_verdict *verdict_out)
{
    *verdict_out = standing_verdict(milter);
    if (strchr("acdfprst4", letter) != NULL && letter != '\0' && !has_no_data(milter, letter, data)) {
        *verdict_out = milter->verdict;
        return true;
    }
    switch (letter) {
    case MILTER_RESPONSE_PROGRESS:
        if (milter_progresses(milter, event))
            return false;
        *verdict_out = milter->verdict;
        break;
    case MILTER_RESPONSE_QUARANTINE:
        milter->wants_hold = true;
        return false;
    case MILTER_RESPONSE_SKIP:
        milter->has_skipped |= event == &milter_event_body && (milter->agreement.steps & MILTER_STEP_SKIP) != 0;
        break;
    case MILTER_RESPONSE_CONTINUE:
        break;
    case MILTER_RESPONSE_ACCEPT:
        take_accept(milter, event);
        break;
    case MILTER_RESPONSE_DISCARD:
        *verdict_out = discard(milter, event);
        break;
    case MILTER_RESPONSE_REJECT:
        *verdict_out = refuse(milter, event, MILTER_REJECT, STR("550 5.7.1 Command rejected"));
        break;
    case MILTER_RESPONSE_TEMPFAIL:
        *verdict_out = refuse(milter, event, MILTER_REJECT, STR("451 4.7.1 Service unavailable - try again later"));
        break;
    case MILTER_RESPONSE_SHUTDOWN:
        *verdict_out = refuse(milter, event, MILTER_SHUTDOWN, STR("421 4.7.0 Server closing connection"));
        break;
    case MILTER_RESPONSE_REPLY:
        *verdict_out = take_reply(milter, event, data, arena);
        break;
    default:
        *verdict_out = unexpected(milter, event, letter);
        break;
    }
    return true;
}

struct milter_verdict milter_hear(struct milter *milter, const struct milter_event *event, struct arena *arena)
{
    struct milter_verdict verdict = standing_verdict(milter);
    struct str data;
    char letter;

    milter_is_heard_late(milter, event);
    while (milter->is_waiting) {
        if (!milter_read_packet(milter, event, &letter, &data))
            return milter->verdict;
        milter->is_waiting = !milter_judge(milter, event, letter, data, arena, &verdict);
    }
    strbuf_done(&milter->in);
    if (verdict.action == MILTER_CONTINUE && milter->wants_hold)
        verdict = standing_verdict(milter);
    return verdict;
}
