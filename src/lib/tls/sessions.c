/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/sessions.h"

#include "base/check.h"
#include "base/memory.h"
#include "dns/answer.h"
#include "tls/client.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

enum {
    SESSION_MAXIMUM = 64 * 1024,
    TITLE_MAXIMUM = 300,
    SAVES_MAXIMUM = 4, /* of a connection: a server may send tickets without end */
};

/* ---- what a session is good for ---- */

static void add_bytes(EVP_MD_CTX *digest, const void *data, size_t len)
{
    const uint64_t prefix = len;

    (void) EVP_DigestUpdate(digest, &prefix, sizeof prefix);
    if (len > 0)
        (void) EVP_DigestUpdate(digest, data, len);
}

static void add_text(EVP_MD_CTX *digest, struct str text)
{
    add_bytes(digest, text.data, text.len);
}

static void add_list(EVP_MD_CTX *digest, const struct str *items, size_t count)
{
    add_bytes(digest, &count, sizeof count);
    for (size_t i = 0; i < count; i++)
        add_text(digest, items[i]);
}

static EVP_MD_CTX *begin_digest(void)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();

    CHECK(digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1);
    return digest;
}

static struct str end_digest(EVP_MD_CTX *digest, struct arena *arena)
{
    static const char digits[] = "0123456789ABCDEF";
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    char *text;

    CHECK(EVP_DigestFinal_ex(digest, bytes, &len) == 1);
    EVP_MD_CTX_free(digest);
    text = arena_alloc(arena, 2 * (size_t) len);
    for (unsigned i = 0; i < len; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    return str_make(text, 2 * (size_t) len);
}

struct certificate_sum {
    unsigned char bytes[EVP_MAX_MD_SIZE];
};

/* In whatever order they come. */
static void add_certificate(struct certificate_sum *sum, const X509 *certificate)
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (certificate == NULL || X509_digest(certificate, EVP_sha256(), bytes, &len) != 1)
        return;
    for (unsigned i = 0; i < len; i++)
        sum->bytes[i] ^= bytes[i];
}

static void add_own_certificates(EVP_MD_CTX *digest, SSL_CTX *context)
{
    struct certificate_sum sum = { { 0 } };

    for (long which = SSL_CTX_set_current_cert(context, SSL_CERT_SET_FIRST); which == 1;
         which = SSL_CTX_set_current_cert(context, SSL_CERT_SET_NEXT))
        add_certificate(&sum, SSL_CTX_get0_certificate(context));
    add_bytes(digest, sum.bytes, sizeof sum.bytes);
}

static void add_authorities(EVP_MD_CTX *digest, SSL_CTX *context)
{
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(context));
    struct certificate_sum sum = { { 0 } };

    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++)
        add_certificate(&sum, X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i)));
    add_bytes(digest, sum.bytes, sizeof sum.bytes);
}

struct str tls_belief_digest(SSL_CTX *context, struct arena *arena)
{
    const int depth = SSL_CTX_get_verify_depth(context);
    const int level = SSL_CTX_get_security_level(context);
    EVP_MD_CTX *digest = begin_digest();

    tls_library_begin();
    add_bytes(digest, &depth, sizeof depth);
    add_bytes(digest, &level, sizeof level);
    add_authorities(digest, context);
    tls_library_begin();
    return end_digest(digest, arena);
}

struct str tls_context_digest(SSL_CTX *context, struct arena *arena)
{
    struct str belief = tls_belief_digest(context, arena);
    EVP_MD_CTX *digest = begin_digest();

    tls_library_begin();
    add_text(digest, belief);
    add_own_certificates(digest, context);
    tls_library_begin();
    return end_digest(digest, arena);
}

static void add_records(EVP_MD_CTX *digest, const struct dns_record *records, size_t count)
{
    add_bytes(digest, &count, sizeof count);
    for (size_t i = 0; i < count; i++) {
        const unsigned char kind[] = { records[i].tlsa_usage, records[i].tlsa_selector, records[i].tlsa_matching };

        add_bytes(digest, kind, sizeof kind);
        add_text(digest, records[i].data);
    }
}

/* All of the demand: what is added there has its place here, too. */
static struct str digest_demand(const struct tls_demand *demand, struct str context_digest, struct arena *arena)
{
    const unsigned char flags[] = { (unsigned char) demand->proof, demand->is_host_unsure };
    EVP_MD_CTX *digest = begin_digest();

    add_text(digest, context_digest);
    add_text(digest, demand->session_title);
    add_text(digest, demand->session_owner);
    add_text(digest, demand->protocols);
    add_text(digest, demand->ciphers);
    add_list(digest, demand->exclusions, demand->exclusion_count);
    add_text(digest, demand->server_name);
    add_bytes(digest, flags, sizeof flags);
    add_list(digest, demand->names.items, demand->names.count);
    add_list(digest, demand->fingerprints.items, demand->fingerprints.count);
    add_records(digest, demand->tlsa_records, demand->tlsa_count);
    return end_digest(digest, arena);
}

