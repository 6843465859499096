/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_TICKETS_H
#define TLS_TICKETS_H

#include "base/failure.h"
#include "base/time.h"

#include <openssl/ssl.h>

/*
 * tickets - the keys under which clients keep their sessions for us (RFC 5077, RFC 8446 section 4.6.1).
 *
 * A key makes tickets for one lifetime and reads them for one more; then it is wiped, and what was recorded under it
 * stays closed whoever gets hold of this process later. Keys are random, of this process and this service: a ticket
 * from elsewhere is none, and costs its client a full handshake.
 */
struct tls_tickets;

/* cipher: "aes-256-cbc". The time is told by now(), so that tests can bring their own. */
MUST_USE bool tls_tickets_create(const char *cipher, struct duration lifetime, struct tls_tickets **tickets_out,
                                 struct failure *why);
/* Wipes the keys. Leaves *tickets NULL; NULL is fine. */
void tls_tickets_destroy(struct tls_tickets **tickets);
/* From now on the context's tickets are made with these keys. note, if not NULL, is told of each ticket that is made.
 */
void tls_tickets_attach(struct tls_tickets *tickets, SSL_CTX *context,
                        void (*note)(const SSL *connection, struct instant key_ends));

enum { TLS_TICKET_NAME_SIZE = 16, TLS_TICKET_KEY_SIZE = 32 };

struct tls_ticket_key {
    unsigned char name[TLS_TICKET_NAME_SIZE];
    unsigned char cipher[TLS_TICKET_KEY_SIZE];
    unsigned char digest[TLS_TICKET_KEY_SIZE];
    struct instant made; /* wall clock; 0: there is none */
};

/* The key to make tickets with at this time, a new one if that is due; NULL if there is no randomness. */
const struct tls_ticket_key *tls_tickets_current(struct tls_tickets *tickets, struct instant now);
/* The key with this name, if its time is not over; NULL: unknown. */
const struct tls_ticket_key *tls_tickets_find(struct tls_tickets *tickets, const unsigned char *name,
                                              struct instant now);

#endif
