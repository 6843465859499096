/* SPDX-License-Identifier: Apache-2.0 */
#include "local/resubmit.h"

#include "base/strbuf.h"
#include "config/shared_settings.h"
#include "delivery/content.h"
#include "mail/casefold.h"
#include "mail/date.h"
#include "mail/quote.h"
#include "mail/verp.h"
#include "protocol/cleanup.h"

enum { TIMEOUT_SECONDS = 3600, HEAD_MAX = 16 * 1024 };

struct submission {
    struct attempt *attempt;
    const struct resubmission *first; /* the others are alike */
    struct call *call;
    struct str queue_id;
};

static struct str head_of(const struct submission *submission)
{
    const struct attempt *attempt = submission->attempt;
    struct strbuf head;
    struct str text;

    strbuf_init(&head, HEAD_MAX);
    strbuf_printf(&head, "Received: by %.*s (%.*s)\n\tid %.*s; ", STR_ARG(attempt->local->shared->myhostname),
                  STR_ARG(attempt->local->shared->mail_name), STR_ARG(submission->queue_id));
    (void) date_append(&head, clock_now());
    strbuf_append_char(&head, '\n');
    if (str_is_empty(submission->first->transport) &&
        local_list_has(&attempt->local->settings->prepend_delivered_header, "forward")) {
        strbuf_append_c(&head, "Delivered-To: ");
        (void) quote_address(&head, casefold(attempt->arena, submission->first->delivered_to));
        strbuf_append_char(&head, '\n');
    }
    text = arena_str(attempt->arena, strbuf_str(&head));
    strbuf_done(&head);
    return text;
}

/* Success was told already: it was expanded. */
static uint64_t notify_of(const struct deliver_recipient *asked)
{
    uint64_t rest = asked->dsn_notify & ~(uint64_t) DSN_NOTIFY_SUCCESS;

    return asked->dsn_notify != 0 && rest == 0 ? DSN_NOTIFY_NEVER : rest;
}

/* They go as one message. What another transport delivers to does not: the agents that are meant take one at a time. */
static bool are_alike(const struct resubmission *one, const struct resubmission *other)
{
    if (!str_is_empty(one->transport) || !str_is_empty(other->transport))
        return one == other;
    return str_equal(one->sender, other->sender) && one->is_sent_anew == other->is_sent_anew &&
           str_equal(one->delivered_to, other->delivered_to);
}

/* Where the message came from, and the one transport that it goes to if there is one. What the sender wanted of VERP
 * was done: the sender that it goes on with is that of this recipient, or a list's owner. */
static struct strlist attributes_of(const struct submission *submission)
{
    struct arena *arena = submission->attempt->arena;
    const struct strlist *asked = &submission->attempt->delivery->request->attributes;
    struct strlist attributes = { 0 };

    for (size_t i = 0; i < asked->count; i++) {
        if (!str_starts_with(asked->items[i], STR(VERP_ATTRIBUTE "=")))
            strlist_add_view(&attributes, arena, asked->items[i]);
    }
    if (!str_is_empty(submission->first->transport))
        strlist_add_view(&attributes, arena,
                         arena_printf(arena, "content_filter=%.*s", STR_ARG(submission->first->transport)));
    return attributes;
}

/* Who was meant at first goes on as long as the sender is the same; what was asked of notifications, to any. */
static bool send_envelope(struct submission *submission, struct failure *why)
{
    const struct attempt *attempt = submission->attempt;
    const struct deliver_request *request = attempt->delivery->request;
    const struct deliver_recipient *asked = &attempt->delivery->recipients[attempt->recipient];
    bool is_same = !submission->first->is_sent_anew;
    struct cleanup_envelope envelope = {
        .arrival = request->arrival,
        .sender = submission->first->sender,
        .envid = request->envid,
        .dsn_return = request->dsn_return,
        .encoding = request->encoding == BODY_ENCODING_FOUND_7BIT ? BODY_ENCODING_UNKNOWN : request->encoding,
        .attributes = attributes_of(submission),
    };

    if (!call_send(submission->call, &cleanup_envelope_message, &envelope, seconds(TIMEOUT_SECONDS), why))
        return false;
    for (size_t i = 0; i < attempt->resubmission_count; i++) {
        struct cleanup_recipient recipient = {
            .address = attempt->resubmissions[i].address,
            .original = is_same ? attempt->original : attempt->resubmissions[i].address,
            .dsn_orcpt = is_same ? asked->dsn_orcpt : STR_EMPTY,
            .dsn_notify = notify_of(asked),
        };

        if (are_alike(submission->first, &attempt->resubmissions[i]) &&
            !call_send(submission->call, &cleanup_recipient_message, &recipient, seconds(TIMEOUT_SECONDS), why))
            return false;
    }
    return true;
}

