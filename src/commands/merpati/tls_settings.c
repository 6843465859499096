/* SPDX-License-Identifier: Apache-2.0 */
#include "log/log.h"
#include "merpati/log_lines.h"
#include "merpati/tls.h"

#include <openssl/x509.h>

/* Any of these, and somebody has thought about TLS already. */
static const char *const client_names[] = {
    "smtp_use_tls",       "smtp_enforce_tls",    "smtp_tls_enforce_peername", "smtp_tls_security_level",
    "smtp_tls_cert_file", "smtp_tls_dcert_file", "smtp_tls_eccert_file",      "smtp_tls_chain_files",
};
static const char *const server_names[] = {
    "smtpd_use_tls",        "smtpd_enforce_tls",     "smtpd_tls_security_level", "smtpd_tls_cert_file",
    "smtpd_tls_dcert_file", "smtpd_tls_eccert_file", "smtpd_tls_chain_files",
};

/* What is switched on. */
static const char *const client_settings[] = {
    "smtp_tls_security_level = may",
    "smtp_tls_loglevel = 1",
    "smtp_tls_session_cache_database = lmdb:${data_directory}/smtp_scache",
};
/*
 * No TLS before 1.2 (RFC 8996); ciphers that prove who the server is, forget their keys and authenticate what they
 * encrypt (RFC 9325 section 4.2), and the best of them. Mail servers of the last ten years have them.
 */
static const char *const server_settings[] = {
    "smtpd_tls_security_level = may",
    "smtpd_tls_loglevel = 1",
    "smtpd_tls_received_header = yes",
    "smtpd_tls_protocols = >=TLSv1.2",
    "smtpd_tls_mandatory_protocols = >=TLSv1.2",
    "smtpd_tls_exclude_ciphers = aNULL, kRSA, SHA1, SHA256, SHA384",
    "tls_preempt_cipherlist = yes",
};

static int fail(const struct failure *why)
{
    log_fatal("%s", why->text);
    return 1;
}

/* ---- main.cf ---- */

static bool are_default(const struct instance *instance, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct main_cf_entry *entry = main_cf_find(instance->main_cf, str_from_c(names[i]));

        if (entry != NULL && str_trim(entry->value).len > 0)
            return false;
    }
    return true;
}

int tls_all_default_client(const struct tls_request *request)
{
    return are_default(request->instance, client_names, ARRAY_COUNT(client_names)) ? 0 : 1;
}

int tls_all_default_server(const struct tls_request *request)
{
    return are_default(request->instance, server_names, ARRAY_COUNT(server_names)) ? 0 : 1;
}

static void tell_reload(void)
{
    log_tls_advice("Run the command:");
    log_tls_advice("  # merpati reload");
    log_tls_advice("if you want the new settings to take effect immediately.");
}

static struct strlist settings_of(const struct tls_request *request, const char *const *settings, size_t count)
{
    struct arena *arena = request->instance->arena;
    struct strlist list = { 0 };

    for (size_t i = 0; i < count; i++)
        strlist_add(&list, arena, str_from_c(settings[i]));
    if (request->random_source != NULL)
        strlist_add(&list, arena, arena_printf(arena, "tls_random_source = %s", request->random_source));
    return list;
}

/* ---- certificates ---- */

static bool do_fit(const struct tls_pair *pair, enum key_algorithm *algorithm_out, struct failure *why)
{
    X509 *certificate;
    EVP_PKEY *key;
    bool is_match;

    if (!key_load(pair->key_path, &key, why))
        return false;
    if (!certificate_load(pair->certificate_path, &certificate, why)) {
        EVP_PKEY_free(key);
        return false;
    }
    is_match = X509_check_private_key(certificate, key) == 1;
    *algorithm_out = key_algorithm_of(key);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return is_match || failure_set(why, FAILURE_CONFIGURATION, 0, "Certificate in %s does not match key in %s",
                                   pair->certificate_path, pair->key_path);
}

