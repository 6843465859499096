/* SPDX-License-Identifier: Apache-2.0 */
/* MAIL FROM: a transaction begins (RFC 5321 section 4.1.1.2, RFC 1870, 6152, 3461, 6531). */
#include "mail/dsn.h"
#include "mail/smtp_path.h"
#include "mail/verp.h"
#include "mail/xtext.h"
#include "smtpd/answer.h"
#include "smtpd/ehlo_keyword.h"
#include "smtpd/history.h"
#include "smtpd/log_lines.h"
#include "smtpd/message.h"
#include "smtpd/policy.h"
#include "smtpd/proxy_filter.h"
#include "smtpd/rewriting.h"
#include "smtpd/session.h"
#include "smtpd/session_milters.h"
#include "smtpd/smtpd.h"
#include "smtpd/storage.h"
#include "smtpd/syntax.h"
#include "smtpd/verbs.h"

enum { ENVID_MAXIMUM = 1000 };

/* One parameter of MAIL. False when it was answered with an error. */
typedef bool take_parameter(struct session *session, struct str value);

static bool unsupported(struct session *session, struct str word)
{
    answer(session, "555 5.5.4 Unsupported option: %.*s", STR_ARG(word));
    return false;
}

static bool take_size(struct session *session, struct str value)
{
    struct transaction *transaction = &session->transaction;

    if (!syntax_is_number(value)) {
        answer(session, "501 5.5.4 Bad message size syntax");
        return false;
    }
    if (!str_to_uint64(value, &transaction->announced_bytes) || transaction->announced_bytes > INT64_MAX) {
        answer(session, "552 5.3.4 Message size exceeds file system imposed limit");
        return false;
    }
    return true;
}

static bool take_body(struct session *session, struct str value)
{
    if (str_equal_nocase(value, STR("8BITMIME")))
        session->transaction.encoding = BODY_ENCODING_8BIT;
    else if (str_equal_nocase(value, STR("7BIT")))
        session->transaction.encoding = BODY_ENCODING_7BIT;
    else
        return unsupported(session, arena_printf(session->command_arena, "BODY=%.*s", STR_ARG(value)));
    return true;
}

static bool is_dsn_disabled(struct session *session)
{
    if (!(session->discarded_keywords & KEYWORD_DSN))
        return false;
    answer(session, "501 5.7.1 DSN support is disabled");
    return true;
}

static bool take_ret(struct session *session, struct str value)
{
    struct transaction *transaction = &session->transaction;
    enum dsn_return what;

    if (is_dsn_disabled(session))
        return false;
    if (transaction->dsn_return != DSN_RETURN_UNSET || !dsn_return_parse(value, &what)) {
        answer(session, "501 5.5.4 Bad RET parameter syntax");
        return false;
    }
    transaction->dsn_return = what;
    return true;
}

/* ASCII without control characters; a part of the report's header. */
static bool is_printable(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!char_is_print(text.data[i]))
            return false;
    }
    return true;
}

static bool take_envid(struct session *session, struct str value)
{
    struct transaction *transaction = &session->transaction;
    struct strbuf decoded;
    struct str part, envid;
    bool is_good = true, has_more = true;

    if (is_dsn_disabled(session))
        return false;
    strbuf_init(&decoded, ENVID_MAXIMUM);
    /* Clients send '=' as it is, which xtext does not allow. */
    while (is_good && has_more) {
        has_more = str_cut(value, '=', &part, &value);
        is_good = xtext_decode(&decoded, part) && (!has_more || strbuf_append_char(&decoded, '='));
    }
    /* Nothing behind a NUL was meant for us. */
    (void) str_cut(strbuf_str(&decoded), '\0', &envid, &value);
    is_good = is_good && transaction->envid.len == 0 && envid.len > 0 && !decoded.is_overflowed && is_printable(envid);
    if (is_good)
        transaction->envid = arena_str(transaction->arena, envid);
    else
        answer(session, "501 5.5.4 Bad ENVID parameter syntax");
    strbuf_done(&decoded);
    return is_good;
}

/* What a client says of a message's author is told on, as it was said, and nothing else (RFC 4954 section 5). */
static bool take_auth(struct session *session, struct str value)
{
    struct transaction *transaction = &session->transaction;

    if (!session->smtpd->has_logins)
        return true;
    if (transaction->has_author) {
        answer(session, "503 5.5.4 Error: multiple AUTH= options");
        return false;
    }
    transaction->has_author = true;
    if (!str_equal(value, STR("<>")))
        transaction->author = answer_tame(transaction->arena, value, '?');
    return true;
}

/* XVERP or XVERP=+= */
static bool take_verp(struct session *session, struct str delimiters)
{
    struct transaction *transaction = &session->transaction;
    const struct shared_settings *shared = session->smtpd->shared;

    if (!verp_delimiters_are_good(delimiters, shared->verp_delimiter_filter)) {
        answer(session, "501 5.5.4 Error: XVERP needs two characters from %.*s",
               STR_ARG(shared->verp_delimiter_filter));
        return false;
    }
    if (str_is_empty(transaction->sender)) {
        answer(session, "503 5.5.4 Error: XVERP requires non-null sender");
        return false;
    }
    transaction->verp_delimiters = arena_str(transaction->arena, delimiters);
    return true;
}

