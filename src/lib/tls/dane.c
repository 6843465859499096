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
    TEXT_BYTES = 32,
};

/* RFC 6698 section 7.4. */
static const struct {
    const char *name;
    uint8_t type = 0;
} known_digests[] = { { "sha256", 1 }, { "sha512", 2 } };

static bool find_type(struct str name, struct str number, uint8_t *type_out, struct failure *why)
{
    uint64_t type = 0;

    for (size_t i = 0; i < ARRAY_COUNT(known_digests); i++) {
        if (str_equal_nocase(name, str_from_c(known_digests[i].name)))
            type = known_digests[i].type;
    }
    if (number.len > 0) {
        uint64_t given;

        if (!str_to_uint64(number, &given) || given == 0 || given > MATCHING_HIGHEST)
            return failure_set(why, FAILURE_CONFIGURATION, 0, "invalid matching type number in \"%.*s=%.*s\"",
                               STR_ARG(name), STR_ARG(number));
        if (type != 0 && type != given)
            return failure_set(why, FAILURE_CONFIGURATION, 0, "\"%.*s=%.*s\": the matching type of %.*s is %u",
                               STR_ARG(name), STR_ARG(number), STR_ARG(name), (unsigned) type);
        type = given;
    }
    if (type == 0)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "\"%.*s\" needs a matching type: write \"%.*s=number\"",
                           STR_ARG(name), STR_ARG(name));
    *type_out = (uint8_t) type;
    return true;
}

static bool has_type(const struct tls_dane_digests *digests, uint8_t type)
{
    for (size_t i = 0; i < digests->count; i++) {
        if (digests->items[i].type == type)
            return true;
    }
    return false;
}

static bool add_digest(struct tls_dane_digests *digests, struct str word, struct arena *arena, struct failure *why)
{
    struct str name, number;
    bool has_number = str_cut(word, '=', &name, &number);
    const EVP_MD *digest = EVP_get_digestbyname(arena_c(arena, name));
    uint8_t type = 0;

    if (digest == NULL || (has_number && number.len == 0))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "\"%.*s\" is no digest that OpenSSL knows", STR_ARG(word));
    if (!find_type(name, number, &type, why))
        return false;
    if (has_type(digests, type) || digests->count == TLS_DANE_DIGESTS_MAXIMUM)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "\"%.*s\" is one too many", STR_ARG(word));
    digests->items[digests->count].digest = digest;
    digests->items[digests->count].type = type;
    digests->count++;
    return true;
}

bool tls_dane_digests_parse(struct str text, struct tls_dane_digests *digests_out, struct failure *why)
{
    struct tls_dane_digests digests = { .count = 0 };
    struct arena *arena = arena_create();
    struct str word;
    bool is_good = true;

    while (is_good && str_next_word(&text, ", \t\r\n", &word))
        is_good = add_digest(&digests, word, arena, why);
    arena_destroy(&arena);
    tls_library_begin();
    if (is_good)
        *digests_out = digests;
    return is_good;
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
    if (names->count == 0 || SSL_dane_enable(connection, arena_c(arena, names->items[0])) != 1)
        return false;
    /* RFC 7672 section 3.1.1: a record of the server's own certificate says all; its names and dates count for nothing.
     */
    SSL_dane_set_flags(connection, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
    for (size_t i = 1; i < names->count; i++) {
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
