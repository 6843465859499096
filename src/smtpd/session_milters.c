/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/session_milters.h"

#include "config/main_cf.h"
#include "config/receive_override.h"
#include "daemon/daemon.h"
#include "smtpd/answer.h"
#include "smtpd/history.h"
#include "smtpd/log_lines.h"
#include "smtpd/milter_macros.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

/* ---- which ---- */

bool session_milters_open(struct smtpd *smtpd, struct failure *why)
{
    void *settings;

    if (!settings_load(&milter_settings_table, smtpd->main_cf, str_from_c(daemon_service(smtpd->daemon)), smtpd->arena,
                       &settings, why))
        return false;
    smtpd->milter_settings = settings;
    smtpd->milter_services =
        milter_services_parse(smtpd->is_standalone ? STR_EMPTY : smtpd->settings->milters, settings, smtpd->arena);
    return true;
}

/* A table that cannot be read leaves it at smtpd_milters. */
static void choose(struct session *session, struct session_milters *own)
{
    const struct smtpd *smtpd = session->smtpd;
    struct failure why;
    struct str value;

    own->services = smtpd->milter_services;
    if (table_list_is_empty(smtpd->milter_maps))
        return;
    switch (table_list_find(smtpd->milter_maps, session->peer.address, TABLE_ANY_KIND, own->arena, &value, &why)) {
    case TABLE_FOUND:
        if (str_equal_nocase(value, STR("DISABLE")))
            value = STR_EMPTY;
        own->services = milter_services_parse(value, smtpd->milter_settings, own->arena);
        break;
    case TABLE_UNKNOWN:
        log_table_trouble(table_list_title(smtpd->milter_maps), why.text);
        break;
    case TABLE_ABSENT:
        break;
    }
}

static bool dial(void *context, const struct milter_service *service, int *fd_out, struct failure *why)
{
    struct smtpd *smtpd = context;

    return milter_dial(smtpd->loop, smtpd->host_lookup, service, fd_out, why);
}

/* ---- what a verdict means ---- */

static bool obey(struct session *session, const struct milter_verdict *verdict, struct str recipient,
                 struct str *reply_out)
{
    struct transaction *transaction = &session->transaction;

    switch (verdict->action) {
    case MILTER_CONTINUE:
        break;
    case MILTER_HOLD:
        log_milter(session, "milter-hold", STR("milter triggers HOLD action"), recipient);
        if (transaction_is_open(transaction))
            orders_add_flag(&transaction->orders, CLEANUP_FLAG_HOLD);
        break;
    case MILTER_DISCARD:
        log_milter(session, "milter-discard", STR("milter triggers DISCARD action"), recipient);
        if (transaction_is_open(transaction))
            orders_add_flag(&transaction->orders, CLEANUP_FLAG_DISCARD);
        session->milters->is_discarding = true;
        break;
    case MILTER_REJECT:
    case MILTER_SHUTDOWN:
        log_milter(session, "milter-reject", verdict->reply, recipient);
        history_next_is_reject(session, verdict->reply);
        *reply_out = verdict->reply;
        return false;
    }
    return true;
}

static bool has_none(const struct session *session)
{
    return session->milters == NULL || session->milters->is_discarding;
}

/* ---- the session ---- */

static struct str greeting_after(const struct session *session, struct str reply)
{
    struct str name = session->smtpd->shared->myhostname;

    if (str_starts_with(reply, STR("421")))
        return arena_printf(session->command_arena, "421 %.*s Service unavailable - try again later", STR_ARG(name));
    if (str_starts_with(reply, STR("5")))
        return arena_printf(session->command_arena, "554 %.*s ESMTP not accepting connections", STR_ARG(name));
    return session->smtpd->greeting;
}

static struct session_milters *create(struct session *session)
{
    struct smtpd *smtpd = session->smtpd;
    struct arena *arena = arena_create();
    struct session_milters *own = arena_new(arena, struct session_milters);
    const struct milters_options options = {
        .loop = smtpd->loop,
        .settings = smtpd->milter_settings,
        .dial = dial,
        .dial_context = smtpd,
        .macro = milter_macros_find,
        .macro_context = own,
    };

