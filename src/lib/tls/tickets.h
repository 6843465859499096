/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_TICKETS_H
#define TLS_TICKETS_H

#include "base/failure.h"
#include "tls/library.h"
#include "tls/ticket_keys.h"

#include <openssl/ssl.h>

struct loop;

/*
 * tickets - clients keep their sessions for us, closed by keys that only we have (RFC 5077, RFC 8446 section 4.6.1).
 *
 * The keys come from a source that all processes of a service share (tlsmgr), and are of this service alone: a ticket
 * from elsewhere is none, and costs its client a full handshake. While the source cannot be asked, keys are the
 * process's own.
 */
struct tls_tickets;

struct tls_ticket_source {
    /* May wait, for a few seconds. *keys_out: struct tlsmgr_ticket_key, in arena. */
    bool (*fetch)(void *context, struct duration lifetime, struct arena *arena, struct records *keys_out,
                  struct failure *why);
    void *context;
};

/* The context of tls_ticket_service_fetch: keys of a service, by its name in master.cf, from tlsmgr. */
struct tls_ticket_service {
    struct endpoint *tlsmgr;
    struct str name;
};

MUST_USE bool tls_ticket_service_fetch(void *context, struct duration lifetime, struct arena *arena,
                                       struct records *keys_out, struct failure *why);

/* cipher: "aes-256-cbc". source NULL: all keys are the process's own; else it is copied. */
MUST_USE bool tls_tickets_create(const char *cipher, struct duration lifetime, const struct tls_ticket_source *source,
                                 const struct tls_listener *listener, struct tls_tickets **tickets_out,
                                 struct failure *why);
/* Wipes the keys. Leaves *tickets NULL; NULL is fine. */
void tls_tickets_destroy(struct tls_tickets **tickets);
/* From now on the context's tickets are made with these keys. note, if not NULL, is told of each ticket that is made.
 */
void tls_tickets_attach(struct tls_tickets *tickets, SSL_CTX *context,
                        void (*note)(const SSL *connection, struct instant key_ends));
/*
 * Before a handshake, in a fiber: asks the source where a new key is due, or a ticket has come whose key may be a newer
 * one of another process. NULL is fine.
 */
void tls_tickets_refresh(struct tls_tickets *tickets, struct loop *loop);

/* The key to make tickets with at this time, a new one of our own if that is due. */
const struct tls_ticket_key *tls_tickets_current(struct tls_tickets *tickets, struct instant now);
/* The key with this name, if its time is not over; NULL: unknown. */
const struct tls_ticket_key *tls_tickets_find(struct tls_tickets *tickets, const unsigned char *name,
                                              struct instant now);

#endif