bool tls_deploy_pair(const struct instance *instance, const struct tls_pair *pair, struct failure *why)
{
    struct arena *arena = instance->arena;
    struct strlist list = { 0 };
    enum key_algorithm algorithm;
    const char *kind;

    if (!do_fit(pair, &algorithm, why))
        return false;
    if (algorithm == KEY_OTHER)
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "%s: this kind of key has no parameter of its own: name the file in smtpd_tls_chain_files",
                           pair->key_path);
    /* The newer name would outrank what is written here. */
    if (!are_default(instance, (const char *const[]){ "smtpd_tls_chain_files" }, 1))
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "%.*s/main.cf sets smtpd_tls_chain_files, which outranks smtpd_tls_cert_file and its kin: "
                           "change the files that it names, or remove it",
                           STR_ARG(instance->directory));
    kind = algorithm == KEY_ECDSA ? "ec" : "";
    strlist_add(&list, arena, arena_printf(arena, "smtpd_tls_%scert_file = %s", kind, pair->certificate_path));
    strlist_add(&list, arena, arena_printf(arena, "smtpd_tls_%skey_file = %s", kind, pair->key_path));
    return instance_edit(instance, &list, why);
}

int tls_deploy_certificate(const struct tls_request *request)
{
    const struct tls_pair pair = {
        .certificate_path = tls_path(request->instance, request->words.items[0]),
        .key_path = tls_path(request->instance, request->words.items[1]),
    };
    struct failure why;

    if (!tls_deploy_pair(request->instance, &pair, &why))
        return fail(&why);
    log_tls_advice("New TLS private key and certificate deployed.");
    tell_reload();
    return 0;
}

/* ---- switching on ---- */

static int suggest(const char *side, const char *const *settings, size_t count)
{
    log_tls_advice("*** Non-default SMTP %s TLS settings detected, no changes made.", side);
    log_tls_advice("For opportunistic TLS in the Merpati SMTP %s, the below settings", side);
    log_tls_advice("are typical:");
    for (size_t i = 0; i < count; i++)
        log_tls_advice("  %s", settings[i]);
    return 0;
}

int tls_enable_client(const struct tls_request *request)
{
    struct strlist list = settings_of(request, client_settings, ARRAY_COUNT(client_settings));
    struct failure why;

    if (tls_all_default_client(request) != 0)
        return suggest("client", client_settings, ARRAY_COUNT(client_settings));
    if (!instance_edit(request->instance, &list, &why))
        return fail(&why);
    log_tls_advice("Enabled opportunistic TLS in the Merpati SMTP client.");
    tell_reload();
    return 0;
}

static int suggest_server(void)
{
    (void) suggest("server", server_settings, ARRAY_COUNT(server_settings));
    log_tls_advice("You can use \"merpati tls new-server-cert\" to create a new certificate.");
    log_tls_advice("Or, \"merpati tls new-server-key\" to also force a new private key.");
    log_tls_advice("If you publish DANE TLSA records, publish those of a new key before it is deployed:");
    log_tls_advice("RFC 7671 section 8.");
    return 0;
}

int tls_enable_server(const struct tls_request *request)
{
    struct strlist list = settings_of(request, server_settings, ARRAY_COUNT(server_settings));
    struct tls_pair pair;
    struct failure why;

    if (tls_all_default_server(request) != 0)
        return suggest_server();
    if (!tls_make_pair(request, NULL, &pair, &why) || !tls_deploy_pair(request->instance, &pair, &why) ||
        !instance_edit(request->instance, &list, &why))
        return fail(&why);
    log_tls_advice("Enabled opportunistic TLS in the Merpati SMTP server");
    log_tls_advice("New TLS private key and certificate deployed.");
    tell_reload();
    tls_tell_next(&pair, true);
    log_tls_advice("(If you have DANE TLSA RRs, update them as soon as possible to match");
    log_tls_advice("the newly deployed keys).");
    return 0;
}