    own->session = session;
    own->arena = arena;
    choose(session, own);
    if (own->services.count == 0) {
        arena_destroy(&arena);
        return NULL;
    }
    own->milters = milters_create(&options, &own->services);
    return own;
}

void session_milters_begin(struct session *session, struct str *greeting)
{
    const struct smtpd *smtpd = session->smtpd;
    const struct peer *peer = &session->peer;
    struct milter_client client = { .name = peer->name, .address = peer->address };
    struct milter_verdict verdict;
    struct str reply;
    uint64_t port;

    if (smtpd->is_standalone || (smtpd->overrides & RECEIVE_NO_MILTERS) ||
        (smtpd->milter_services.count == 0 && table_list_is_empty(smtpd->milter_maps)))
        return;
    session->milters = create(session);
    if (session->milters == NULL)
        return;
    /* As filters know it from elsewhere; a client without an address is unknown altogether. */
    if (str_equal(peer->name, STR("unknown")) && !str_equal(peer->address, STR("unknown")))
        client.name = arena_printf(session->command_arena, "[%.*s]", STR_ARG(peer->address));
    if (str_equal(peer->address, STR("unknown")))
        client.address = STR_EMPTY;
    if (str_to_uint64(peer->port, &port) && port <= UINT16_MAX)
        client.port = (uint16_t) port;
    verdict = milters_connect(session->milters->milters, &client, session->command_arena);
    if (!obey(session, &verdict, STR_EMPTY, &reply))
        *greeting = greeting_after(session, reply);
}

void session_milters_end(struct session *session)
{
    struct session_milters *own = session->milters;
    struct arena *arena;

    if (own == NULL)
        return;
    session_milters_end_message(own);
    session->milters = NULL;
    milters_quit(own->milters);
    milters_destroy(&own->milters);
    arena = own->arena;
    arena_destroy(&arena);
}

enum session_milters_helo session_milters_helo(struct session *session, struct str argument, struct str *reply_out)
{
    struct milter_verdict verdict;

    if (has_none(session))
        return SESSION_MILTERS_HELO_TAKEN;
    verdict = milters_helo(session->milters->milters, argument, session->command_arena);
    if (obey(session, &verdict, STR_EMPTY, reply_out))
        return SESSION_MILTERS_HELO_TAKEN;
    if (verdict.action == MILTER_SHUTDOWN)
        return SESSION_MILTERS_HELO_SHUTDOWN;
    return str_starts_with(*reply_out, STR("5")) ? SESSION_MILTERS_HELO_REFUSED : SESSION_MILTERS_HELO_TAKEN;
}

bool session_milters_allow_unknown(struct session *session, struct str verb, struct str *reply_out)
{
    struct milter_verdict verdict;

    if (has_none(session))
        return true;
    verdict = milters_unknown(session->milters->milters, verb, session->command_arena);
    return obey(session, &verdict, STR_EMPTY, reply_out);
}

/* ---- the envelope ---- */

static struct strlist arguments_of(struct session *session, struct str path, struct str rest)
{
    struct strlist arguments = { 0 };
    struct str word;

    strlist_add_view(&arguments, session->command_arena, str_trim(path));
    while (str_next_word(&rest, " \t", &word))
        strlist_add_view(&arguments, session->command_arena, word);
    return arguments;
}

bool session_milters_allow_sender(struct session *session, struct str path, struct str rest, struct str *reply_out)
{
    struct strlist arguments;
    struct milter_verdict verdict;

    if (session->milters == NULL)
        return true;
    session->transaction.milters = session->milters;
    session->milters->message_arena = session->transaction.arena;
    arguments = arguments_of(session, path, rest);
    verdict = milters_mail(session->milters->milters, &arguments, session->command_arena);
    return obey(session, &verdict, STR_EMPTY, reply_out);
}

