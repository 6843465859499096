/* SPDX-License-Identifier: Apache-2.0 */
#include "merpati/keys.h"

#include "os/file.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

enum { FILE_MAXIMUM = 1 << 20, SERIAL_BITS = 159, DAYS = 36501, DAY_SECONDS = 86400 };

/* ---- what OpenSSL says ---- */

static bool library_failed(struct failure *why, const char *doing)
{
    char text[256] = "unknown error";
    unsigned long error = ERR_get_error();

    if (error != 0)
        ERR_error_string_n(error, text, sizeof text);
    ERR_clear_error();
    return failure_set(why, FAILURE_PERMANENT, 0, "%s: %s", doing, text);
}

static int no_passphrase(char *buffer, int size, int is_writing, void *context)
{
    (void) buffer;
    (void) size;
    (void) is_writing;
    (void) context;
    return 0;
}

/* Appends what a memory BIO holds. */
static bool take_text(BIO *memory, struct strbuf *out)
{
    char *data;
    long len = BIO_get_mem_data(memory, &data);

    return len >= 0 && strbuf_append_bytes(out, data, (size_t) len);
}

/* ---- kinds ---- */

enum key_algorithm key_algorithm_of(const EVP_PKEY *key)
{
    if (EVP_PKEY_is_a(key, "RSA"))
        return KEY_RSA;
    return EVP_PKEY_is_a(key, "EC") ? KEY_ECDSA : KEY_OTHER;
}

enum key_algorithm key_algorithm_parse(struct str name)
{
    if (str_equal_nocase(name, STR("rsa")))
        return KEY_RSA;
    return str_equal_nocase(name, STR("ecdsa")) ? KEY_ECDSA : KEY_OTHER;
}

const char *key_algorithm_name(enum key_algorithm algorithm)
{
    static const char *const names[] = { "rsa", "ecdsa", "other" };

    return names[algorithm];
}

/* ---- making ---- */

static EVP_PKEY *generate(enum key_algorithm algorithm, unsigned bits, const char *curve)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, algorithm == KEY_RSA ? "RSA" : "EC", NULL);
    EVP_PKEY *key = NULL;
    bool is_ready = context != NULL && EVP_PKEY_keygen_init(context) == 1;

    if (is_ready && algorithm == KEY_RSA)
        is_ready = EVP_PKEY_CTX_set_rsa_keygen_bits(context, (int) bits) == 1;
    else if (is_ready)
        is_ready = EVP_PKEY_CTX_set_group_name(context, curve) == 1;
    if (is_ready && EVP_PKEY_generate(context, &key) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    return key;
}

bool key_generate(enum key_algorithm algorithm, struct str size, EVP_PKEY **key_out, struct failure *why)
{
    uint64_t bits = 2048;
    char curve[50] = "prime256v1";
    EVP_PKEY *key;

    ERR_clear_error();
    /* Longer ones are made for minutes, and read by nobody. */
    if (algorithm == KEY_RSA && size.len > 0 && (!str_to_uint64(size, &bits) || bits < 1024 || bits > 16384))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "an RSA key of \"%.*s\" bits: write 1024 to 16384",
                           STR_ARG(size));
    /* Standards' name of the usual curve, which OpenSSL does not know. */
    if (algorithm == KEY_ECDSA && size.len > 0 && !str_equal_nocase(size, STR("secp256r1")))
        (void) snprintf(curve, sizeof curve, "%.*s", STR_ARG(size));
    key = generate(algorithm, (unsigned) bits, curve);
    if (key == NULL)
        return library_failed(why, "make a private key");
    *key_out = key;
    return true;
}

bool key_write(EVP_PKEY *key, struct strbuf *pem, struct failure *why)
{
    BIO *memory = BIO_new(BIO_s_mem());
    bool is_written = memory != NULL && PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL) == 1 &&
                      take_text(memory, pem);

    BIO_free(memory);
    return is_written || library_failed(why, "write a private key");
}

