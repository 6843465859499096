/* SPDX-License-Identifier: Apache-2.0 */
/* RCPT TO: one recipient more (RFC 5321 section 4.1.1.3, RFC 3461). */
#include "mail/address.h"
#include "mail/domain.h"
#include "mail/dsn.h"
#include "mail/smtp_path.h"
#include "smtpd/answer.h"
#include "smtpd/ehlo_keyword.h"
#include "smtpd/log_lines.h"
#include "smtpd/message.h"
#include "smtpd/policy.h"
#include "smtpd/proxy_filter.h"
#include "smtpd/session.h"
#include "smtpd/session_milters.h"
#include "smtpd/smtpd.h"
#include "smtpd/verbs.h"

static bool is_dsn_disabled(struct session *session)
{
    if (!(session->discarded_keywords & KEYWORD_DSN))
        return false;
    answer(session, "501 5.7.1 DSN support is disabled");
    return true;
}

static bool take_notify(struct session *session, struct cleanup_recipient *recipient, struct str value)
{
    unsigned notify;

    if (is_dsn_disabled(session))
        return false;
    if (recipient->dsn_notify != 0 || !dsn_notify_parse(value, &notify)) {
        answer(session, "501 5.5.4 Error: Bad NOTIFY parameter syntax");
        return false;
    }
    recipient->dsn_notify = notify;
    return true;
}

static bool take_orcpt(struct session *session, struct cleanup_recipient *recipient, struct str value)
{
    struct str type, address;

    if (is_dsn_disabled(session))
        return false;
    if (recipient->dsn_orcpt.len > 0 || !dsn_orcpt_parse(session->command_arena, value, &type, &address)) {
        answer(session, "501 5.5.4 Error: Bad ORCPT parameter syntax");
        return false;
    }
    recipient->dsn_orcpt = arena_printf(session->command_arena, "%.*s;%.*s", STR_ARG(type), STR_ARG(address));
    return true;
}

static bool take_parameters(struct session *session, struct cleanup_recipient *recipient, struct str rest)
{
    struct str word, name, value;

    while (str_next_word(&rest, " \t", &word)) {
        bool has_value = str_cut(word, '=', &name, &value);

        if (has_value && str_equal_nocase(name, STR("NOTIFY"))) {
            if (!take_notify(session, recipient, value))
                return false;
        } else if (has_value && str_equal_nocase(name, STR("ORCPT"))) {
            if (!take_orcpt(session, recipient, value))
                return false;
        } else {
            answer(session, "555 5.5.4 Unsupported option: %.*s", STR_ARG(word));
            return false;
        }
    }
    return true;
}

static bool take_address(struct session *session, struct str *rest, struct smtp_path *path)
{
    struct str argument = str_trim(*rest);
    struct failure why;

    if (!smtp_path_take(rest, smtpd_path_flags(session->smtpd), session->command_arena, path, &why)) {
        log_bad_address(session, "RCPT", argument);
        answer(session, "501 5.1.3 Bad recipient address syntax");
        return false;
    }
    if (path->has_utf8 && session->smtpd->shared->strict_smtputf8 && !session->transaction.is_smtputf8) {
        answer(session, "553 5.6.7 Must declare SMTPUTF8 to send unicode address");
        return false;
    }
    /* A user may be in UTF-8 as ever; a domain may be where SMTPUTF8 was asked for. */
    if (path->has_utf8 && !session->transaction.is_smtputf8 && !domain_is_ascii(address_domain(path->address))) {
        log_bad_address(session, "RCPT", argument);
        answer(session, "501 5.1.3 Bad recipient address syntax");
        return false;
    }
    return true;
}

/* Many recipients too many are the client's bad luck at first, and its mistake later. */
static bool is_within_limit(struct session *session)
{
    const struct smtpd_settings *settings = session->settings;
    struct transaction *transaction = &session->transaction;
    static const struct str reply = { "452 4.5.3 Error: too many recipients", 36 };

    if (transaction->recipient_count < (unsigned) settings->recipient_limit)
        return true;
    if (transaction->overshoot_count++ < (unsigned) settings->recipient_overshoot_limit)
        answer_send_uncounted(session, reply);
    else
        answer_send(session, reply);
    return false;
}

static void add_recipient(struct session *session, struct str rest)
{
    struct cleanup_recipient recipient = { .address = STR_EMPTY };
    struct smtp_path path;
    struct failure why;
    struct str written = rest, reply;

    if (!take_address(session, &rest, &path) || !take_parameters(session, &recipient, rest) ||
        !is_within_limit(session))
        return;
    written.len -= rest.len;
    if (!policy_allows_recipient(session, path.address, path.external, &reply)) {
        session_milters_recipient_refused(session, written, rest, reply);
        answer_send(session, reply);
        return;
    }
    if (!session_milters_allow_recipient(session, &path, written, rest, &reply)) {
        answer_send_lines(session, reply);
        return;
    }
    recipient.address = path.address;
    if (str_is_empty(recipient.dsn_orcpt))
        recipient.dsn_orcpt = arena_join(session->command_arena, STR("rfc822;"), path.written);
    if (session->transaction.proxy != NULL && !proxy_filter_add_recipient(session, path.external, &reply)) {
        answer_send_lines(session, reply);
        return;
    }
    if (!transaction_add_recipient(session, &recipient, path.external, &why))
        message_answer_failure(session, &why);
    else
        answer_send(session, STR("250 2.1.5 Ok"));
}

void verb_rcpt(struct session *session, struct str argument)
{
    if (!transaction_is_open(&session->transaction)) {
        answer(session, "503 5.5.1 Error: need MAIL command");
        return;
    }
    if (session->transaction.is_chunked) {
        answer(session, "503 5.5.1 Error: RCPT after BDAT");
        return;
    }
    if (!str_starts_with_nocase(argument, STR("TO:")) || argument.len == 3) {
        answer(session, "501 5.5.4 Syntax: RCPT TO:<address>");
        return;
    }
    if (rates_allow(session, ANVIL_RECIPIENT))
        add_recipient(session, str_from(argument, 3));
}
