/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup/session.h"

#include "cleanup/filtering.h"
#include "cleanup/message.h"
#include "cleanup/recipients.h"
#include "cleanup/returned.h"
#include "cleanup/service.h"
#include "daemon/daemon.h"

struct session {
    struct daemon_call *call;
    struct message message;
    struct arena *piece; /* one message of the conversation */
    bool is_ended;       /* cleanup_end has come */
    bool is_answered;
};

static struct duration session_timeout(const struct session *session)
{
    return session->message.service->shared->ipc_timeout;
}

static bool answer(struct session *session, struct failure *why)
{
    const struct message *message = &session->message;
    struct cleanup_result result = {
        .status = message->status,
        .dsn = message->dsn,
        .reason = message->reason,
        .size = message->content_bytes,
        .reply = message->reply,
        .milters = filtering_conditions(message),
    };

    session->is_answered = true;
    if (message->flags & CLEANUP_FLAG_BOUNCE)
        returned_tell(message, session->piece, &result);
    return call_send(session->call->call, &cleanup_result_message, &result, session_timeout(session), why);
}

static bool open_message(struct session *session, struct failure *why)
{
    struct message *message = &session->message;
    struct cleanup_opened opened = { 0 };

    if (message_begin(message)) {
        opened.queue_id = message->queue_id;
    } else {
        opened.status = message->status;
        opened.reason = message->reason;
        session->is_ended = session->is_answered = true;
    }
    return call_send(session->call->call, &cleanup_opened_message, &opened, session_timeout(session), why);
}

/* The next word of the client; false when it ended the call or broke the protocol. */
static bool take_one(struct session *session, struct failure *why)
{
    struct message *message = &session->message;
    const struct message_type *type;
    void *content;

    arena_reset(session->piece);
    if (!call_receive(session->call->call, session->piece, session_timeout(session), &type, &content, why))
        return false;
    if (type == &cleanup_end_message)
        session->is_ended = true;
    else if (type == &cleanup_milter_message && message->has_envelope)
        return filtering_borrow(message, content, why);
    else if (session->is_answered)
        return true;
    else if (type == &cleanup_content_message && message->has_envelope)
        message_add_content(message, ((struct cleanup_content *) content)->bytes);
    else if (type == &cleanup_orders_message && message->has_envelope)
        message_take_orders(message, content);
    else if (type == &cleanup_recipient_message && message->has_envelope)
        recipients_add(message, content);
    else if (type == &cleanup_envelope_message && !message->has_envelope)
        message_set_envelope(message, content);
    else
        return failure_set(why, FAILURE_PROTOCOL, 0, "unexpected %s", type->name);
    return true;
}

/* A client that goes away before the end has thrown the message away: that is no trouble of ours. */
static bool converse(struct session *session, struct failure *why)
{
    struct failure gone;

    if (!open_message(session, why))
        return false;
    while (!session->is_ended) {
        if (!take_one(session, &gone))
            return true;
        /* What nothing can mend is told while the client still sends; the rest of it is dropped. */
        if (!session->is_answered && !session->is_ended && !message_is_good(&session->message) && !answer(session, why))
            return false;
    }
    if (session->is_answered)
        return true;
    message_finish(&session->message);
    return answer(session, why);
}

bool session_run(struct daemon_call *call, struct failure *why)
{
    const struct cleanup_open *open = call->request;
    struct session *session = arena_new(call->arena, struct session);
    bool is_good;

    session->call = call;
    session->piece = arena_create();
    message_init(&session->message, call->context, call->arena, (unsigned) open->flags);
    is_good = converse(session, why);
    message_done(&session->message);
    arena_destroy(&session->piece);
    return is_good;
}
