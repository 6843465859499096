/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/received.h"

#include "mail/date.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

static const char *protocol(const struct session *session)
{
    return session->transaction.is_smtputf8 ? "UTF8SMTP" : session_protocol(session);
}

void received_append(const struct session *session, struct strbuf *out)
{
    const struct transaction *transaction = &session->transaction;
    const struct shared_settings *shared = session->smtpd->shared;
    const struct peer *peer = &session->peer;
    struct str hello = session->helo_name.len > 0 ? session->helo_name : peer->name;

    strbuf_append(out, STR("Received: from "));
    strbuf_append(out, hello);
    strbuf_append(out, STR(" ("));
    strbuf_append(out, peer->name);
    strbuf_append(out, peer->ip.family == IP_V6 ? STR(" [IPv6:") : STR(" ["));
    strbuf_append(out, peer->address);
    strbuf_append(out, STR("])\n\tby "));
    strbuf_append(out, shared->myhostname);
    strbuf_append(out, STR(" ("));
    strbuf_append(out, shared->mail_name);
    strbuf_append(out, STR(") with "));
    strbuf_append_c(out, protocol(session));
    if (transaction->queue_id.len > 0) {
        strbuf_append(out, STR(" id "));
        strbuf_append(out, transaction->queue_id);
    }
    if (transaction->recipient.len > 0) {
        strbuf_append(out, STR("\n\tfor <"));
        strbuf_append(out, transaction->recipient_shown);
        strbuf_append(out, STR(">; "));
    } else {
        strbuf_append(out, STR(";\n\t"));
    }
    date_append(out, transaction->arrival);
    strbuf_append_char(out, '\n');
}