static bool set_names(GENERAL_NAMES *all, const struct strlist *names)
{
    for (size_t i = 0; i < names->count; i++) {
        GENERAL_NAME *name = GENERAL_NAME_new();
        ASN1_IA5STRING *text = ASN1_IA5STRING_new();

        if (name == NULL || text == NULL ||
            ASN1_STRING_set(text, names->items[i].data, (int) names->items[i].len) != 1) {
            GENERAL_NAME_free(name);
            ASN1_IA5STRING_free(text);
            return false;
        }
        GENERAL_NAME_set0_value(name, GEN_DNS, text);
        if (sk_GENERAL_NAME_push(all, name) <= 0) {
            GENERAL_NAME_free(name);
            return false;
        }
    }
    return true;
}

static X509_EXTENSION *names_extension(const struct strlist *names)
{
    GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
    X509_EXTENSION *extension = NULL;

    if (all != NULL && set_names(all, names))
        extension = X509V3_EXT_i2d(NID_subject_alt_name, 0, all);
    GENERAL_NAMES_free(all);
    return extension;
}

static bool push(STACK_OF(X509_EXTENSION) * all, X509_EXTENSION *extension)
{
    if (extension != NULL && sk_X509_EXTENSION_push(all, extension) > 0)
        return true;
    X509_EXTENSION_free(extension);
    return false;
}

/* What a server that is also a client needs. with_constraints: not in requests. */
static STACK_OF(X509_EXTENSION) *
    make_extensions(const struct strlist *names, X509V3_CTX *context, bool with_constraints)
{
    STACK_OF(X509_EXTENSION) *all = sk_X509_EXTENSION_new_null();

    if (all != NULL &&
        (!with_constraints || push(all, X509V3_EXT_conf_nid(NULL, context, NID_basic_constraints, "CA:FALSE"))) &&
        push(all, X509V3_EXT_conf_nid(NULL, context, NID_subject_key_identifier, "hash")) &&
        push(all, X509V3_EXT_conf_nid(NULL, context, NID_ext_key_usage, "serverAuth,clientAuth")) &&
        push(all, names_extension(names)))
        return all;
    sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
    return NULL;
}

static bool add_extensions(X509 *certificate, const struct strlist *names)
{
    STACK_OF(X509_EXTENSION) * all;
    X509V3_CTX context;
    bool is_added = true;

    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509V3_set_ctx_nodb(&context);
    all = make_extensions(names, &context, true);
    for (int i = 0; i < sk_X509_EXTENSION_num(all); i++)
        is_added = is_added && X509_add_ext(certificate, sk_X509_EXTENSION_value(all, i), -1) == 1;
    is_added = is_added && all != NULL;
    sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
    return is_added;
}

/* RFC 5280 section 4.1.2.2: it is not to be guessed, and positive. */
static bool set_serial(X509 *certificate)
{
    BIGNUM *number = BN_new();
    bool is_set = number != NULL && BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
                  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;

    BN_free(number);
    return is_set;
}

/* RFC 5280 appendix A.1: a common name has at most 64 characters; a longer one stands among the other names only. */
static bool set_subject(X509_NAME *subject, struct str name)
{
    return name.len > 64 || X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                                       (const unsigned char *) name.data, (int) name.len, -1, 0) == 1;
}

static bool fill_certificate(X509 *certificate, EVP_PKEY *key, const struct strlist *names)
{
    X509_NAME *subject = X509_get_subject_name(certificate);

    return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), 0) != NULL &&
           X509_time_adj_ex(X509_getm_notAfter(certificate), DAYS, 0, NULL) != NULL &&
           set_subject(subject, names->items[0]) && X509_set_issuer_name(certificate, subject) == 1 &&
           X509_set_pubkey(certificate, key) == 1 && add_extensions(certificate, names) &&
           X509_sign(certificate, key, EVP_sha256()) > 0;
}

