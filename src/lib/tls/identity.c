/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/identity.h"

#include "os/directory.h"
#include "os/environment.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#define SEPARATORS ", \t\r\n"

/* Where keys go: a context, or one connection. */
struct target {
    SSL_CTX *context;
    SSL *connection;
};

/* What is read of chain files: a key, and the certificates that have followed it. */
struct reading {
    const struct target *target;
    const struct tls_listener *listener;
    const char *title; /* the file's name */
    int index;         /* of the object in the file, from 1 */
    int key_index;
    EVP_PKEY *key;
    X509 *certificate;
    STACK_OF(X509) * above;
    size_t loaded;
};

static bool is_none(struct str name)
{
    return str_equal_nocase(name, STR("none"));
}

bool tls_identity_is_given(const struct tls_identity *identity)
{
    return identity->chain_files.len > 0 || identity->certificate_file.len > 0 ||
           identity->dsa_certificate_file.len > 0 || identity->ec_certificate_file.len > 0;
}

/* ---- chain files ---- */

static void forget(struct reading *reading)
{
    EVP_PKEY_free(reading->key);
    X509_free(reading->certificate);
    sk_X509_pop_free(reading->above, X509_free);
    reading->key = NULL;
    reading->certificate = NULL;
    reading->above = NULL;
}

static int install(const struct target *target, X509 *certificate, EVP_PKEY *key, STACK_OF(X509) * above)
{
    if (target->connection != NULL)
        return SSL_use_cert_and_key(target->connection, certificate, key, above, 1);
    return SSL_CTX_use_cert_and_key(target->context, certificate, key, above, 1);
}

/* The key and what has followed it are whole. */
static bool end_chain(struct reading *reading)
{
    bool is_good = false;

    if (reading->key == NULL)
        return true;
    tls_library_begin();
    if (reading->certificate == NULL) {
        tls_warn(reading->listener, "No certs for key at index %d in %s", reading->key_index, reading->title);
    } else if (X509_check_private_key(reading->certificate, reading->key) != 1) {
        tls_warn(reading->listener, "key at index %d in %s does not match next certificate", reading->key_index,
                 reading->title);
        tls_library_warn_errors(reading->listener);
    } else if (install(reading->target, reading->certificate, reading->key, reading->above) != 1) {
        tls_warn(reading->listener, "error loading chain from %s", reading->title);
        tls_library_warn_errors(reading->listener);
    } else {
        reading->loaded++;
        is_good = true;
    }
    forget(reading);
    return is_good;
}

static bool take_key(struct reading *reading, EVP_PKEY *key)
{
    if (key == NULL)
        return false;
    if (!end_chain(reading)) {
        EVP_PKEY_free(key);
        return false;
    }
    reading->key = key;
    reading->key_index = reading->index;
    return true;
}

static bool take_certificate(struct reading *reading, X509 *certificate)
{
    if (certificate == NULL)
        return false;
    if (reading->key == NULL) {
        tls_warn(reading->listener, "error loading chain from %s: key not first", reading->title);
        X509_free(certificate);
        return false;
    }
    if (reading->certificate == NULL) {
        reading->certificate = certificate;
        return true;
    }
    if (reading->above == NULL)
        reading->above = sk_X509_new_null();
    return sk_X509_push(reading->above, certificate) > 0;
}

static bool ends_with(const char *name, const char *ending)
{
    return str_ends_with(str_from_c(name), str_from_c(ending));
}

static bool take_object(struct reading *reading, const char *name, const unsigned char *data, long len)
{
    const unsigned char *at = data;

    reading->index++;
    tls_library_begin();
    if (strcmp(name, PEM_STRING_PKCS8) == 0 || ends_with(name, " " PEM_STRING_PKCS8INF) ||
        strcmp(name, PEM_STRING_PKCS8INF) == 0)
        return take_key(reading, d2i_AutoPrivateKey(NULL, &at, len));
    if (strcmp(name, PEM_STRING_X509_TRUSTED) == 0)
        return take_certificate(reading, d2i_X509_AUX(NULL, &at, len));
    if (strcmp(name, PEM_STRING_X509) == 0 || strcmp(name, PEM_STRING_X509_OLD) == 0)
        return take_certificate(reading, d2i_X509(NULL, &at, len));
    return true; /* parameters, and what else stands in such files */
}

/* Keys with a passphrase cannot be read: nobody is there to ask. */
static int refuse_passphrase(char *buffer, int size, int is_writing, void *context)
{
    (void) buffer, (void) size, (void) is_writing, (void) context;
    return -1;
}

