/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/tickets.h"

#include "base/memory.h"
#include "run/fiber.h"
#include "run/loop.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <string.h>

enum {
    RETRY_SECONDS = 30,   /* a source that could not be asked is asked again */
    PATIENCE_SECONDS = 8, /* for another fiber that asks */
};

struct tls_tickets {
    EVP_CIPHER *cipher;
    struct duration lifetime;
    const struct tls_listener *listener;
    void (*note)(const SSL *connection, struct instant key_ends);
    struct tls_ticket_keys keys;
    struct tls_ticket_source source;
    struct event asked;
    struct instant asked_at; /* monotonic; 0: never */
    bool is_asking;
    bool has_seen_unknown; /* a ticket that none of the keys has made */
    bool has_warned;
};

bool tls_tickets_create(const char *cipher, struct duration lifetime, const struct tls_ticket_source *source,
                        const struct tls_listener *listener, struct tls_tickets **tickets_out, struct failure *why)
{
    EVP_CIPHER *found = EVP_CIPHER_fetch(NULL, cipher, NULL);
    struct tls_tickets *tickets;

    if (found == NULL || EVP_CIPHER_get_key_length(found) > TLSMGR_TICKET_SECRET_SIZE) {
        EVP_CIPHER_free(found);
        return failure_set(why, FAILURE_CONFIGURATION, 0, "invalid tls_session_ticket_cipher = %s", cipher);
    }
    tickets = memory_alloc(sizeof *tickets);
    *tickets = (struct tls_tickets){ .cipher = found, .lifetime = lifetime, .listener = listener };
    if (source != NULL)
        tickets->source = *source;
    event_init(&tickets->asked);
    *tickets_out = tickets;
    return true;
}

void tls_tickets_destroy(struct tls_tickets **pointer)
{
    struct tls_tickets *tickets = *pointer;

    if (tickets == NULL)
        return;
    EVP_CIPHER_free(tickets->cipher);
    tls_ticket_keys_wipe(&tickets->keys);
    memory_free(tickets);
    *pointer = NULL;
}

const struct tls_ticket_key *tls_tickets_current(struct tls_tickets *tickets, struct instant now)
{
    return tls_ticket_keys_current(&tickets->keys, tickets->lifetime, now);
}

const struct tls_ticket_key *tls_tickets_find(struct tls_tickets *tickets, const unsigned char *name,
                                              struct instant now)
{
    return tls_ticket_keys_find(&tickets->keys, name, tickets->lifetime, now);
}

/* ---- the source ---- */

bool tls_ticket_service_fetch(void *context, struct duration lifetime, struct arena *arena, struct records *keys_out,
                              struct failure *why)
{
    const struct tls_ticket_service *service = context;
    const struct tlsmgr_tickets *tickets;

    if (!tlsmgr_ticket_keys(service->tlsmgr, service->name, lifetime, arena, &tickets, why))
        return false;
    *keys_out = tickets->keys;
    return true;
}

static bool wants_keys(struct tls_tickets *tickets, struct instant now)
{
    bool is_due = tls_ticket_keys_is_due(&tickets->keys, tickets->lifetime, clock_now());

    if (!is_due && !tickets->has_seen_unknown && !tickets->has_warned)
        return false;
    return tickets->asked_at.us == 0 || instant_since(now, tickets->asked_at).us >= seconds(RETRY_SECONDS).us;
}

static void ask(struct tls_tickets *tickets)
{
    struct arena *arena = arena_create();
    struct records keys;
    struct failure why;

    if (tickets->source.fetch(tickets->source.context, tickets->lifetime, arena, &keys, &why)) {
        tls_ticket_keys_take(&tickets->keys, &keys, true);
        tickets->has_warned = false;
    } else if (!tickets->has_warned) {
        tls_warn(tickets->listener, "no shared keys of session tickets: %s; those of this process do", why.text);
        tickets->has_warned = true;
    }
    arena_destroy(&arena);
}

void tls_tickets_refresh(struct tls_tickets *tickets, struct loop *loop)
{
    if (tickets == NULL || tickets->source.fetch == NULL)
        return;
    /* One that did not answer before is waited for by one handshake at a time. */
    if (tickets->is_asking && tickets->has_warned)
        return;
    if (tickets->is_asking) {
        (void) !event_wait(loop, &tickets->asked, seconds(PATIENCE_SECONDS), NULL);
        return;
    }
    if (!wants_keys(tickets, loop_now(loop)))
        return;
    tickets->is_asking = true;
    tickets->has_seen_unknown = false;
    tickets->asked_at = loop_now(loop);
    ask(tickets);
    tickets->is_asking = false;
    event_wake_all(&tickets->asked);
}

/* ---- OpenSSL ---- */

static bool set_digest_key(EVP_MAC_CTX *digest, const struct tls_ticket_key *key)
{
    char name[] = "SHA256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *) (uintptr_t) key->digest, sizeof key->digest),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_MAC_CTX_set_params(digest, parameters) == 1;
}

enum { TICKET_ERROR = -1, TICKET_UNKNOWN = 0, TICKET_GOOD = 1, TICKET_RENEW = 2 };

static int make_ticket(struct tls_tickets *tickets, const SSL *connection, unsigned char *name, unsigned char *iv,
                       EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *digest)
{
    const struct tls_ticket_key *key = tls_tickets_current(tickets, clock_now());

    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(tickets->cipher)) != 1 ||
        EVP_EncryptInit_ex2(cipher, tickets->cipher, key->cipher, iv, NULL) != 1 || !set_digest_key(digest, key))
        return TICKET_ERROR;
    memcpy(name, key->name, sizeof key->name);
    if (tickets->note != NULL)
        tickets->note(connection, instant_add(key->made, tickets->lifetime));
    return TICKET_GOOD;
}

static int handle_ticket(SSL *connection, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                         EVP_MAC_CTX *digest, int is_making)
{
    struct tls_tickets *tickets = SSL_CTX_get_app_data(SSL_get_SSL_CTX(connection));
    const struct tls_ticket_key *key;

    if (is_making)
        return make_ticket(tickets, connection, name, iv, cipher, digest);
    key = tls_tickets_find(tickets, name, clock_now());
    if (key == NULL) {
        tickets->has_seen_unknown = true;
        return TICKET_UNKNOWN;
    }
    if (EVP_DecryptInit_ex2(cipher, tickets->cipher, key->cipher, iv, NULL) != 1 || !set_digest_key(digest, key))
        return TICKET_ERROR;
    return key == &tickets->keys.keys[0] ? TICKET_GOOD : TICKET_RENEW;
}

void tls_tickets_attach(struct tls_tickets *tickets, SSL_CTX *context,
                        void (*note)(const SSL *connection, struct instant key_ends))
{
    tickets->note = note;
    SSL_CTX_set_app_data(context, tickets);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, handle_ticket);
}
