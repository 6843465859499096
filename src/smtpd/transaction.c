/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/transaction.h"

#include "config/receive_override.h"
#include "mail/verp.h"
#include "smtpd/history.h"
#include "smtpd/log_lines.h"
#include "smtpd/proxy_filter.h"
#include "smtpd/received.h"
#include "smtpd/session.h"
#include "smtpd/session_milters.h"
#include "smtpd/smtpd.h"

enum { PENDING_MAXIMUM = CLEANUP_CONTENT_MAXIMUM, USUAL_SIZE = 8000 };

void transaction_begin(struct transaction *transaction)
{
    *transaction = (struct transaction){ .arena = arena_create(), .arrival = clock_now() };
    strbuf_init(&transaction->pending, STRBUF_UNLIMITED);
}

void transaction_end(struct transaction *transaction)
{
    if (!transaction_is_open(transaction))
        return;
    call_end(&transaction->call);
    session_milters_end_message(transaction->milters);
    postdrop_abandon(&transaction->postdrop);
    proxy_filter_end(&transaction->proxy);
    strbuf_done(&transaction->pending);
    arena_destroy(&transaction->arena);
    *transaction = (struct transaction){ 0 };
}

/* The message cannot be taken any more; the client hears of it at the end of its content. */
static void give_up(struct transaction *transaction)
{
    call_end(&transaction->call);
    postdrop_abandon(&transaction->postdrop);
    strbuf_done(&transaction->pending);
    transaction->has_failed = true;
}

/* Somebody takes the content. */
static bool is_taken(const struct session *session)
{
    const struct transaction *transaction = &session->transaction;

    if (session->smtpd->is_standalone || transaction->proxy != NULL)
        return !transaction->has_failed;
    return transaction->call != NULL;
}

/* name: with "=" at its end. A dozen of these go with each message: no printf. */
static void add_attribute(struct cleanup_envelope *envelope, struct arena *arena, struct str name, struct str value)
{
    if (value.len > 0)
        strlist_add_view(&envelope->attributes, arena, arena_join(arena, name, value));
}

/* Where the message came from, for log lines and XFORWARD: the client, */
static void add_origin(struct cleanup_envelope *envelope, struct session *session)
{
    struct arena *arena = session->command_arena;
    const struct peer *peer = &session->peer;

    add_attribute(envelope, arena, STR("log_client_name="), peer->name);
    add_attribute(envelope, arena, STR("log_client_address="), peer->address);
    add_attribute(envelope, arena, STR("log_client_port="), peer->port);
    add_attribute(envelope, arena, STR("log_message_origin="), peer->shown);
    add_attribute(envelope, arena, STR("log_helo_name="), session->helo_name);
    add_attribute(envelope, arena, STR("log_protocol_name="), str_from_c(session_protocol(session)));
}

/* or who the client says came before it. */
static void add_forwarded(struct cleanup_envelope *envelope, struct session *session)
{
    struct arena *arena = session->command_arena;
    const struct forwarded *forwarded = &session->forwarded;

    add_attribute(envelope, arena, STR("log_client_name="), forwarded_value(forwarded, CLIENT_NAME));
    add_attribute(envelope, arena, STR("log_client_address="), forwarded_value(forwarded, CLIENT_ADDR));
    add_attribute(envelope, arena, STR("log_client_port="), forwarded_value(forwarded, CLIENT_PORT));
    add_attribute(envelope, arena, STR("log_message_origin="),
                  forwarded_shown(forwarded, session->settings->client_port_logging, arena));
    add_attribute(envelope, arena, STR("log_helo_name="), forwarded->attributes.values[CLIENT_HELO]);
    add_attribute(envelope, arena, STR("log_protocol_name="), forwarded_value(forwarded, CLIENT_PROTO));
}

struct str transaction_rewrite_context(const struct session *session)
{
    struct str source = session->forwarded.attributes.values[CLIENT_SOURCE];

    if (source.len > 0)
        return str_equal(source, STR("LOCAL")) ? STR("local") : STR("remote");
    return session->transaction.is_rewritten_locally ? STR("local") : STR("remote");
}

static struct cleanup_envelope make_envelope(struct session *session)
{
    const struct transaction *transaction = &session->transaction;
    struct arena *arena = session->command_arena;
    const struct peer *peer = &session->peer;
    struct cleanup_envelope envelope = {
        .arrival = transaction->arrival,
        .sender = transaction->sender,
        .envid = transaction->envid,
        .dsn_return = transaction->dsn_return,
        .encoding = transaction->encoding,
        .size = transaction->announced_bytes,
    };

