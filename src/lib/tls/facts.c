/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/facts.h"

#include "base/strbuf.h"
#include "tls/library.h"

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

enum { NAME_MAXIMUM = 1000 };

/* What comes from a certificate was chosen by a stranger. */
static struct str tame(struct arena *arena, const char *text, size_t len)
{
    char *copy = arena_alloc(arena, len + 1);

    for (size_t i = 0; i < len; i++)
        copy[i] = char_is_print(text[i]) && text[i] != '"' && text[i] != '\\' ? text[i] : '?';
    return str_make(copy, len);
}

/* The last of the kind, which is the most special one. */
static struct str name_entry(const X509_NAME *name, int kind, struct arena *arena)
{
    int place = -1, next;
    unsigned char *utf8 = NULL;
    struct str text;
    int len;

    while ((next = X509_NAME_get_index_by_NID(name, kind, place)) >= 0)
        place = next;
    if (place < 0)
        return STR_EMPTY;
    len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, place)));
    if (len <= 0 || len > NAME_MAXIMUM) {
        OPENSSL_free(utf8);
        return STR_EMPTY;
    }
    text = tame(arena, (const char *) utf8, (size_t) len);
    OPENSSL_free(utf8);
    return text;
}

static struct str whole_name(const X509_NAME *name, struct arena *arena)
{
    char text[NAME_MAXIMUM] = "";

    if (X509_NAME_oneline(name, text, sizeof text) == NULL)
        return STR_EMPTY;
    return tame(arena, text, str_from_c(text).len);
}

static struct str hexadecimal(const unsigned char *bytes, unsigned count, struct arena *arena)
{
    static const char digits[] = "0123456789ABCDEF";
    char *text = arena_alloc(arena, 3 * (size_t) count + 1);

    for (unsigned i = 0; i < count; i++) {
        text[3 * i] = digits[bytes[i] >> 4];
        text[3 * i + 1] = digits[bytes[i] & 15];
        text[3 * i + 2] = ':';
    }
    return str_make(text, count > 0 ? 3 * (size_t) count - 1 : 0);
}

static struct str fingerprint(const X509 *certificate, const EVP_MD *digest, struct arena *arena)
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned count = 0;

    return X509_digest(certificate, digest, bytes, &count) == 1 ? hexadecimal(bytes, count, arena) : STR_EMPTY;
}

static struct str key_fingerprint(const X509 *certificate, const struct tls_facts_options *options, struct arena *arena)
{
    unsigned char bytes[EVP_MAX_MD_SIZE], *der = NULL;
    unsigned count = 0;
    struct str text = STR_EMPTY;
    int len;

    /* The older way left out what kind of key it is. */
    if (options->has_legacy_key_fingerprints)
        return X509_pubkey_digest(certificate, options->digest, bytes, &count) == 1 ? hexadecimal(bytes, count, arena)
                                                                                    : STR_EMPTY;
    len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (len > 0 && EVP_Digest(der, (size_t) len, bytes, &count, options->digest, NULL) == 1)
        text = hexadecimal(bytes, count, arena);
    OPENSSL_free(der);
    return text;
}

static void describe_certificate(struct tls_facts *facts, X509 *certificate, const struct tls_facts_options *options,
                                 struct arena *arena)
{
    facts->common_name = name_entry(X509_get_subject_name(certificate), NID_commonName, arena);
    facts->issuer_common_name = name_entry(X509_get_issuer_name(certificate), NID_commonName, arena);
    if (facts->issuer_common_name.len == 0)
        facts->issuer_common_name = name_entry(X509_get_issuer_name(certificate), NID_organizationName, arena);
    facts->subject = whole_name(X509_get_subject_name(certificate), arena);
    facts->issuer = whole_name(X509_get_issuer_name(certificate), arena);
    facts->fingerprint = fingerprint(certificate, options->digest, arena);
    facts->key_fingerprint = key_fingerprint(certificate, options, arena);
}

static void take_certificate(struct tls_facts *facts, SSL *connection, const struct tls_facts_options *options,
                             struct arena *arena)
{
    X509 *certificate = SSL_get0_peer_certificate(connection);

    if (certificate == NULL)
        return;
    facts->has_certificate = true;
    facts->verify_error = SSL_get_verify_result(connection);
    facts->is_trusted = facts->verify_error == X509_V_OK;
    describe_certificate(facts, certificate, options, arena);
}

const struct tls_facts *tls_facts_of_certificate(X509 *certificate, const struct tls_facts_options *options,
                                                 struct arena *arena)
{
    struct tls_facts *facts = arena_new(arena, struct tls_facts);

    facts->has_certificate = true;
    describe_certificate(facts, certificate, options, arena);
    tls_library_begin();
    return facts;
}

/* ---- how TLS 1.3 has agreed on a key ---- */

static struct str curve_of(const EVP_PKEY *key, struct arena *arena)
{
    char name[80];
    size_t len = 0;

    if (EVP_PKEY_get_group_name(key, name, sizeof name, &len) != 1)
        return STR_EMPTY;
    return arena_str(arena, str_make(name, len));
}

/* "ECDHE (prime256v1)", "DHE (2048 bits)" */
static struct str with_detail(const char *name, const EVP_PKEY *key, bool is_curve, struct arena *arena)
{
    if (!is_curve)
        return arena_printf(arena, "%s (%d bits)", name, EVP_PKEY_get_bits(key));
    return arena_printf(arena, "%s (%.*s)", name, STR_ARG(curve_of(key, arena)));
}