struct str tls_session_id(const struct tls_demand *demand, struct str context_digest, struct arena *arena)
{
    struct str digest = digest_demand(demand, context_digest, arena);
    struct str title = str_part(demand->session_title, 0, TITLE_MAXIMUM);

    return arena_printf(arena, "%.*s&%.*s", STR_ARG(title), STR_ARG(digest));
}

/* ---- a connection's place ---- */

struct place {
    const struct tls_session_options *options;
    const struct tls_listener *listener;
    bool is_told;
    bool was_taken_up;
    bool is_concluded;
    bool is_good;
    unsigned saves;
    SSL_SESSION *early; /* it came before the handshake was judged */
    struct str id;
    char id_text[];
};

static void free_place(void *parent, void *pointer, CRYPTO_EX_DATA *data, int index, long argument, void *more)
{
    struct place *place = pointer;

    (void) parent, (void) data, (void) index, (void) argument, (void) more;
    if (place == NULL)
        return;
    SSL_SESSION_free(place->early);
    memory_free(place);
}

static int place_index(void)
{
    static int index = -1;

    if (index < 0)
        index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_place);
    return index;
}

static void save(struct place *place, SSL_SESSION *session)
{
    struct duration lifetime = place->options->lifetime;
    struct duration own = seconds(SSL_SESSION_get_timeout(session));
    int len = i2d_SSL_SESSION(session, NULL);
    unsigned char *bytes, *end;

    if (len <= 0 || len > SESSION_MAXIMUM || place->saves >= SAVES_MAXIMUM || SSL_SESSION_is_resumable(session) != 1)
        return;
    place->saves++;
    bytes = end = memory_alloc((size_t) len);
    if (place->is_told)
        tls_inform(place->listener, "save session %.*s to %s cache", STR_ARG(place->id), place->options->name);
    if (i2d_SSL_SESSION(session, &end) == len)
        place->options->store.save(place->options->store.context, place->id,
                                   str_make((const char *) bytes, (size_t) len),
                                   instant_add(clock_now(), own.us < lifetime.us ? own : lifetime));
    OPENSSL_cleanse(bytes, (size_t) len);
    memory_free(bytes);
}

/* Of TLS 1.3 they come when the server likes, after the handshake. */
static int hear_session(SSL *connection, SSL_SESSION *session)
{
    struct place *place = SSL_get_ex_data(connection, place_index());

    if (place == NULL)
        return 0;
    if (place->is_concluded) {
        if (place->is_good)
            save(place, session);
        return 0;
    }
    SSL_SESSION_free(place->early);
    place->early = session;
    return 1; /* it is ours now */
}

void tls_sessions_attach(SSL_CTX *context)
{
    SSL_CTX_set_session_cache_mode(context,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL | SSL_SESS_CACHE_NO_AUTO_CLEAR);
    SSL_CTX_sess_set_new_cb(context, hear_session);
}

static bool has_expired(SSL_SESSION *session)
{
    X509 *certificate = SSL_SESSION_get0_peer(session);

    return certificate == NULL || X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0;
}

static void take_up(SSL *connection, struct place *place, struct str bytes, bool needs_proof)
{
    const unsigned char *data = (const unsigned char *) bytes.data;
    SSL_SESSION *session;

    tls_library_begin();
    session = d2i_SSL_SESSION(NULL, &data, (long) bytes.len);
    if (session == NULL) {
        place->options->store.forget(place->options->store.context, place->id);
    } else if (!needs_proof || !has_expired(session)) {
        if (place->is_told)
            tls_inform(place->listener, "reloaded session %.*s from %s cache", STR_ARG(place->id),
                       place->options->name);
        place->was_taken_up = SSL_set_session(connection, session) == 1;
    }
    SSL_SESSION_free(session);
    tls_library_begin();
}

void tls_session_prepare(SSL *connection, const struct tls_session_options *options, struct str id, bool needs_proof,
                         const struct tls_listener *listener, bool is_told, struct arena *arena)
{
    struct place *place = memory_alloc(sizeof *place + id.len);
    struct str session;

    *place = (struct place){ .options = options, .listener = listener, .is_told = is_told };
    memcpy(place->id_text, id.data, id.len);
    place->id = str_make(place->id_text, id.len);
    if (SSL_set_ex_data(connection, place_index(), place) != 1) {
        memory_free(place);
        return;
    }
    if (is_told)
        tls_inform(listener, "looking for session %.*s in %s cache", STR_ARG(id), options->name);
    if (options->store.load(options->store.context, id, arena, &session))
        take_up(connection, place, session, needs_proof);
}

void tls_session_conclude(SSL *connection, bool is_good)
{
    struct place *place = SSL_get_ex_data(connection, place_index());

    if (place == NULL)
        return;
    place->is_concluded = true;
    place->is_good = is_good;
    if (!is_good && place->was_taken_up)
        place->options->store.forget(place->options->store.context, place->id);
    if (is_good && place->early != NULL)
        save(place, place->early);
    SSL_SESSION_free(place->early);
    place->early = NULL;
}