    if (forwarded_has_client(&session->forwarded))
        add_forwarded(&envelope, session);
    else
        add_origin(&envelope, session);
    add_attribute(&envelope, arena, STR("log_ident="), session->forwarded.attributes.values[CLIENT_IDENT]);
    add_attribute(&envelope, arena, STR("client_name="), peer->name);
    add_attribute(&envelope, arena, STR("reverse_client_name="), peer->reverse_name);
    add_attribute(&envelope, arena, STR("client_address="), peer->address);
    add_attribute(&envelope, arena, STR("client_port="), peer->port);
    add_attribute(&envelope, arena, STR("helo_name="), session->helo_name);
    add_attribute(&envelope, arena, STR("protocol_name="), str_from_c(session_protocol(session)));
    add_attribute(&envelope, arena, STR("sasl_method="), session->login.method);
    add_attribute(&envelope, arena, STR("sasl_username="), session->login.username);
    add_attribute(&envelope, arena, STR("sasl_sender="), transaction->author);
    add_attribute(&envelope, arena, STR(VERP_ATTRIBUTE "="), transaction->verp_delimiters);
    add_attribute(&envelope, arena, STR("rewrite_context="), transaction_rewrite_context(session));
    return envelope;
}

static uint64_t cleanup_flags(const struct session *session)
{
    uint64_t flags = CLEANUP_FLAGS_EXTERNAL;

    if (session->smtpd->overrides & RECEIVE_NO_ADDRESS_MAPPINGS)
        flags &= ~(uint64_t) (CLEANUP_FLAG_MAP_OK | CLEANUP_FLAG_BCC_OK);
    if (session->smtpd->overrides & RECEIVE_NO_HEADER_BODY_CHECKS)
        flags &= ~(uint64_t) CLEANUP_FLAG_FILTER;
    if (session->transaction.is_smtputf8)
        flags |= CLEANUP_FLAG_SMTPUTF8;
    return flags | cleanup_autodetects(&session->smtpd->shared->smtputf8_autodetect_classes, "smtpd");
}

static bool open_call(struct session *session, const struct cleanup_recipient *recipient, struct failure *why)
{
    struct transaction *transaction = &session->transaction;
    const struct cleanup_envelope envelope = make_envelope(session);
    const struct cleanup_opening opening = {
        .flags = cleanup_flags(session),
        .envelope = &envelope,
        .recipient = recipient,
    };

    if (!cleanup_call_open_with(session->smtpd->cleanup, &opening, transaction->arena,
                                session->smtpd->shared->ipc_timeout, &transaction->call, &transaction->queue_id, why))
        return false;
    log_client(session);
    return true;
}

bool transaction_open_early(struct session *session, struct failure *why)
{
    if (session->settings->delay_open_until_valid_rcpt || session->smtpd->is_standalone ||
        session->transaction.proxy != NULL)
        return true;
    return open_call(session, NULL, why);
}

static bool send_recipient(struct session *session, const struct cleanup_recipient *recipient, struct failure *why)
{
    struct transaction *transaction = &session->transaction;

    if (transaction->call == NULL)
        return open_call(session, recipient, why);
    if (call_send(transaction->call, &cleanup_recipient_message, recipient, session->smtpd->shared->ipc_timeout, why))
        return true;
    give_up(transaction);
    return false;
}

bool transaction_add_recipient(struct session *session, const struct cleanup_recipient *recipient, struct str shown,
                               struct failure *why)
{
    struct transaction *transaction = &session->transaction;

    if (transaction->has_failed)
        return failure_set(why, FAILURE_RETRY, 0, "the message was lost on its way to cleanup");
    if (session->smtpd->is_standalone) {
        strlist_add(&transaction->recipients, transaction->arena, recipient->address);
        transaction->dsn_notify |= recipient->dsn_notify;
    } else if (transaction->proxy == NULL && !send_recipient(session, recipient, why)) {
        return false;
    }
    transaction->recipient = transaction->recipient_shown = STR_EMPTY;
    if (transaction->recipient_count == 0) {
        transaction->recipient = arena_str(transaction->arena, recipient->address);
        transaction->recipient_shown = arena_str(transaction->arena, shown);
    }
    transaction->recipient_count++;
    return true;
}

