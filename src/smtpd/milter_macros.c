/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/milter_macros.h"

#include "mail/casefold.h"
#include "mail/quote.h"
#include "smtpd/destination.h"
#include "smtpd/encryption.h"
#include "smtpd/session.h"
#include "smtpd/session_milters.h"
#include "smtpd/smtpd.h"
#include "tls/facts.h"

/* False: no such thing here and now. */
typedef bool find_value(struct session_milters *own, struct strbuf *value);

static bool put(struct strbuf *value, struct str text)
{
    strbuf_append(value, text);
    return text.len > 0;
}

/* As filters know addresses of version 6 from elsewhere. */
static bool put_ip(struct strbuf *value, struct str address)
{
    if (str_contains_char(address, ':'))
        strbuf_append(value, STR("IPv6:"));
    return put(value, address);
}

/* ---- the session ---- */

static bool find_host(struct session_milters *own, struct strbuf *value)
{
    return put(value, own->session->smtpd->shared->myhostname);
}

static bool find_version(struct session_milters *own, struct strbuf *value)
{
    return put(value, own->session->smtpd->milter_settings->macro_v);
}

static bool find_daemon_name(struct session_milters *own, struct strbuf *value)
{
    return put(value, own->session->smtpd->milter_settings->macro_daemon_name);
}

static bool find_daemon_address(struct session_milters *own, struct strbuf *value)
{
    return put(value, own->session->peer.server_address);
}

static bool find_daemon_port(struct session_milters *own, struct strbuf *value)
{
    return put(value, own->session->peer.server_port);
}

/* "name [address]", and whether the name leads back. */
static bool find_client(struct session_milters *own, struct strbuf *value)
{
    const struct peer *peer = &own->session->peer;
    bool is_forged = str_equal(peer->name, STR("unknown")) && !str_equal(peer->reverse_name, STR("unknown"));

    return strbuf_printf(value, "%.*s [%.*s]%s", STR_ARG(peer->reverse_name), STR_ARG(peer->address),
                         is_forged ? " (may be forged)" : "");
}

static bool find_client_address(struct session_milters *own, struct strbuf *value)
{
    return put_ip(value, own->session->peer.address);
}

static bool find_client_name(struct session_milters *own, struct strbuf *value)
{
    return put(value, own->session->peer.name);
}

static bool find_client_port(struct session_milters *own, struct strbuf *value)
{
    return put(value, own->session->peer.port);
}

static bool find_client_reverse_name(struct session_milters *own, struct strbuf *value)
{
    return put(value, own->session->peer.reverse_name);
}

static bool find_connections(struct session_milters *own, struct strbuf *value)
{
    return strbuf_append_number(value, own->session->rates.connections);
}

static bool find_login_method(struct session_milters *own, struct strbuf *value)
{
    return put(value, own->session->login.method);
}

static bool find_login_name(struct session_milters *own, struct strbuf *value)
{
    return put(value, own->session->login.username);
}

/* ---- TLS ---- */

static bool find_protocol(struct session_milters *own, struct strbuf *value)
{
    const struct tls_facts *facts = own->session->tls.facts;

    return facts != NULL && put(value, facts->protocol);
}

static bool find_cipher(struct session_milters *own, struct strbuf *value)
{
    const struct tls_facts *facts = own->session->tls.facts;

    return facts != NULL && put(value, facts->cipher);
}

static bool find_cipher_bits(struct session_milters *own, struct strbuf *value)
{
    const struct tls_facts *facts = own->session->tls.facts;

    return facts != NULL && strbuf_append_number(value, (uint64_t) facts->used_bits);
}

static bool find_certificate_subject(struct session_milters *own, struct strbuf *value)
{
    const struct tls_facts *facts = encryption_trusted_certificate(own->session);

    return facts != NULL && put(value, facts->common_name);
}

static bool find_certificate_issuer(struct session_milters *own, struct strbuf *value)
{
    const struct tls_facts *facts = encryption_trusted_certificate(own->session);

    return facts != NULL && put(value, facts->issuer_common_name);
}

/* ---- the message ---- */

static bool find_author(struct session_milters *own, struct strbuf *value)
{
    return put(value, own->session->transaction.author);
}

