/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/tickets.h"

#include "base/memory.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <string.h>

struct tls_tickets {
    EVP_CIPHER *cipher;
    struct duration lifetime;
    void (*note)(const SSL *connection, struct instant key_ends);
    struct tls_ticket_key current;
    struct tls_ticket_key previous;
};

bool tls_tickets_create(const char *cipher, struct duration lifetime, struct tls_tickets **tickets_out,
                        struct failure *why)
{
    EVP_CIPHER *found = EVP_CIPHER_fetch(NULL, cipher, NULL);
    struct tls_tickets *tickets;

    if (found == NULL || EVP_CIPHER_get_key_length(found) > TLS_TICKET_KEY_SIZE) {
        EVP_CIPHER_free(found);
        return failure_set(why, FAILURE_CONFIGURATION, 0, "invalid tls_session_ticket_cipher = %s", cipher);
    }
    tickets = memory_alloc(sizeof *tickets);
    *tickets = (struct tls_tickets){ .cipher = found, .lifetime = lifetime };
    *tickets_out = tickets;
    return true;
}

void tls_tickets_destroy(struct tls_tickets **pointer)
{
    struct tls_tickets *tickets = *pointer;

    if (tickets == NULL)
        return;
    EVP_CIPHER_free(tickets->cipher);
    OPENSSL_cleanse(tickets, sizeof *tickets);
    memory_free(tickets);
    *pointer = NULL;
}

static bool is_alive(const struct tls_ticket_key *key, struct duration time, struct instant now)
{
    return key->made.us != 0 && instant_since(now, key->made).us < time.us;
}

const struct tls_ticket_key *tls_tickets_current(struct tls_tickets *tickets, struct instant now)
{
    struct tls_ticket_key made = { .made = now };

    if (is_alive(&tickets->current, tickets->lifetime, now))
        return &tickets->current;
    if (RAND_bytes(made.name, sizeof made.name) != 1 || RAND_priv_bytes(made.cipher, sizeof made.cipher) != 1 ||
        RAND_priv_bytes(made.digest, sizeof made.digest) != 1)
        return NULL;
    tickets->previous = tickets->current;
    tickets->current = made;
    OPENSSL_cleanse(&made, sizeof made);
    return &tickets->current;
}

const struct tls_ticket_key *tls_tickets_find(struct tls_tickets *tickets, const unsigned char *name,
                                              struct instant now)
{
    struct tls_ticket_key *keys[] = { &tickets->current, &tickets->previous };
    const struct duration twice = { 2 * tickets->lifetime.us };
    const struct tls_ticket_key *found = NULL;

    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        if (!is_alive(keys[i], twice, now))
            OPENSSL_cleanse(keys[i], sizeof *keys[i]);
        else if (memcmp(keys[i]->name, name, TLS_TICKET_NAME_SIZE) == 0)
            found = keys[i];
    }
    return found;
}

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

    if (key == NULL || RAND_bytes(iv, EVP_CIPHER_get_iv_length(tickets->cipher)) != 1 ||
        EVP_EncryptInit_ex2(cipher, tickets->cipher, key->cipher, iv, NULL) != 1 || !set_digest_key(digest, key))
        return TICKET_ERROR;
    memcpy(name, key->name, TLS_TICKET_NAME_SIZE);
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
    if (key == NULL)
        return TICKET_UNKNOWN;
    if (EVP_DecryptInit_ex2(cipher, tickets->cipher, key->cipher, iv, NULL) != 1 || !set_digest_key(digest, key))
        return TICKET_ERROR;
    return key == &tickets->current ? TICKET_GOOD : TICKET_RENEW;
}

void tls_tickets_attach(struct tls_tickets *tickets, SSL_CTX *context,
                        void (*note)(const SSL *connection, struct instant key_ends))
{
    tickets->note = note;
    SSL_CTX_set_app_data(context, tickets);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, handle_ticket);
}