static bool start_postdrop(struct session *session, struct failure *why)
{
    struct transaction *transaction = &session->transaction;
    struct submission submission = {
        .sender = transaction->sender,
        .envid = transaction->envid,
        .verp_delimiters = transaction->verp_delimiters,
        .dsn_return = dsn_return_name((enum dsn_return) transaction->dsn_return),
        .encoding = transaction->encoding == BODY_ENCODING_8BIT ? STR("8bit") : STR_EMPTY,
        .wants_smtputf8 = transaction->is_smtputf8,
        .recipients = transaction->recipients,
    };
    struct strbuf notify;
    bool is_started;

    strbuf_init(&notify, 100);
    if (transaction->dsn_notify != 0)
        dsn_notify_append(&notify, (unsigned) transaction->dsn_notify);
    submission.dsn_notify = strbuf_str(&notify);
    is_started =
        postdrop_start(&transaction->postdrop, session->smtpd->shared, &submission, session->command_arena, why);
    strbuf_done(&notify);
    return is_started;
}

static bool send_bytes(struct session *session, struct str bytes, struct failure *why)
{
    struct transaction *transaction = &session->transaction;

    if (transaction->proxy != NULL)
        return proxy_filter_write(session, bytes, why);
    if (!session->smtpd->is_standalone)
        return orders_send(session, why) && session_milters_lend(session, why) &&
               cleanup_call_content(transaction->call, bytes, session->smtpd->shared->ipc_timeout, why);
    if (transaction->postdrop.pid == 0 && !start_postdrop(session, why))
        return false;
    return postdrop_write(&transaction->postdrop, bytes, why);
}

static void send_pending(struct session *session)
{
    struct transaction *transaction = &session->transaction;
    struct failure why;

    if (!is_taken(session) || transaction->pending.len == 0)
        return;
    if (!send_bytes(session, strbuf_str(&transaction->pending), &why)) {
        if (transaction->proxy == NULL)
            log_cleanup_trouble(session, why.text);
        transaction->is_out_of_space = why.kind == FAILURE_NO_SPACE;
        give_up(transaction);
        return;
    }
    strbuf_clear(&transaction->pending);
}

static bool is_beyond_limit(const struct session *session)
{
    int64_t limit = session->smtpd->shared->message_size_limit;

    return limit > 0 && session->transaction.bytes > (uint64_t) limit;
}

/* "From " and ">From " where the header should begin: the client sends a mailbox. */
static bool is_mailbox_line(struct str line)
{
    while (line.len > 0 && line.data[0] == '>')
        line = str_from(line, 1);
    return str_starts_with_nocase(line, STR("From "));
}

/* What stands in front of the client's own first line. */
static void begin_content(struct session *session, struct str line)
{
    struct transaction *transaction = &session->transaction;

    transaction->has_content = true;
    strbuf_reserve(&transaction->pending, USUAL_SIZE);
    for (size_t i = 0; i < transaction->orders.headers.count; i++) {
        strbuf_append(&transaction->pending, transaction->orders.headers.items[i]);
        strbuf_append_char(&transaction->pending, '\n');
    }
    /* Between two of our own, where the message's way is told by XFORWARD, we leave no trace. */
    if (transaction->proxy == NULL || session->forwarded.attributes.given == 0)
        received_append(session, &transaction->pending);
    if (is_mailbox_line(line))
        strbuf_append(&transaction->pending, STR("X-Mailbox-Line: "));
    /* It is text, and must not become a part of our own line. */
    if (str_starts_with(line, STR(" ")) || str_starts_with(line, STR("\t")))
        strbuf_append_char(&transaction->pending, '\n');
}

static void append_line(struct strbuf *out, struct str line, bool is_ended)
{
    char *place = strbuf_reserve(out, line.len + 1);

    if (line.len > 0)
        memcpy(place, line.data, line.len);
    place[line.len] = '\n';
    strbuf_extend(out, line.len + is_ended);
}

void transaction_add_content(struct session *session, struct str line, bool is_ended)
{
    struct transaction *transaction = &session->transaction;

    if (!is_taken(session))
        return;
    if (is_beyond_limit(session)) {
        log_message_too_large(session);
        give_up(transaction);
        transaction->is_too_large = true;
        return;
    }
    if (!transaction->has_content)
        begin_content(session, line);
    append_line(&transaction->pending, line, is_ended);
    if (transaction->pending.len >= PENDING_MAXIMUM)
        send_pending(session);
}

/* What the client hears of each outcome, unless cleanup brings words of its own. */
static const struct {
    enum cleanup_status status;
    unsigned notice_class;
    int code;
    const char *dsn;
    const char *text;
} outcomes[] = {
    { CLEANUP_BAD, NOTICE_SOFTWARE, 451, "4.3.0", "queue file write error" },
    { CLEANUP_WRITE_ERROR, NOTICE_RESOURCE, 451, "4.3.0", "queue file write error" },
    { CLEANUP_NO_SPACE, NOTICE_RESOURCE, 452, "4.3.1", "insufficient system storage" },
    { CLEANUP_TOO_BIG, NOTICE_BOUNCE, 552, "5.3.4", "message file too big" },
    { CLEANUP_TOO_MANY_HOPS, NOTICE_BOUNCE, 554, "5.4.0", "too many hops" },
    { CLEANUP_REJECTED, NOTICE_POLICY, 550, "5.7.1", "message content rejected" },
    { CLEANUP_DEFERRED, NOTICE_SOFTWARE, 451, "4.7.1", "service unavailable" },
    { CLEANUP_NO_RECIPIENTS, NOTICE_BOUNCE, 550, "5.1.0", "no recipients specified" },
    { CLEANUP_STOPPED, NOTICE_SOFTWARE, 451, "4.3.2", "service shutting down" },
};