static bool is_end(void)
{
    unsigned long error = ERR_peek_last_error();

    return error == 0 || ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

static bool read_objects(struct reading *reading, BIO *bio)
{
    bool is_good = true;

    reading->index = 0;
    while (is_good) {
        char *name = NULL, *header = NULL;
        unsigned char *data = NULL;
        EVP_CIPHER_INFO cipher;
        long len = 0;

        tls_library_begin();
        if (PEM_read_bio(bio, &name, &header, &data, &len) != 1) {
            is_good = is_end();
            break;
        }
        is_good = PEM_get_EVP_CIPHER_INFO(header, &cipher) == 1 &&
                  PEM_do_header(&cipher, data, &len, refuse_passphrase, NULL) == 1 &&
                  take_object(reading, name, data, len);
        if (!is_good && ERR_peek_error() != 0) {
            tls_warn(reading->listener, "error loading %s at index %d in %s", name, reading->index, reading->title);
            tls_library_warn_errors(reading->listener);
        }
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(data, (size_t) len);
    }
    tls_library_begin();
    if (is_good && reading->index == 0) {
        tls_warn(reading->listener, "No PEM data in %s", reading->title);
        return false;
    }
    return is_good;
}

static bool read_chain_file(struct reading *reading, const char *path)
{
    BIO *bio;
    bool is_good;

    tls_library_begin();
    bio = BIO_new_file(path, "r");
    if (bio == NULL) {
        tls_warn(reading->listener, "error opening chain file: %s: %s", path,
                 strerror(ERR_GET_REASON(ERR_peek_error())));
        tls_library_begin();
        return false;
    }
    is_good = read_objects(reading, bio);
    BIO_free(bio);
    return is_good;
}

static bool load_chains(const struct tls_identity *identity, SSL_CTX *context, tls_opening *opening,
                        void *opening_context, const struct tls_listener *listener)
{
    const struct target target = { .context = context };
    struct reading reading = { .target = &target, .listener = listener };
    struct arena *arena = arena_create();
    struct str rest = identity->chain_files, word;
    bool is_good = true;

    while (is_good && str_next_word(&rest, SEPARATORS, &word)) {
        /* A key may stand in a file of its own, before that of its certificates. */
        const char *path = arena_c(arena, word);

        opening(opening_context, path);
        reading.title = path;
        is_good = read_chain_file(&reading, path);
    }
    is_good = is_good && end_chain(&reading);
    forget(&reading);
    if (!is_good)
        tls_warn(listener, "error loading private keys and certificates from: %.*s: disabling TLS support",
                 STR_ARG(identity->chain_files));
    arena_destroy(&arena);
    return is_good;
}

bool tls_identity_use_pem(SSL *connection, struct str pem, const char *title, const struct tls_listener *listener)
{
    const struct target target = { .connection = connection };
    struct reading reading = { .target = &target, .listener = listener, .title = title };
    BIO *bio = BIO_new_mem_buf(pem.data, (int) pem.len);
    bool is_good = bio != NULL && read_objects(&reading, bio) && end_chain(&reading);

    forget(&reading);
    BIO_free(bio);
    return is_good;
}

/* ---- a file of certificates and one with the key ---- */

static bool load_pair(const char *kind, struct str certificate, struct str key, SSL_CTX *context, tls_opening *opening,
                      void *opening_context, const struct tls_listener *listener)
{
    struct arena *arena = arena_create();
    const char *certificate_path = arena_c(arena, certificate), *key_path = arena_c(arena, key);
    bool is_good = false;

    opening(opening_context, certificate_path);
    opening(opening_context, key_path);
    tls_library_begin();
    if (SSL_CTX_use_certificate_chain_file(context, certificate_path) != 1) {
        tls_warn(listener, "cannot get %s certificate from file \"%s\": disabling TLS support", kind, certificate_path);
        tls_library_warn_errors(listener);
    } else if (SSL_CTX_use_PrivateKey_file(context, key_path, SSL_FILETYPE_PEM) != 1) {
        tls_warn(listener, "cannot get %s private key from file \"%s\": disabling TLS support", kind, key_path);
        tls_library_warn_errors(listener);
    } else if (SSL_CTX_check_private_key(context) != 1) {
        tls_warn(listener, "%s private key in %s does not match public key in %s: disabling TLS support", kind,
                 key_path, certificate_path);
        tls_library_begin();
    } else {
        is_good = true;
    }
    arena_destroy(&arena);
    return is_good;
}

bool tls_identity_load(const struct tls_identity *identity, SSL_CTX *context, tls_opening *opening,
                       void *opening_context, const struct tls_listener *listener)
{
    const struct {
        const char *kind;
        struct str certificate;
        struct str key;
    } pairs[] = {
        { "RSA", identity->certificate_file, identity->key_file },
        { "DSA", identity->dsa_certificate_file, identity->dsa_key_file },
        { "ECDSA", identity->ec_certificate_file, identity->ec_key_file },
    };
    bool has_pairs = false;

    SSL_CTX_set_default_passwd_cb(context, refuse_passphrase);
    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++)
        has_pairs |= pairs[i].certificate.len > 0;
    if (identity->chain_files.len > 0) {
        if (has_pairs)
            tls_warn(listener,
                     "Both %s_tls_chain_files and one or more of the legacy  %s_tls_cert_file, %s_tls_eccert_file or "
                     "%s_tls_dcert_file are non-empty; the legacy  parameters will be ignored",
                     identity->side, identity->side, identity->side, identity->side);
        return load_chains(identity, context, opening, opening_context, listener);
    }
    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
        if (pairs[i].certificate.len > 0 && !(i == 0 && is_none(pairs[i].certificate)) &&
            !load_pair(pairs[i].kind, pairs[i].certificate, pairs[i].key, context, opening, opening_context, listener))
            return false;
    }
    return true;
}