static struct str describe_exchange(const EVP_PKEY *key, struct arena *arena)
{
    if (EVP_PKEY_is_a(key, "EC"))
        return with_detail("ECDHE", key, true, arena);
    if (EVP_PKEY_is_a(key, "DH"))
        return with_detail("DHE", key, false, arena);
    return arena_str(arena, str_from_c(EVP_PKEY_get0_type_name(key)));
}

static struct str describe_signature(const EVP_PKEY *key, int type, struct arena *arena)
{
    if (key == NULL)
        return STR_EMPTY;
    if (EVP_PKEY_is_a(key, "EC"))
        return with_detail("ECDSA", key, true, arena);
    if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS"))
        return with_detail(type == EVP_PKEY_RSA ? "RSA" : "RSA-PSS", key, false, arena);
    return arena_str(arena, str_from_c(EVP_PKEY_get0_type_name(key)));
}

static struct str describe_digest(int kind, struct arena *arena)
{
    return kind == NID_undef ? STR_EMPTY : arena_str(arena, str_from_c(OBJ_nid2sn(kind)));
}

static void take_own_signature(struct tls_facts *facts, SSL *connection, bool is_server, struct arena *arena)
{
    int digest = NID_undef, type = NID_undef;
    struct str name;

    /* A resumed session has no signature; the key is what it rests on all the same. */
    (void) SSL_get_signature_type_nid(connection, &type);
    (void) SSL_get_signature_nid(connection, &digest);
    name = describe_signature(SSL_get_privatekey(connection), type, arena);
    *(is_server ? &facts->server_signature : &facts->client_signature) = name;
    *(is_server ? &facts->server_digest : &facts->client_digest) = describe_digest(digest, arena);
}

static void take_peer_signature(struct tls_facts *facts, SSL *connection, bool is_server, struct arena *arena)
{
    X509 *certificate = SSL_get0_peer_certificate(connection);
    int digest = NID_undef, type = NID_undef;
    struct str name;

    if (certificate == NULL)
        return;
    (void) SSL_get_peer_signature_type_nid(connection, &type);
    (void) SSL_get_peer_signature_nid(connection, &digest);
    name = describe_signature(X509_get0_pubkey(certificate), type, arena);
    *(is_server ? &facts->client_signature : &facts->server_signature) = name;
    *(is_server ? &facts->client_digest : &facts->server_digest) = describe_digest(digest, arena);
}

static void take_exchange(struct tls_facts *facts, SSL *connection, bool is_server, struct arena *arena)
{
    EVP_PKEY *key = NULL;

    if (SSL_version(connection) < TLS1_3_VERSION)
        return;
    if (SSL_get_peer_tmp_key(connection, &key) == 1)
        facts->key_exchange = describe_exchange(key, arena);
    EVP_PKEY_free(key);
    take_own_signature(facts, connection, is_server, arena);
    take_peer_signature(facts, connection, is_server, arena);
}

const struct tls_facts *tls_facts_collect(SSL *connection, const struct tls_facts_options *options, struct arena *arena)
{
    struct tls_facts *facts = arena_new(arena, struct tls_facts);
    const SSL_CIPHER *cipher = SSL_get_current_cipher(connection);

    facts->protocol = arena_str(arena, str_from_c(SSL_get_version(connection)));
    facts->cipher = arena_str(arena, str_from_c(SSL_CIPHER_get_name(cipher)));
    facts->used_bits = SSL_CIPHER_get_bits(cipher, &facts->total_bits);
    facts->is_resumed = SSL_session_reused(connection) == 1;
    take_certificate(facts, connection, options, arena);
    take_exchange(facts, connection, options->is_server, arena);
    tls_library_begin();
    return facts;
}

/* ---- texts ---- */

static void append(struct strbuf *out, const char *name, struct str value)
{
    if (value.len > 0)
        strbuf_printf(out, " %s %.*s", name, STR_ARG(value));
}

struct str tls_facts_summary(const struct tls_facts *facts, struct arena *arena)
{
    struct strbuf out;
    struct str text;

    strbuf_init(&out, STRBUF_UNLIMITED);
    strbuf_printf(&out, "%.*s with cipher %.*s (%d/%d bits)", STR_ARG(facts->protocol), STR_ARG(facts->cipher),
                  facts->used_bits, facts->total_bits);
    append(&out, "key-exchange", facts->key_exchange);
    append(&out, "server-signature", facts->server_signature);
    append(&out, "server-digest", facts->server_digest);
    append(&out, "client-signature", facts->client_signature);
    append(&out, "client-digest", facts->client_digest);
    text = arena_str(arena, strbuf_str(&out));
    strbuf_done(&out);
    return text;
}

const char *tls_facts_trust(const struct tls_facts *facts)
{
    if (!facts->has_certificate)
        return "Anonymous";
    return facts->is_trusted ? "Trusted" : "Untrusted";
}

struct str tls_facts_distrust(const struct tls_facts *facts, struct arena *arena)
{
    switch (facts->verify_error) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return arena_printf(arena, "untrusted issuer %.*s", STR_ARG(facts->issuer));
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return STR("self-signed certificate");
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
        return STR("certificate not yet valid");
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
        return STR("certificate has expired");
    case X509_V_ERR_INVALID_PURPOSE:
        return STR("not designated for use as a client certificate");
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
        return STR("certificate chain longer than limit");
    default:
        return arena_printf(arena, "num=%ld:%s", facts->verify_error,
                            X509_verify_cert_error_string(facts->verify_error));
    }
}