static bool send_content(struct submission *submission, struct failure *why)
{
    struct content content;
    struct str piece;
    bool is_sent = cleanup_call_content(submission->call, head_of(submission), seconds(TIMEOUT_SECONDS), why);

    content_open(&content, submission->attempt->local->loop, submission->attempt->delivery->request);
    while (is_sent && !call_has_input(submission->call)) {
        is_sent = content_next(&content, &piece, why);
        if (!is_sent || str_is_empty(piece))
            break;
        is_sent = cleanup_call_content(submission->call, piece, seconds(TIMEOUT_SECONDS), why);
    }
    content_close(&content);
    return is_sent;
}

static struct result of_answer(const struct submission *submission, const struct cleanup_result *answer)
{
    struct attempt *attempt = submission->attempt;
    struct dsn_status dsn;
    struct result result;

    switch (answer->status) {
    case CLEANUP_OK:
        result = result_make(attempt, DSN_STATUS(2, 0, 0), "forwarded as %.*s", STR_ARG(submission->queue_id));
        result.action = STR("relayed");
        return result;
    case CLEANUP_TOO_BIG:
        return result_make(attempt, DSN_STATUS(5, 3, 4), "unable to forward message: it is too big");
    case CLEANUP_TOO_MANY_HOPS:
        return result_make(attempt, DSN_STATUS(5, 4, 0), "unable to forward message: too many hops");
    case CLEANUP_REJECTED:
        dsn = dsn_split_text(answer->dsn, DSN_STATUS(5, 7, 1), false, &(struct str){ 0 });
        return result_make(attempt, dsn, "unable to forward message: %.*s", STR_ARG(answer->reason));
    default:
        return result_make(attempt, DSN_STATUS(4, 3, 0), "unable to forward message%s%.*s",
                           str_is_empty(answer->reason) ? "" : ": ", STR_ARG(answer->reason));
    }
}

static struct result submit(struct submission *submission)
{
    struct attempt *attempt = submission->attempt;
    uint64_t flags = CLEANUP_FLAG_INTERNAL | CLEANUP_FLAG_MAP_OK;
    const struct cleanup_result *answer;
    struct failure why;
    struct result result;

    if ((attempt->delivery->request->flags & DELIVER_FLAG_SMTPUTF8) != 0)
        flags |= CLEANUP_FLAG_SMTPUTF8;
    flags |= cleanup_autodetects(&attempt->local->shared->smtputf8_autodetect_classes, "forward");
    if (!cleanup_call_open(attempt->local->cleanup, flags, attempt->arena, seconds(TIMEOUT_SECONDS), &submission->call,
                           &submission->queue_id, &why))
        return result_make(attempt, DSN_STATUS(4, 3, 0), "unable to forward message: %s", why.text);
    if (send_envelope(submission, &why) && send_content(submission, &why) &&
        cleanup_call_finish(submission->call, attempt->arena, seconds(TIMEOUT_SECONDS), &answer, &why))
        result = of_answer(submission, answer);
    else
        result = result_make(attempt, DSN_STATUS(4, 3, 0), "unable to forward message: %s", why.text);
    call_end(&submission->call);
    return result;
}

static bool is_first_of_kind(const struct attempt *attempt, size_t place)
{
    for (size_t i = 0; i < place; i++) {
        if (are_alike(&attempt->resubmissions[i], &attempt->resubmissions[place]))
            return false;
    }
    return true;
}

static void try_all(struct attempt *attempt)
{
    for (size_t i = 0; i < attempt->resubmission_count; i++) {
        const struct resubmission *resubmission = &attempt->resubmissions[i];
        struct str address = resubmission->address;
        struct result result = result_make(attempt, DSN_STATUS(2, 0, 0), "forwards to %.*s", STR_ARG(address));

        attempt_add(attempt, address, resubmission->is_sent_anew ? address : STR_EMPTY, &result);
    }
}

void resubmit_all(struct attempt *attempt)
{
    if (attempt_is_trial(attempt)) {
        try_all(attempt);
        return;
    }
    for (size_t i = 0; i < attempt->resubmission_count && !attempt_is_deferred(attempt); i++) {
        struct submission submission = { .attempt = attempt, .first = &attempt->resubmissions[i] };
        struct result result;

        if (!is_first_of_kind(attempt, i))
            continue;
        result = submit(&submission);
        attempt_add(attempt, attempt->delivered_to, STR_EMPTY, &result);
    }
}