/* ---- authorities ---- */

struct directory_reading {
    SSL_CTX *context;
    const char *path;
    struct arena *arena;
};

/* As c_rehash names them: "5ad8a5d6.0". */
static bool is_hash_name(struct str name)
{
    uint64_t number;

    return name.len >= 10 && name.data[8] == '.' && str_to_uint64_base(str_part(name, 0, 8), 16, &number) &&
           str_to_uint64(str_from(name, 9), &number);
}

/* What is no certificate is left out, as it is by OpenSSL when it looks for one. */
static bool load_directory(struct directory_reading *reading)
{
    struct directory *directory;
    struct failure why;
    unsigned char type;
    const char *name;

    if (!directory_open(AT_FDCWD, reading->path, &directory, &why))
        return false;
    while (directory_next(directory, &name, &type)) {
        if (!is_hash_name(str_from_c(name)))
            continue;
        tls_library_begin();
        (void) SSL_CTX_load_verify_file(reading->context,
                                        arena_printf(reading->arena, "%s/%s", reading->path, name).data);
    }
    tls_library_begin();
    return directory_close(&directory, &why);
}

static bool load_authorities(const struct tls_authorities *authorities, SSL_CTX *context, struct arena *arena,
                             tls_opening *opening, void *opening_context)
{
    struct directory_reading reading = { .context = context, .arena = arena };
    const char *file = arena_c(arena, authorities->file);

    tls_library_begin();
    if (authorities->file.len > 0) {
        opening(opening_context, file);
        if (SSL_CTX_load_verify_file(context, file) != 1)
            return false;
    }
    if (authorities->directory.len > 0) {
        reading.path = arena_c(arena, authorities->directory);
        opening(opening_context, reading.path);
        if (!load_directory(&reading))
            return false;
    }
    if (authorities->with_default) {
        reading.path = environment_get(X509_get_default_cert_dir_env());
        if (reading.path == NULL)
            reading.path = X509_get_default_cert_dir();
        (void) load_directory(&reading);
    }
    return true;
}

bool tls_authorities_load(const struct tls_authorities *authorities, SSL_CTX *context, tls_opening *opening,
                          void *opening_context, const struct tls_listener *listener)
{
    struct arena *arena = arena_create();
    bool is_loaded = load_authorities(authorities, context, arena, opening, opening_context);
    struct str file = authorities->file, directory = authorities->directory;

    if (!is_loaded) {
        tls_inform(listener, "cannot load Certification Authority data%s%.*s%s%s%.*s%s: disabling TLS support",
                   file.len > 0 ? ", CAfile=\"" : "", STR_ARG(file), file.len > 0 ? "\"" : "",
                   directory.len > 0 ? ", CApath=\"" : "", STR_ARG(directory), directory.len > 0 ? "\"" : "");
        tls_library_warn_errors(listener);
    }
    arena_destroy(&arena);
    return is_loaded;
}

static bool write_certificates(const SSL_CTX *context, BIO *out)
{
    const STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(context));
    bool is_good = true;

    for (int i = 0; is_good && i < sk_X509_OBJECT_num(objects); i++) {
        X509 *certificate = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));

        is_good = certificate == NULL || PEM_write_bio_X509(out, certificate) == 1;
    }
    return is_good;
}

bool tls_authorities_pem(const struct tls_authorities *authorities, struct arena *arena, tls_opening *opening,
                         void *opening_context, const struct tls_listener *listener, struct str *pem_out)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    BIO *out = BIO_new(BIO_s_mem());
    char *data = NULL;
    bool is_good = context != NULL && out != NULL &&
                   tls_authorities_load(authorities, context, opening, opening_context, listener) &&
                   write_certificates(context, out);

    if (is_good) {
        long len = BIO_get_mem_data(out, &data);

        *pem_out = arena_str(arena, str_make(data, (size_t) len));
    }
    BIO_free(out);
    SSL_CTX_free(context);
    tls_library_begin();
    return is_good;
}

bool tls_identity_decode(struct str value, struct arena *arena, struct str *pem_out)
{
    unsigned char *bytes = arena_alloc(arena, value.len + 1);
    size_t padding = str_count_char(str_from(value, value.len > 2 ? value.len - 2 : 0), '=');
    int len = value.len > INT_MAX ? -1 : EVP_DecodeBlock(bytes, (const unsigned char *) value.data, (int) value.len);

    if (len < 0 || (size_t) len < padding)
        return false;
    *pem_out = str_make((const char *) bytes, (size_t) len - padding);
    return true;
}