static void set_recipient(struct session_milters *own, struct str address)
{
    own->recipient = arena_str(own->message_arena, address);
    own->recipient_destination = NULL;
    own->refusal_dsn = own->refusal_text = STR_EMPTY;
}

bool session_milters_allow_recipient(struct session *session, const struct smtp_path *recipient, struct str path,
                                     struct str rest, struct str *reply_out)
{
    struct strlist arguments;
    struct milter_verdict verdict;

    if (has_none(session))
        return true;
    set_recipient(session->milters, recipient->address);
    arguments = arguments_of(session, path, rest);
    verdict = milters_rcpt(session->milters->milters, &arguments, session->command_arena);
    return obey(session, &verdict, recipient->external, reply_out);
}

/* "550 5.7.2 <bad@example.com>: Recipient address rejected: go away": its code, and its text. */
static void set_refusal(struct session_milters *own, struct str reply)
{
    struct str text = str_from(reply, 4), word, rest;

    set_recipient(own, STR_EMPTY);
    if (str_cut(text, ' ', &word, &rest) && word.len >= 5 && char_is_digit(word.data[0]) && word.data[1] == '.') {
        own->refusal_dsn = arena_str(own->message_arena, word);
        text = rest;
    }
    if (str_starts_with(text, STR("<")) && str_find(text, STR(">: ")) != STR_NOT_FOUND)
        text = str_from(text, str_find(text, STR(">: ")) + 3);
    own->refusal_text = arena_str(own->message_arena, text);
}

void session_milters_recipient_refused(struct session *session, struct str path, struct str rest, struct str reply)
{
    struct strlist arguments;

    if (has_none(session) || !milters_want_rejected_rcpt(session->milters->milters))
        return;
    set_refusal(session->milters, reply);
    arguments = arguments_of(session, path, rest);
    milters_rejected_rcpt(session->milters->milters, &arguments, session->command_arena);
    set_recipient(session->milters, STR_EMPTY);
}

bool session_milters_allow_data(struct session *session, struct str *reply_out)
{
    struct milter_verdict verdict;

    if (has_none(session))
        return true;
    verdict = milters_data(session->milters->milters, session->command_arena);
    return obey(session, &verdict, session->transaction.recipient_shown, reply_out);
}

/* ---- the content ---- */

static bool lend_one(struct session *session, struct milter *milter, struct failure *why)
{
    struct cleanup_milter lent;

    milter_lend(milter, session->command_arena, &lent.fd, &lent.state);
    return lent.fd < 0 || call_send(session->transaction.call, &cleanup_milter_message, &lent,
                                    session->smtpd->shared->ipc_timeout, why);
}

bool session_milters_lend(struct session *session, struct failure *why)
{
    if (has_none(session) || session->milters->is_lent)
        return true;
    session->milters->is_lent = true;
    for (size_t i = 0; i < milters_count(session->milters->milters); i++) {
        if (!lend_one(session, milters_at(session->milters->milters, i), why))
            return false;
    }
    return true;
}

void session_milters_used(struct session *session)
{
    if (session->milters != NULL)
        session->milters->is_used = session->milters->is_lent;
}

void session_milters_returned(struct session *session, struct str conditions)
{
    struct session_milters *own = session->milters;

    if (own == NULL || !own->is_lent)
        return;
    milters_returned(own->milters, conditions);
    own->is_lent = own->is_used = false;
}

void session_milters_end_message(struct session_milters *milters)
{
    if (milters == NULL || milters->message_arena == NULL)
        return;
    if (milters->is_used)
        milters_returned(milters->milters, STR_EMPTY);
    else if (milters->is_lent)
        milters_unused(milters->milters);
    milters_abort(milters->milters);
    milters->is_lent = milters->is_used = milters->is_discarding = false;
    milters->message_arena = NULL;
    milters->sender = milters->recipient_destination = NULL;
    milters->recipient = milters->refusal_dsn = milters->refusal_text = STR_EMPTY;
}
