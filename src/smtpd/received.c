/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/received.h"

#include "mail/date.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

/* RFC 3848, RFC 6531 section 4.3: without EHLO there is no name that tells more. */
static struct str protocol(const struct session *session)
{
    const char *name = session->transaction.is_smtputf8 ? "UTF8SMTP" : session_protocol(session);

    if (!session->is_esmtp)
        return str_from_c(name);
    return arena_printf(session->command_arena, "%s%s%s", name, session_is_encrypted(session) ? "S" : "",
                        login_is_known(&session->login) ? "A" : "");
}

/* In a comment: what would end it, or hide its end, does not stand in it. */
static void append_login(const struct session *session, struct strbuf *out)
{
    struct str name = session->login.username;
    size_t depth = 0;

    strbuf_append(out, STR("\t(Authenticated sender: "));
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];

        depth += c == '(';
        if (c == '\\' || (c == ')' && depth == 0))
            c = '?';
        depth -= c == ')';
        strbuf_append_char(out, c);
    }
    while (depth-- > 0)
        strbuf_append_char(out, ')');
    strbuf_append(out, STR(")\n"));
}

/* Which key agreement and signatures, as far as the cipher's name does not tell it. */
static void append_exchange(const struct tls_facts *facts, struct strbuf *out)
{
    if (facts->key_exchange.len > 0) {
        strbuf_printf(out, "\n\t key-exchange %.*s", STR_ARG(facts->key_exchange));
        if (facts->server_signature.len > 0)
            strbuf_printf(out, " server-signature %.*s", STR_ARG(facts->server_signature));
        if (facts->server_digest.len > 0)
            strbuf_printf(out, " server-digest %.*s", STR_ARG(facts->server_digest));
    }
    if (facts->client_signature.len > 0) {
        strbuf_printf(out, "\n\t client-signature %.*s", STR_ARG(facts->client_signature));
        if (facts->client_digest.len > 0)
            strbuf_printf(out, " client-digest %.*s", STR_ARG(facts->client_digest));
    }
}

static void append_encryption(const struct session *session, struct strbuf *out)
{
    const struct tls_facts *facts = session->tls.facts;

    strbuf_printf(out, "\t(using %.*s with cipher %.*s (%d/%d bits)", STR_ARG(facts->protocol), STR_ARG(facts->cipher),
                  facts->used_bits, facts->total_bits);
    append_exchange(facts, out);
    strbuf_append(out, STR(")\n"));
    if (facts->has_certificate)
        strbuf_printf(out, "\t(Client CN \"%.*s\", Issuer \"%.*s\" (%s))\n", STR_ARG(facts->common_name),
                      STR_ARG(facts->issuer_common_name), facts->is_trusted ? "verified OK" : "not verified");
    else if (session->smtpd->encryption.asks_certificate)
        strbuf_append(out, STR("\t(Client did not present a certificate)\n"));
    else
        strbuf_append(out, STR("\t(No client certificate requested)\n"));
}

/* With smtpd_hide_client_session, as for mail that was made here. */
static void append_hidden(const struct session *session, struct strbuf *out)
{
    const struct shared_settings *shared = session->smtpd->shared;

    strbuf_printf(out, "Received: by %.*s (%.*s)\n\tid %.*s; ", STR_ARG(shared->myhostname), STR_ARG(shared->mail_name),
                  STR_ARG(session->transaction.queue_id));
    date_append(out, session->transaction.arrival);
    strbuf_append_char(out, '\n');
}

void received_append(const struct session *session, struct strbuf *out)
{
    const struct transaction *transaction = &session->transaction;
    const struct shared_settings *shared = session->smtpd->shared;
    const struct peer *peer = &session->peer;
    struct str hello = session->helo_name.len > 0 ? session->helo_name : peer->name;

    if (session->settings->hide_client_session && transaction->queue_id.len > 0) {
        append_hidden(session, out);
        return;
    }
    strbuf_append(out, STR("Received: from "));
    strbuf_append(out, hello);
    strbuf_append(out, STR(" ("));
    strbuf_append(out, peer->name);
    strbuf_append(out, peer->ip.family == IP_V6 ? STR(" [IPv6:") : STR(" ["));
    strbuf_append(out, peer->address);
    strbuf_append(out, STR("])\n"));
    if (session->settings->tls.received_header && session->tls.facts != NULL)
        append_encryption(session, out);
    if (session->settings->sasl.authenticated_header && login_is_known(&session->login))
        append_login(session, out);
    strbuf_append(out, STR("\tby "));
    strbuf_append(out, shared->myhostname);
    strbuf_append(out, STR(" ("));
    strbuf_append(out, shared->mail_name);
    strbuf_append(out, STR(") with "));
    strbuf_append(out, protocol(session));
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
