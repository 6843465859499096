/* SPDX-License-Identifier: Apache-2.0 */
/* ETRN: the client asks that mail for its domain be tried now (RFC 1985). */
#include "mail/domain.h"
#include "protocol/flush.h"
#include "smtpd/answer.h"
#include "smtpd/log_lines.h"
#include "smtpd/policy.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"
#include "smtpd/verbs.h"

/* "@example.com" is the same as "example.com": subdomains are not asked for; "#queue" is no queue of ours. */
static struct str without_sign(struct str argument)
{
    return argument.len > 0 && (argument.data[0] == '@' || argument.data[0] == '#') ? str_from(argument, 1) : argument;
}

static enum flush_status ask(struct session *session, struct str site)
{
    const struct flush_request request = { .site = site };
    const struct smtpd *smtpd = session->smtpd;
    const struct flush_reply *reply;
    struct failure why;
    void *message;

    if (site.len > FLUSH_SITE_MAXIMUM)
        return FLUSH_BAD_SITE;
    if (!endpoint_ask(smtpd->flush, &flush_request_message, &request, &flush_reply_message, session->command_arena,
                      smtpd->shared->ipc_timeout, &message, &why)) {
        log_flush_trouble(why.text);
        return FLUSH_TRY_LATER;
    }
    reply = message;
    return (enum flush_status) reply->status;
}

static void flush_site(struct session *session, struct str site)
{
    switch (ask(session, site)) {
    case FLUSH_STARTED:
        answer(session, "250 Queuing started");
        return;
    case FLUSH_DENIED:
        log_etrn_denied(session, site);
        answer(session, "459 <%.*s>: service unavailable", STR_ARG(site));
        return;
    case FLUSH_BAD_SITE:
    case FLUSH_TRY_LATER:
        answer(session, "458 Unable to queue messages");
        return;
    }
}

void verb_etrn(struct session *session, struct str argument)
{
    struct str site = without_sign(argument), reply;

    if (session->settings->helo_required && session->helo_name.len == 0) {
        answer(session, "503 Error: send HELO/EHLO first");
        return;
    }
    if (transaction_is_open(&session->transaction)) {
        answer(session, "503 Error: MAIL transaction in progress");
        return;
    }
    if (argument.len == 0 || str_find_any(argument, " \t") != STR_NOT_FOUND) {
        answer(session, "500 Syntax: ETRN domain");
        return;
    }
    if (!domain_is_site(site)) {
        answer(session, "501 Error: invalid parameter syntax");
        return;
    }
    if (policy_allows_etrn(session, site, &reply))
        flush_site(session, site);
    else
        answer_send(session, reply);
}
