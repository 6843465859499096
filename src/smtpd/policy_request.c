/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/policy_request.h"

#include "mail/xtext.h"
#include "smtpd/restriction.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

#include <unistd.h>

enum { USUAL_SIZE = 1000 };

static void add(struct strbuf *request, const char *name, struct str value)
{
    strbuf_append_c(request, name);
    strbuf_append_char(request, '=');
    strbuf_append(request, value);
    strbuf_append_char(request, '\n');
}

static void add_number(struct strbuf *request, const char *name, uint64_t value)
{
    strbuf_append_c(request, name);
    strbuf_append_char(request, '=');
    strbuf_append_number(request, value);
    strbuf_append_char(request, '\n');
}

static void add_client(struct strbuf *request, const struct session *session)
{
    const struct peer *peer = &session->peer;

    add(request, "client_address", peer->address);
    add(request, "client_name", peer->name);
    add(request, "client_port", peer->port);
    add(request, "reverse_client_name", peer->reverse_name);
    add(request, "server_address", peer->server_address);
    add(request, "server_port", peer->server_port);
    add(request, "helo_name", session->helo_name);
}

/* The one recipient that is judged, or the only one of the message. */
static struct str recipient_of(const struct check *check)
{
    return check->recipient_shown.len > 0 ? check->recipient : check->session->transaction.recipient;
}

/* The same for all questions about a message, and for no other message. */
static void add_instance(struct strbuf *request, const struct transaction *transaction)
{
    if (!transaction_is_open(transaction)) {
        add(request, "instance", STR_EMPTY);
        return;
    }
    strbuf_printf(request, "instance=%x.%llx.%llx.%llx\n", (unsigned) getpid(),
                  (unsigned long long) transaction->arrival.us / 1000000,
                  (unsigned long long) transaction->arrival.us % 1000000, (unsigned long long) transaction->number);
}

static void add_transaction(struct strbuf *request, const struct check *check)
{
    const struct transaction *transaction = &check->session->transaction;

    add(request, "sender", transaction->sender);
    add(request, "recipient", recipient_of(check));
    add_number(request, "recipient_count",
               check->topic == TOPIC_DATA || check->topic == TOPIC_END_OF_DATA ? transaction->recipient_count : 0);
    add(request, "queue_id", transaction->queue_id);
    add_instance(request, transaction);
    add_number(request, "size", check->topic == TOPIC_END_OF_DATA ? transaction->bytes : transaction->announced_bytes);
}

static void add_login(struct strbuf *request, const struct session *session)
{
    add(request, "sasl_method", session->login.method);
    add(request, "sasl_username", session->login.username);
    add(request, "sasl_sender", session->transaction.author);
}

/* Names from certificates are chosen by those who have them: only those that somebody vouches for, and encoded. */
static void add_name(struct strbuf *request, const char *name, struct str value)
{
    strbuf_append_c(request, name);
    strbuf_append_char(request, '=');
    xtext_encode(request, value, "+=");
    strbuf_append_char(request, '\n');
}

static void add_encryption(struct strbuf *request, const struct session *session)
{
    static const struct tls_facts nothing;
    const struct tls_facts *encryption = session->tls.facts != NULL ? session->tls.facts : &nothing;
    const struct tls_facts *trusted = encryption->is_trusted ? encryption : &nothing;

    add_name(request, "ccert_subject", trusted->common_name);
    add_name(request, "ccert_issuer", trusted->issuer_common_name);
    add(request, "ccert_fingerprint", encryption->fingerprint);
    add(request, "ccert_pubkey_fingerprint", encryption->key_fingerprint);
    add(request, "encryption_protocol", encryption->protocol);
    add(request, "encryption_cipher", encryption->cipher);
    add_number(request, "encryption_keysize", (uint64_t) encryption->used_bits);
}

struct str policy_request_make(const struct check *check, struct str context, struct arena *arena)
{
    const struct session *session = check->session;
    struct strbuf request;
    struct str made;

    strbuf_init(&request, STRBUF_UNLIMITED);
    strbuf_reserve(&request, USUAL_SIZE);
    add(&request, "request", STR("smtpd_access_policy"));
    add(&request, "protocol_state", str_from_c(session->where));
    add(&request, "protocol_name", str_from_c(session_protocol(session)));
    add_client(&request, session);
    add_transaction(&request, check);
    add(&request, "etrn_domain", check->etrn_site);
    add(&request, "stress", session->settings->stress);
    add_login(&request, session);
    add_encryption(&request, session);
    add(&request, "policy_context", context);
    add(&request, "compatibility_level", session->smtpd->shared->compatibility_level);
    add(&request, "mail_version", session->smtpd->shared->mail_version);
    strbuf_append_char(&request, '\n');
    made = arena_str(arena, strbuf_str(&request));
    strbuf_done(&request);
    return made;
}
