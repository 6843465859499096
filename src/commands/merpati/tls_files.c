/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"
#include "log/log.h"
#include "merpati/log_lines.h"
#include "merpati/tls.h"
#include "os/file.h"

#include <errno.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <time.h>

enum { TEXT_MAXIMUM = 64 * 1024, KEY_MODE = 0600, CERTIFICATE_MODE = 0644, TRIES = 10 };

static int fail(const struct failure *why)
{
    log_fatal("%s", why->text);
    return 1;
}

const char *tls_path(const struct instance *instance, struct str name)
{
    if (str_starts_with(name, STR("/")))
        return arena_c(instance->arena, name);
    return arena_printf(instance->arena, "%.*s/%.*s", STR_ARG(instance->directory), STR_ARG(name)).data;
}

static struct str setting(const struct instance *instance, const char *name)
{
    struct failure ignored;
    struct str value;

    return main_cf_value(instance->main_cf, str_from_c(name), instance->arena, &value, &ignored) ? value : STR_EMPTY;
}

struct str tls_server_key(const struct instance *instance, enum key_algorithm algorithm)
{
    const char *name = algorithm == KEY_RSA ? "smtpd_tls_key_file" : "smtpd_tls_eckey_file";
    struct str value = setting(instance, name);

    return str_equal(value, STR("none")) ? STR_EMPTY : value;
}

/* ---- a new key, and its certificate ---- */

static struct strlist names_of(const struct tls_request *request)
{
    struct strlist names = { 0 };

    for (size_t i = 0; i < request->words.count; i++)
        strlist_add_view(&names, request->instance->arena, request->words.items[i]);
    if (names.count == 0)
        strlist_add_view(&names, request->instance->arena, request->host);
    return names;
}

/* "key-20261122-212542.pem" and "cert-…", which are not there yet. */
static bool choose_paths(const struct tls_request *request, enum key_algorithm algorithm, struct tls_pair *pair_out,
                         struct failure *why)
{
    const char *prefix = algorithm == KEY_ECDSA ? "ec" : "";
    struct arena *arena = request->instance->arena;
    time_t now = (time_t) instant_seconds(clock_now());
    char stamp[40];
    struct tm parts;

    for (int i = 0; i < TRIES; i++, now++) {
        if (gmtime_r(&now, &parts) == NULL || strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &parts) == 0)
            break;
        pair_out->key_path = tls_path(request->instance, arena_printf(arena, "%skey-%s.pem", prefix, stamp));
        pair_out->certificate_path = tls_path(request->instance, arena_printf(arena, "%scert-%s.pem", prefix, stamp));
        if (!file_exists(pair_out->key_path) && !file_exists(pair_out->certificate_path))
            return true;
    }
    return failure_set(why, FAILURE_RETRY, EEXIST, "%s", pair_out->key_path);
}

/* A key that cannot be kept is none: the certificate comes second. */
static bool write_pair(const struct tls_pair *pair, EVP_PKEY *key, const struct strlist *names, struct failure *why)
{
    struct strbuf key_text, certificate_text;
    bool is_written;

    strbuf_init(&key_text, TEXT_MAXIMUM);
    strbuf_init(&certificate_text, TEXT_MAXIMUM);
    is_written = key_write(key, &key_text, why) && certificate_sign_self(key, names, &certificate_text, why) &&
                 file_replace(pair->key_path, strbuf_str(&key_text), KEY_MODE, why) &&
                 file_replace(pair->certificate_path, strbuf_str(&certificate_text), CERTIFICATE_MODE, why);
    strbuf_done(&key_text);
    strbuf_done(&certificate_text);
    return is_written;
}

bool tls_make_pair(const struct tls_request *request, EVP_PKEY *key, struct tls_pair *pair_out, struct failure *why)
{
    struct strlist names = names_of(request);
    EVP_PKEY *made = NULL;
    bool is_made;

    if (key == NULL && !key_generate(request->algorithm, request->size, &made, why))
        return false;
    if (key == NULL)
        key = made;
    is_made = choose_paths(request, key_algorithm_of(key), pair_out, why) && write_pair(pair_out, key, &names, why);
    EVP_PKEY_free(made);
    return is_made;
}

