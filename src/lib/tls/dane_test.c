/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/dane.h"

#include "tls/library.h"
#include "unit.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

static char said[4000];

static void hear(void *context, const char *text)
{
    size_t len = strlen(said);

    (void) context;
    snprintf(said + len, sizeof said - len, "%s\n", text);
}

static const struct tls_listener listener = { hear, hear, NULL };

static struct tls_dane_digests parse(const char *text)
{
    struct tls_dane_digests digests;

    said[0] = '\0';
    tls_dane_digests_parse(str_from_c(text), &listener, &digests);
    return digests;
}

TEST(digests_are_names_and_matching_types)
{
    struct tls_dane_digests digests = parse("sha512, sha256=1 sha3-256=7");

    EXPECT_STR(str_from_c(said), STR(""));
    EXPECT_UINT(digests.count, 3);
    EXPECT_UINT(digests.items[0].type, 2);
    EXPECT_UINT(digests.items[1].type, 1);
    EXPECT_UINT(digests.items[2].type, 7);
    EXPECT_INT(EVP_MD_get_size(digests.items[0].digest), 64);
}

TEST(a_digest_that_is_wrong_is_told_and_left_out)
{
    static const struct {
        const char *text, *told;
    } rows[] = {
        { "nonsense", "tls_dane_digests: digest algorithm nonsense needs an explicit number\n" },
        { "nonsense=4", "tls_dane_digests: digest algorithm \"nonsense\"(4) unknown\n" },
        { "sha3-256", "tls_dane_digests: digest algorithm sha3-256 needs an explicit number\n" },
        { "sha3-256=1", "tls_dane_digests: matching type 1 can only be sha256\n" },
        { "sha256=2", "tls_dane_digests: digest algorithm sha256 can only be 1\n" },
        { "md5=300", "Invalid matching type number in tls_dane_digests: md5=300\n" },
        { "md5=", "Invalid matching type number in tls_dane_digests: md5=\n" },
        { "sha256=0", "Invalid matching type number in tls_dane_digests: sha256=0\n" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        EXPECT_UINT(parse(rows[i].text).count, 0);
        EXPECT_STR(str_from_c(said), str_from_c(rows[i].told));
    }
    EXPECT_UINT(parse("sha256 sha256=1 sha512").count, 2);
    EXPECT_STR(str_from_c(said), STR("tls_dane_digests: matching type 1 specified more than once\n"));
    EXPECT_UINT(parse("").count, 0);
}

/* A certificate, and its key, as DER. */
static void make_der(struct arena *arena, struct str *certificate_out, struct str *key_out)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    unsigned char *der = NULL;
    int len;

    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_set_pubkey(certificate, key);
    EXPECT(X509_sign(certificate, key, EVP_sha256()) > 0);
    len = i2d_X509(certificate, &der);
    *certificate_out = arena_str(arena, str_make((const char *) der, (size_t) len));
    OPENSSL_free(der);
    der = NULL;
    len = i2d_PUBKEY(key, &der);
    *key_out = arena_str(arena, str_make((const char *) der, (size_t) len));
    OPENSSL_free(der);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static const char *problem_of(uint8_t usage, uint8_t selector, uint8_t matching, struct str data)
{
    struct tls_dane_digests digests = parse("sha512 sha256");
    struct dns_record record = {
        .type = DNS_TYPE_TLSA, .tlsa_usage = usage, .tlsa_selector = selector, .tlsa_matching = matching, .data = data
    };
    const char *problem = "";

    return tls_dane_is_usable(&digests, &record, &problem) ? "" : problem;
}

TEST(records_of_mail_are_usable)
{
    struct arena *arena = arena_create();
    char zeros[64] = "";
    struct str certificate, key;

    make_der(arena, &certificate, &key);
    for (uint8_t usage = 2; usage <= 3; usage++) {
        for (uint8_t selector = 0; selector <= 1; selector++) {
            EXPECT_STR(str_from_c(problem_of(usage, selector, 0, selector == 0 ? certificate : key)), STR(""));
            EXPECT_STR(str_from_c(problem_of(usage, selector, 1, str_make(zeros, 32))), STR(""));
            EXPECT_STR(str_from_c(problem_of(usage, selector, 2, str_make(zeros, 64))), STR(""));
        }
    }
    arena_destroy(&arena);
}

TEST(records_that_prove_nothing_are_told_apart)
{
    struct arena *arena = arena_create();
    char zeros[65] = "";
    struct str digest = str_make(zeros, 32), certificate, key;

    make_der(arena, &certificate, &key);
    EXPECT_STR(str_from_c(problem_of(0, 0, 1, digest)), STR("unsupported certificate usage"));
    EXPECT_STR(str_from_c(problem_of(1, 1, 1, digest)), STR("unsupported certificate usage"));
    EXPECT_STR(str_from_c(problem_of(255, 1, 1, digest)), STR("unsupported certificate usage"));
    EXPECT_STR(str_from_c(problem_of(3, 2, 1, digest)), STR("unsupported selector"));
    EXPECT_STR(str_from_c(problem_of(3, 1, 3, digest)), STR("unsupported matching type"));
    EXPECT_STR(str_from_c(problem_of(3, 1, 1, str_make(zeros, 31))), STR("bad digest length"));
    EXPECT_STR(str_from_c(problem_of(3, 1, 2, str_make(zeros, 65))), STR("bad digest length"));
    EXPECT_STR(str_from_c(problem_of(3, 1, 1, STR_EMPTY)), STR("no data"));
    EXPECT_STR(str_from_c(problem_of(3, 0, 0, key)), STR("malformed certificate"));
    EXPECT_STR(str_from_c(problem_of(3, 1, 0, certificate)), STR("malformed public key"));
    EXPECT_STR(str_from_c(problem_of(2, 0, 0, str_part(certificate, 0, certificate.len - 1))),
               STR("malformed certificate"));
    EXPECT_STR(str_from_c(problem_of(2, 1, 0, arena_printf(arena, "%.*sx", STR_ARG(digest)))),
               STR("malformed public key"));
    arena_destroy(&arena);
}

TEST(a_record_is_shown_as_in_a_zone_and_not_at_length)
{
    struct arena *arena = arena_create();
    char bytes[100] = "\x0a\xff";
    struct dns_record record = { .tlsa_usage = 3, .tlsa_selector = 1, .tlsa_matching = 1, .data = str_make(bytes, 2) };
    struct str text;

    EXPECT_STR(tls_dane_text(&record, arena), STR("3 1 1 0AFF"));
    record.data.len = 100;
    text = tls_dane_text(&record, arena);
    EXPECT_UINT(text.len, 6 + 128 + 3);
    EXPECT(str_ends_with(text, STR("00...")));
    arena_destroy(&arena);
}