/* A parameter without a value is a name alone. */
static bool take_one(struct session *session, struct str word)
{
    static const struct {
        const char *name;
        take_parameter *take;
    } parameters[] = {
        { "SIZE", take_size },   { "BODY", take_body }, { "RET", take_ret },
        { "ENVID", take_envid }, { "AUTH", take_auth },
    };

    struct str name, value;
    bool has_value = str_cut(word, '=', &name, &value);

    if (session->verp_permission == PERMISSION_GIVEN && str_equal_nocase(name, STR("XVERP")))
        return take_verp(session, has_value ? value : session->smtpd->shared->default_verp_delimiters);

    for (size_t i = 0; has_value && i < ARRAY_COUNT(parameters); i++) {
        if (str_equal_nocase(name, str_from_c(parameters[i].name)))
            return parameters[i].take(session, value);
    }
    if (!has_value && session->smtpd->shared->smtputf8_enable && str_equal_nocase(name, STR("SMTPUTF8"))) {
        session->transaction.is_smtputf8 = true;
        return true;
    }
    return unsupported(session, word);
}

static bool take_parameters(struct session *session, struct str rest)
{
    struct str word;

    while (str_next_word(&rest, " \t", &word)) {
        if (!take_one(session, word))
            return false;
    }
    return true;
}

static bool take_address(struct session *session, struct str *rest)
{
    struct transaction *transaction = &session->transaction;
    unsigned flags = SMTP_PATH_MAY_BE_EMPTY | smtpd_path_flags(session->smtpd);
    struct str argument = str_trim(*rest);
    struct smtp_path path;
    struct failure why;

    if (!smtp_path_take(rest, flags, transaction->arena, &path, &why)) {
        log_bad_address(session, "MAIL", argument);
        answer(session, "501 5.1.7 Bad sender address syntax");
        return false;
    }
    transaction->sender = arena_str(transaction->arena, path.address);
    transaction->sender_shown = arena_str(transaction->arena, path.external);
    return true;
}

static bool is_utf8_declared(struct session *session)
{
    const struct transaction *transaction = &session->transaction;

    if (transaction->is_smtputf8 || !session->smtpd->shared->strict_smtputf8)
        return true;
    for (size_t i = 0; i < transaction->sender.len; i++) {
        if ((unsigned char) transaction->sender.data[i] >= 128) {
            answer(session, "553 5.6.7 Must declare SMTPUTF8 to send unicode address");
            return false;
        }
    }
    return true;
}

static bool may_be_stored(struct session *session)
{
    const struct shared_settings *shared = session->smtpd->shared;
    const struct transaction *transaction = &session->transaction;
    static const struct str too_large = { "552 5.3.4 Message size exceeds fixed limit", 42 };

    if (shared->message_size_limit > 0 && transaction->announced_bytes > (uint64_t) shared->message_size_limit) {
        log_reject(session, "reject", too_large, STR_EMPTY);
        history_next_is(session, NOTICE_POLICY);
        answer_send(session, too_large);
        return false;
    }
    return storage_has_room(session);
}

/* All that is said of the message, and whether it may come. */
static bool begin(struct session *session, struct str rest)
{
    struct failure why;
    struct str path = rest, parameters, reply;

    if (!take_address(session, &rest))
        return false;
    path.len -= rest.len;
    parameters = rest;
    if (!take_parameters(session, rest) || !is_utf8_declared(session) || !may_be_stored(session))
        return false;
    if (!policy_allows_sender(session, &reply) ||
        !rewriting_is_known(session, &session->transaction.is_rewritten_locally, &reply)) {
        answer_send(session, reply);
        return false;
    }
    if (!session_milters_allow_sender(session, path, parameters, &reply)) {
        answer_send_lines(session, reply);
        return false;
    }
    proxy_filter_begin(session);
    if (session->transaction.proxy != NULL && !session->settings->delay_open_until_valid_rcpt &&
        !proxy_filter_open_early(session, &reply)) {
        answer_send_lines(session, reply);
        return false;
    }
    if (!transaction_open_early(session, &why)) {
        message_answer_failure(session, &why);
        return false;
    }
    return true;
}

void verb_mail(struct session *session, struct str argument)
{
    if (session->helo_name.len == 0 && session->settings->helo_required) {
        answer(session, "503 5.5.1 Error: send HELO/EHLO first");
        return;
    }
    if (transaction_is_open(&session->transaction)) {
        answer(session, "503 5.5.1 Error: nested MAIL command");
        return;
    }
    if (!str_starts_with_nocase(argument, STR("FROM:")) || argument.len == 5) {
        answer(session, "501 5.5.4 Syntax: MAIL FROM:<address>");
        return;
    }
    if (!rates_allow(session, ANVIL_MESSAGE))
        return;
    transaction_begin(&session->transaction);
    session->transaction.number = ++session->smtpd->transactions;
    session->is_discarding_chunks = false;
    if (!str_is_empty(session->settings->content_filter))
        orders_set_filter(&session->transaction.orders, session->transaction.arena, session->settings->content_filter);
    if (begin(session, str_from(argument, 5)))
        answer_send(session, STR("250 2.1.0 Ok"));
    else
        transaction_end(&session->transaction);
}