void tls_tell_next(const struct tls_pair *pair, bool is_deployed)
{
    const char *end = is_deployed ? "." : ", and deploy as above.";

    log_tls_advice("To generate a CSR run:");
    log_tls_advice("  # merpati tls output-server-csr -k %s [<hostname> ...]", pair->key_path);
    log_tls_advice("Save the signed certificate chain in %s%s", pair->certificate_path, end);
    log_tls_advice("To generate TLSA records run:");
    log_tls_advice("  # merpati tls output-server-tlsa [-h <hostname>] %s", pair->key_path);
}

static int make_and_tell(const struct tls_request *request, EVP_PKEY *key)
{
    struct tls_pair pair;
    struct failure why;

    if (!tls_make_pair(request, key, &pair, &why))
        return fail(&why);
    log_tls_advice("New private key and self-signed certificate created. To deploy run:");
    log_tls_advice("  # merpati tls deploy-server-cert %s %s", pair.certificate_path, pair.key_path);
    tls_tell_next(&pair, false);
    if (key == NULL)
        log_tls_advice("(deploy after updating the DNS and waiting for stale RRs to expire).");
    return 0;
}

int tls_new_key(const struct tls_request *request)
{
    return make_and_tell(request, NULL);
}

int tls_new_certificate(const struct tls_request *request)
{
    struct str name = tls_server_key(request->instance, request->algorithm);
    struct failure why;
    EVP_PKEY *key;
    int status;

    if (name.len == 0)
        return make_and_tell(request, NULL);
    if (!key_load(tls_path(request->instance, name), &key, &why))
        return fail(&why);
    status = make_and_tell(request, key);
    EVP_PKEY_free(key);
    return status;
}

/* ---- requests and records ---- */

/* A word that is an algorithm is the server's key of it; empty: there is none. */
static struct str key_name(const struct instance *instance, struct str word)
{
    enum key_algorithm algorithm = key_algorithm_parse(word);

    return algorithm == KEY_OTHER ? word : tls_server_key(instance, algorithm);
}

static bool print(struct strbuf *text, struct failure *why)
{
    return (fwrite(text->data, 1, text->len, stdout) == text->len && fflush(stdout) == 0) ||
           failure_set(why, FAILURE_RETRY, errno, "standard output");
}

int tls_output_request(const struct tls_request *request)
{
    struct str word = request->key_file.len > 0 ? request->key_file : STR("rsa");
    struct str name = key_name(request->instance, word);
    struct strlist names = names_of(request);
    struct strbuf text;
    struct failure why;
    EVP_PKEY *key;
    bool is_done;

    if (name.len == 0)
        return log_fail(1, "No usable keyfile specified or configured");
    if (!key_load(tls_path(request->instance, name), &key, &why))
        return fail(&why);
    strbuf_init(&text, TEXT_MAXIMUM);
    is_done = certificate_request(key, &names, &text, &why) && print(&text, &why);
    strbuf_done(&text);
    EVP_PKEY_free(key);
    return is_done ? 0 : fail(&why);
}

static bool add_record(const struct tls_request *request, const char *path, struct strbuf *out, struct failure *why)
{
    struct str digest;
    EVP_PKEY *key;
    bool is_known;

    if (!key_load(path, &key, why))
        return false;
    is_known = key_digest(key, request->instance->arena, &digest, why);
    EVP_PKEY_free(key);
    return is_known && strbuf_printf(out, "; %s\n_25._tcp.%.*s. IN TLSA 3 1 1 %.*s\n", path, STR_ARG(request->host),
                                     STR_ARG(digest));
}

int tls_output_tlsa(const struct tls_request *request)
{
    struct strlist words = request->words;
    struct arena *arena = request->instance->arena;
    struct failure why;
    struct strbuf text;
    int status = 0;

    if (words.count == 0)
        words = strlist_split(arena, STR("rsa ecdsa"), " ");
    strbuf_init(&text, TEXT_MAXIMUM);
    for (size_t i = 0; i < words.count && status == 0; i++) {
        struct str name = key_name(request->instance, words.items[i]);

        if (name.len > 0 && !add_record(request, tls_path(request->instance, name), &text, &why))
            status = fail(&why);
    }
    if (status == 0 && text.len == 0)
        status = log_fail(1, "No usable keyfiles specified or configured");
    if (status == 0 && !print(&text, &why))
        status = fail(&why);
    strbuf_done(&text);
    return status;
}
