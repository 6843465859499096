/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/dane.h"

#include "tls/library.h"

#include <openssl/x509.h>

enum {
    USAGE_TRUST_ANCHOR = 2, /* DANE-TA, RFC 7671 section 5.2 */
    USAGE_END_ENTITY = 3,   /* DANE-EE */
    SELECTOR_CERTIFICATE = 0,
    SELECTOR_KEY = 1,
    MATCHING_FULL = 0,
    MATCHING_HIGHEST = 254, /* 255 is for private use, and OpenSSL's tables end before it */
    TEXT_BYTES = 64,
};

/* RFC 6698 section 7.4. */
static const struct {
    const char *name;
    uint8_t type;
} known_digests[] = { { "sha256", 1 }, { "sha512", 2 } };

static uint8_t usual_type(struct str name)
{
    for (size_t i = 0; i < ARRAY_COUNT(known_digests); i++) {
        if (str_equal_nocase(name, str_from_c(known_digests[i].name)))
            return known_digests[i].type;
    }
    return 0;
}

static const char *usual_name(uint8_t type)
{
    for (size_t i = 0; i < ARRAY_COUNT(known_digests); i++) {
        if (known_digests[i].type == type)
            return known_digests[i].name;
    }
    return NULL;
}

static bool has_type(const struct tls_dane_digests *digests, uint8_t type)
{
    for (size_t i = 0; i < digests->count; i++) {
        if (digests->items[i].type == type)
            return true;
    }
    return false;
}

/* Of "name" or "name=number". 0: it is told what is wrong. */
static uint8_t find_type(struct str word, struct str name, const struct tls_listener *listener)
{
    struct str number = word.len > name.len ? str_from(word, name.len + 1) : STR_EMPTY;
    uint8_t usual = usual_type(name);
    uint64_t type = usual;

    if (word.len > name.len && (!str_to_uint64(number, &type) || type == 0 || type > MATCHING_HIGHEST)) {
        tls_warn(listener, "Invalid matching type number in tls_dane_digests: %.*s", STR_ARG(word));
        return 0;
    }
    if (type == 0) {
        tls_warn(listener, "tls_dane_digests: digest algorithm %.*s needs an explicit number", STR_ARG(name));
        return 0;
    }
    if (usual != 0 && type != usual) {
        tls_warn(listener, "tls_dane_digests: digest algorithm %.*s can only be %u", STR_ARG(name), usual);
        return 0;
    }
    if (usual == 0 && usual_name((uint8_t) type) != NULL) {
        tls_warn(listener, "tls_dane_digests: matching type %u can only be %s", (unsigned) type,
                 usual_name((uint8_t) type));
        return 0;
    }
    return (uint8_t) type;
}

static void add_digest(struct tls_dane_digests *digests, struct str word, const struct tls_listener *listener,
                       struct arena *arena)
{
    struct str name, number;
    const EVP_MD *digest;
    uint8_t type;

    (void) str_cut(word, '=', &name, &number);
    type = find_type(word, name, listener);
    if (type == 0)
        return;
    if (has_type(digests, type) || digests->count == TLS_DANE_DIGESTS_MAXIMUM) {
        tls_warn(listener, "tls_dane_digests: matching type %u specified more than once", type);
        return;
    }
    digest = EVP_get_digestbyname(arena_c(arena, name));
    if (digest == NULL) {
        tls_warn(listener, "tls_dane_digests: digest algorithm \"%.*s\"(%u) unknown", STR_ARG(name), type);
        return;
    }
    digests->items[digests->count].digest = digest;
    digests->items[digests->count].type = type;
    digests->count++;
}

void tls_dane_digests_parse(struct str text, const struct tls_listener *listener, struct tls_dane_digests *digests_out)
{
    struct arena *arena = arena_create();
    struct str word;

    digests_out->count = 0;
    while (str_next_word(&text, ", \t\r\n", &word))
        add_digest(digests_out, word, listener, arena);
    arena_destroy(&arena);
    tls_library_begin();
}

/* ---- a record ---- */

static bool is_certificate(struct str data)
{
    const unsigned char *place = (const unsigned char *) data.data;
    X509 *certificate = d2i_X509(NULL, &place, (long) data.len);
    bool is_whole = certificate != NULL && place == (const unsigned char *) data.data + data.len &&
                    X509_get0_pubkey(certificate) != NULL;

    X509_free(certificate);
    tls_library_begin();
    return is_whole;
}

static bool is_key(struct str data)
{
    const unsigned char *place = (const unsigned char *) data.data;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &place, (long) data.len);
    bool is_whole = key != NULL && place == (const unsigned char *) data.data + data.len;

    EVP_PKEY_free(key);
    tls_library_begin();
    return is_whole;
}