static bool find_queue_id(struct session_milters *own, struct strbuf *value)
{
    return put(value, own->session->transaction.queue_id);
}

static const struct destination *look_up(struct session_milters *own, struct str address)
{
    const struct destination *destination;
    struct failure why;

    if (own->message_arena == NULL ||
        !destination_look_up(own->session->smtpd, STR_EMPTY, address, own->message_arena, &destination, &why))
        return NULL;
    return destination;
}

static const struct destination *sender_of(struct session_milters *own)
{
    if (own->sender == NULL && transaction_is_open(&own->session->transaction))
        own->sender = look_up(own, own->session->transaction.sender);
    return own->sender;
}

static const struct destination *recipient_of(struct session_milters *own)
{
    if (own->recipient_destination == NULL && own->recipient.len > 0)
        own->recipient_destination = look_up(own, own->recipient);
    return own->recipient_destination;
}

/* In lower case, as Postfix tells them. */
static bool put_address(struct session_milters *own, struct strbuf *value, struct str address)
{
    (void) quote_address(value, casefold(own->message_arena, address));
    return true;
}

static bool find_sender(struct session_milters *own, struct strbuf *value)
{
    const struct transaction *transaction = &own->session->transaction;
    const struct destination *destination;

    if (!transaction_is_open(transaction))
        return false;
    destination = transaction->sender.len > 0 ? sender_of(own) : NULL;
    return put_address(own, value, destination != NULL ? destination->recipient : transaction->sender);
}

static bool find_sender_host(struct session_milters *own, struct strbuf *value)
{
    const struct destination *destination = sender_of(own);

    return destination != NULL && put(value, destination->nexthop);
}

static bool find_sender_mailer(struct session_milters *own, struct strbuf *value)
{
    const struct destination *destination = sender_of(own);

    return destination != NULL && put(value, destination->transport);
}

static bool find_recipient(struct session_milters *own, struct strbuf *value)
{
    const struct destination *destination = recipient_of(own);

    if (own->refusal_text.len > 0)
        return put(value, own->refusal_text);
    if (own->recipient.len == 0)
        return false;
    return put_address(own, value, destination != NULL ? destination->recipient : own->recipient);
}

static bool find_recipient_host(struct session_milters *own, struct strbuf *value)
{
    const struct destination *destination = recipient_of(own);

    if (own->refusal_text.len > 0)
        return put(value, own->refusal_dsn);
    return destination != NULL && put(value, destination->nexthop);
}

static bool find_recipient_mailer(struct session_milters *own, struct strbuf *value)
{
    const struct destination *destination = recipient_of(own);

    if (own->refusal_text.len > 0)
        return put(value, STR("error"));
    return destination != NULL && put(value, destination->transport);
}

bool milter_macros_find(void *context, struct str name, struct strbuf *value)
{
    static const struct {
        const char *name;
        find_value *find;
    } macros[] = {
        { "i", find_queue_id },
        { "j", find_host },
        { "_", find_client },
        { "v", find_version },
        { "auth_authen", find_login_name },
        { "auth_author", find_author },
        { "auth_type", find_login_method },
        { "cert_issuer", find_certificate_issuer },
        { "cert_subject", find_certificate_subject },
        { "cipher", find_cipher },
        { "cipher_bits", find_cipher_bits },
        { "client_addr", find_client_address },
        { "client_connections", find_connections },
        { "client_name", find_client_name },
        { "client_port", find_client_port },
        { "client_ptr", find_client_reverse_name },
        { "daemon_addr", find_daemon_address },
        { "daemon_name", find_daemon_name },
        { "daemon_port", find_daemon_port },
        { "mail_addr", find_sender },
        { "mail_host", find_sender_host },
        { "mail_mailer", find_sender_mailer },
        { "rcpt_addr", find_recipient },
        { "rcpt_host", find_recipient_host },
        { "rcpt_mailer", find_recipient_mailer },
        { "tls_version", find_protocol },
    };

    for (size_t i = 0; i < ARRAY_COUNT(macros); i++) {
        if (str_equal(name, str_from_c(macros[i].name)))
            return macros[i].find(context, value);
    }
    return false;
}