bool certificate_sign_self(EVP_PKEY *key, const struct strlist *names, struct strbuf *pem, struct failure *why)
{
    X509 *certificate = X509_new();
    BIO *memory = BIO_new(BIO_s_mem());
    bool is_made;

    ERR_clear_error();
    is_made = certificate != NULL && memory != NULL && fill_certificate(certificate, key, names) &&
              PEM_write_bio_X509(memory, certificate) == 1 && take_text(memory, pem);
    BIO_free(memory);
    X509_free(certificate);
    return is_made || library_failed(why, "make a certificate");
}

static bool fill_request(X509_REQ *request, EVP_PKEY *key, const struct strlist *names)
{
    STACK_OF(X509_EXTENSION) * all;
    X509V3_CTX context;
    bool is_added;

    if (X509_REQ_set_version(request, X509_REQ_VERSION_1) != 1 || X509_REQ_set_pubkey(request, key) != 1)
        return false;
    X509V3_set_ctx(&context, NULL, NULL, request, NULL, 0);
    X509V3_set_ctx_nodb(&context);
    all = make_extensions(names, &context, false);
    is_added = all != NULL && X509_REQ_add_extensions(request, all) == 1;
    sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
    return is_added && X509_REQ_sign(request, key, EVP_sha256()) > 0;
}

bool certificate_request(EVP_PKEY *key, const struct strlist *names, struct strbuf *pem, struct failure *why)
{
    X509_REQ *request = X509_REQ_new();
    BIO *memory = BIO_new(BIO_s_mem());
    bool is_made;

    ERR_clear_error();
    is_made = request != NULL && memory != NULL && fill_request(request, key, names) &&
              PEM_write_bio_X509_REQ(memory, request) == 1 && take_text(memory, pem);
    BIO_free(memory);
    X509_REQ_free(request);
    return is_made || library_failed(why, "make a request");
}

/* ---- reading ---- */

bool key_parse(struct str pem, const char *name, EVP_PKEY **key_out, struct failure *why)
{
    BIO *memory = BIO_new_mem_buf(pem.data, (int) pem.len);
    EVP_PKEY *key = memory == NULL ? NULL : PEM_read_bio_PrivateKey(memory, NULL, no_passphrase, NULL);

    BIO_free(memory);
    ERR_clear_error();
    if (key == NULL)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "no private key found in file: %s", name);
    *key_out = key;
    return true;
}

bool certificate_parse(struct str pem, const char *name, X509 **certificate_out, struct failure *why)
{
    BIO *memory = BIO_new_mem_buf(pem.data, (int) pem.len);
    X509 *certificate = memory == NULL ? NULL : PEM_read_bio_X509_AUX(memory, NULL, no_passphrase, NULL);

    BIO_free(memory);
    ERR_clear_error();
    if (certificate == NULL)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "no certificate found in file: %s", name);
    *certificate_out = certificate;
    return true;
}

bool key_load(const char *path, EVP_PKEY **key_out, struct failure *why)
{
    struct strbuf text;
    bool is_read;

    strbuf_init(&text, FILE_MAXIMUM);
    is_read = file_load(path, &text, why) && key_parse(strbuf_str(&text), path, key_out, why);
    strbuf_done(&text);
    return is_read;
}

bool certificate_load(const char *path, X509 **certificate_out, struct failure *why)
{
    struct strbuf text;
    bool is_read;

    strbuf_init(&text, FILE_MAXIMUM);
    is_read = file_load(path, &text, why) && certificate_parse(strbuf_str(&text), path, certificate_out, why);
    strbuf_done(&text);
    return is_read;
}

bool key_digest(EVP_PKEY *key, struct arena *arena, struct str *digest_out, struct failure *why)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[EVP_MAX_MD_SIZE], *der = NULL;
    unsigned count = 0;
    int len = i2d_PUBKEY(key, &der);
    char *text;

    if (len <= 0 || EVP_Digest(der, (size_t) len, bytes, &count, EVP_sha256(), NULL) != 1)
        count = 0;
    OPENSSL_free(der);
    if (count == 0)
        return library_failed(why, "digest a public key");
    text = arena_alloc(arena, 2 * (size_t) count);
    for (unsigned i = 0; i < count; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    *digest_out = str_make(text, 2 * (size_t) count);
    return true;
}