static const char *problem_of_digest(const struct tls_dane_digests *digests, const struct dns_record *record)
{
    for (size_t i = 0; i < digests->count; i++) {
        if (digests->items[i].type != record->tlsa_matching)
            continue;
        return record->data.len == (size_t) EVP_MD_get_size(digests->items[i].digest) ? NULL : "bad digest length";
    }
    return "unsupported matching type";
}

static const char *problem_of(const struct tls_dane_digests *digests, const struct dns_record *record)
{
    if (record->tlsa_usage != USAGE_TRUST_ANCHOR && record->tlsa_usage != USAGE_END_ENTITY)
        return "unsupported certificate usage";
    if (record->tlsa_selector != SELECTOR_CERTIFICATE && record->tlsa_selector != SELECTOR_KEY)
        return "unsupported selector";
    if (record->data.len == 0)
        return "no data";
    if (record->tlsa_matching != MATCHING_FULL)
        return problem_of_digest(digests, record);
    if (record->tlsa_selector == SELECTOR_CERTIFICATE)
        return is_certificate(record->data) ? NULL : "malformed certificate";
    return is_key(record->data) ? NULL : "malformed public key";
}

bool tls_dane_is_usable(const struct tls_dane_digests *digests, const struct dns_record *record,
                        const char **problem_out)
{
    const char *problem = problem_of(digests, record);

    if (problem == NULL)
        return true;
    *problem_out = problem;
    return false;
}

struct str tls_dane_text(const struct dns_record *record, struct arena *arena)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t shown = record->data.len > TEXT_BYTES ? TEXT_BYTES : record->data.len;
    char *data = arena_alloc(arena, 2 * shown + 1);

    for (size_t i = 0; i < shown; i++) {
        data[2 * i] = digits[(unsigned char) record->data.data[i] >> 4];
        data[2 * i + 1] = digits[(unsigned char) record->data.data[i] & 15];
    }
    return arena_printf(arena, "%u %u %u %.*s%s", record->tlsa_usage, record->tlsa_selector, record->tlsa_matching,
                        (int) (2 * shown), data, record->data.len > shown ? "..." : "");
}

/* ---- a connection ---- */

struct str tls_dane_match(SSL *connection, struct arena *arena)
{
    struct dns_record record = { .type = DNS_TYPE_TLSA };
    const unsigned char *data = NULL;
    EVP_PKEY *key = NULL;
    size_t len = 0;
    int depth = SSL_get0_dane_authority(connection, NULL, &key);
    struct str text;

    if (depth < 0 || SSL_get0_dane_tlsa(connection, &record.tlsa_usage, &record.tlsa_selector, &record.tlsa_matching,
                                        &data, &len) < 0)
        return STR_EMPTY;
    record.data = str_make((const char *) data, len);
    text = tls_dane_text(&record, arena);
    return arena_printf(arena, "Matched DANE %s at depth %d: %.*s",
                        key != NULL                               ? "TA public key"
                        : record.tlsa_usage == USAGE_TRUST_ANCHOR ? "TA certificate"
                                                                  : "EE certificate",
                        depth, STR_ARG(text));
}

bool tls_dane_allow(const struct tls_dane_digests *digests, SSL_CTX *context)
{
    tls_library_begin();
    if (SSL_CTX_dane_enable(context) != 1)
        return false;
    for (size_t i = 0; i < ARRAY_COUNT(known_digests); i++) {
        if (!has_type(digests, known_digests[i].type) &&
            SSL_CTX_dane_mtype_set(context, NULL, known_digests[i].type, 0) != 1)
            return false;
    }
    /* RFC 7671 section 9: of several digests of one thing only the best counts, which has the highest number here. */
    for (size_t i = 0; i < digests->count; i++) {
        if (SSL_CTX_dane_mtype_set(context, digests->items[i].digest, digests->items[i].type,
                                   (uint8_t) (digests->count - i)) != 1)
            return false;
    }
    return true;
}

bool tls_dane_demand(const struct tls_dane_digests *digests, SSL *connection, const struct dns_record *records,
                     size_t count, const struct strlist *names, struct arena *arena)
{
    const char *problem;
    size_t used = 0;

    tls_library_begin();
    /* With a name it would be asked for, too, wherever nobody has said what to ask for. */
    if (names->count == 0 || SSL_dane_enable(connection, NULL) != 1)
        return false;
    /* RFC 7672 section 3.1.1: a record of the server's own certificate says all; its names and dates count for nothing.
     */
    SSL_dane_set_flags(connection, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
    for (size_t i = 0; i < names->count; i++) {
        if (SSL_add1_host(connection, arena_c(arena, names->items[i])) != 1)
            return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct dns_record *it = &records[i];

        if (!tls_dane_is_usable(digests, it, &problem))
            continue;
        if (SSL_dane_tlsa_add(connection, it->tlsa_usage, it->tlsa_selector, it->tlsa_matching,
                              (const unsigned char *) it->data.data, it->data.len) == 1)
            used++;
    }
    return used > 0;
}