/* A refusal for now is 451, whatever the code for good is. */
static int code_of(int code, struct str dsn)
{
    if (dsn.data[0] == '4' && code == 550)
        return 451;
    return (dsn.data[0] - '0') * 100 + code % 100;
}

static struct str describe(struct session *session, enum cleanup_status status, struct str dsn, struct str reason)
{
    for (size_t i = 0; i < ARRAY_COUNT(outcomes); i++) {
        if (outcomes[i].status != status)
            continue;
        history_next_is(session,
                        reason.len > 0 && str_starts_with(dsn, STR("4.6.")) ? NOTICE_POLICY : outcomes[i].notice_class);
        if (reason.len > 0 && dsn.len > 0)
            return arena_printf(session->command_arena, "%d %.*s %.*s", code_of(outcomes[i].code, dsn), STR_ARG(dsn),
                                STR_ARG(reason));
        return arena_printf(session->command_arena, "%d %s Error: %s", outcomes[i].code, outcomes[i].dsn,
                            outcomes[i].text);
    }
    return STR("451 4.3.0 Error: queue file write error");
}

static struct str describe_success(struct session *session)
{
    const struct transaction *transaction = &session->transaction;

    if (transaction->is_chunked)
        return arena_printf(session->command_arena, "250 2.0.0 Ok: %llu bytes queued as %.*s",
                            (unsigned long long) transaction->bytes, STR_ARG(transaction->queue_id));
    return arena_join(session->command_arena, STR("250 2.0.0 Ok: queued as "), transaction->queue_id);
}

static bool finish_postdrop(struct session *session, struct str *text_out)
{
    struct failure why;

    if (postdrop_finish(&session->transaction.postdrop, &why)) {
        *text_out = STR("250 2.0.0 Ok: queued");
        return true;
    }
    log_cleanup_trouble(session, why.text);
    *text_out = describe(session, CLEANUP_WRITE_ERROR, STR_EMPTY, STR_EMPTY);
    return false;
}

/* All of the content has come. False, with the reply: it was lost on the way. */
static bool complete_content(struct session *session, struct str *text_out)
{
    struct transaction *transaction = &session->transaction;
    enum cleanup_status status = CLEANUP_WRITE_ERROR;

    if (is_taken(session) && !transaction->has_content)
        begin_content(session, STR_EMPTY);
    send_pending(session);
    if (!transaction->is_too_large && is_taken(session))
        return true;
    if (transaction->is_too_large)
        status = CLEANUP_TOO_BIG;
    else if (transaction->is_out_of_space)
        status = CLEANUP_NO_SPACE;
    *text_out = describe(session, status, STR_EMPTY, STR_EMPTY);
    if (transaction->proxy != NULL)
        proxy_filter_log_refusal(session, *text_out);
    return false;
}

bool transaction_finish(struct session *session, struct str *text_out)
{
    struct transaction *transaction = &session->transaction;
    const struct cleanup_result *result;
    struct failure why;

    if (!complete_content(session, text_out))
        return false;
    if (transaction->proxy != NULL)
        return proxy_filter_finish(session, text_out);
    if (session->smtpd->is_standalone)
        return finish_postdrop(session, text_out);
    session_milters_used(session);
    if (!orders_send(session, &why) || !cleanup_call_finish(transaction->call, session->command_arena,
                                                            session->smtpd->shared->ipc_timeout, &result, &why)) {
        log_cleanup_trouble(session, why.text);
        *text_out = describe(session, CLEANUP_WRITE_ERROR, STR_EMPTY, STR_EMPTY);
        return false;
    }
    session_milters_returned(session, result->milters);
    if (result->status != CLEANUP_OK && result->reply.len > 0) {
        transaction->is_worded_by_milter = true;
        history_next_is_reject(session, result->reply);
        *text_out = result->reply;
        return false;
    }
    if (result->status != CLEANUP_OK) {
        *text_out = describe(session, (enum cleanup_status) result->status, result->dsn, result->reason);
        return false;
    }
    *text_out = describe_success(session);
    return true;
}
