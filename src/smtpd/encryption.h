/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_ENCRYPTION_H
#define SMTPD_ENCRYPTION_H

#include "tls/server.h"
#include "tls/settings.h"
#include "tls/tickets.h"

struct session;
struct smtpd;

/*
 * encryption - TLS in sessions: STARTTLS (RFC 3207) and smtpd_tls_wrappermode, who must use it, and what is known of
 * the client by it.
 *
 * Keys and certificates are read before the jail. With bad ones the service goes on without: STARTTLS is answered with
 * 454, and where TLS is required nothing else is taken. A process that replaces an older one does not start with them
 * instead: the older one goes on with what it has.
 */
enum encryption_level {
    ENCRYPTION_NONE,
    ENCRYPTION_MAY,
    ENCRYPTION_REQUIRED,
};

/* The service's; part of struct smtpd. */
struct encryption {
    enum encryption_level level;
    bool asks_certificate;
    bool requires_certificate;
    const struct tls_settings *settings;
    struct tls_listener listener;
    struct tls_ticket_service tickets;
    struct tls_server *server; /* NULL: keys or settings are bad, and told */
    struct table_list *relay_clientcerts;
    struct table_list *sni_maps;
};

/* The session's. */
struct session_tls {
    const struct tls_facts *facts; /* in the session's arena; NULL: what is said is in clear */
    const char *refusal;           /* of the client's certificate: what its next command is answered with; or NULL */
};

MUST_USE bool encryption_open(struct smtpd *smtpd, struct failure *why);
void encryption_close(struct smtpd *smtpd);

/* STARTTLS is a command here and now. */
bool encryption_is_offered(const struct session *session);
/* The client must begin TLS before it may do what counts. */
bool encryption_is_missing(const struct session *session);
/* The client's certificate, if one was shown; else NULL. */
const struct tls_facts *encryption_certificate(const struct session *session);
/* The same, if an authority that we trust vouches for it. */
const struct tls_facts *encryption_trusted_certificate(const struct session *session);

/*
 * The handshake, and what follows from it. False: the session is over. Before it nothing may be waiting to be sent.
 */
MUST_USE bool encryption_begin(struct session *session);
/* The client's certificate was not good enough: answers, which ends the session. False: it was, or is not needed. */
bool encryption_refuses(struct session *session);
/* In a service that is encrypted from the first byte. False: the session is over. */
MUST_USE bool encryption_begin_wrapped(struct session *session);

#endif
