/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"
#include "dns/resolver.h"
#include "log/log.h"
#include "merpati/check.h"
#include "merpati/keys.h"
#include "os/file.h"

#include <errno.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <time.h>

enum { FILE_MAXIMUM = 1 << 20, SOON_DAYS = 14, DAY_SECONDS = 86400 };

struct tls_check {
    const struct instance *instance;
    struct arena *arena;
    struct str master_file;
    const struct master_cf *services;
    const struct master_service *service; /* that is looked at */
    struct main_cf *main_cf;              /* as that service reads it */
    struct strlist told;
};

/* A parameter that names files, and one of them. */
struct tls_file {
    struct tls_check *check;
    struct str parameter;
    const char *path;
    struct strbuf text;
};

static struct str value_of(const struct tls_check *check, struct str name)
{
    struct failure ignored;
    struct str value;

    return main_cf_value(check->main_cf, name, check->arena, &value, &ignored) ? str_trim(value) : STR_EMPTY;
}

static struct str own_value(const struct tls_check *check, const char *prefix, const char *rest)
{
    return value_of(check, arena_printf(check->arena, "%s_%s", prefix, rest));
}

static bool is_yes(struct str value)
{
    bool answer;

    return main_cf_parse_boolean(value, &answer) && answer;
}

/* ---- telling ---- */

/* "FILE, line 3: "; where the parameter is set. */
static struct str place_of(const struct tls_check *check, struct str name)
{
    const struct main_cf_entry *entry = main_cf_find(check->main_cf, name);

    if (entry != NULL && entry->place.line > 0)
        return arena_printf(check->arena, "%.*s, line %u: ", STR_ARG(entry->place.file), entry->place.line);
    return arena_printf(check->arena, "%.*s, line %u: ", STR_ARG(check->service->file), check->service->line);
}

/* Once, whatever the number of services that it holds for. */
PRINTF_LIKE(3, 4) static void tell(struct tls_check *check, struct str parameter, const char *format, ...)
{
    struct str place = place_of(check, parameter), text;
    struct strbuf words;
    va_list args;

    strbuf_init(&words, LOG_LINE_MAX);
    va_start(args, format);
    strbuf_vprintf(&words, format, args);
    va_end(args);
    text = arena_printf(check->arena, "%.*s%.*s", STR_ARG(place), STR_ARG(strbuf_str(&words)));
    strbuf_done(&words);
    if (strlist_contains(&check->told, text))
        return;
    strlist_add_view(&check->told, check->arena, text);
    log_warning("%.*s", STR_ARG(text));
}

/* ---- a file ---- */

static bool read_file(struct tls_file *file)
{
    struct failure why;

    strbuf_clear(&file->text);
    if (file_load(file->path, &file->text, &why))
        return true;
    if (why.error == ENOENT)
        tell(file->check, file->parameter, "%.*s = %s: there is no such file: there will be no TLS; name the right one",
             STR_ARG(file->parameter), file->path);
    else
        tell(file->check, file->parameter, "%.*s = %s: cannot be read: %s", STR_ARG(file->parameter), file->path,
             why.text);
    return false;
}

static void check_mode(const struct tls_file *file)
{
    struct stat status;
    struct failure ignored;

    if (!file_stat(file->path, &status, &ignored))
        return;
    if ((status.st_mode & S_IROTH) != 0)
        tell(file->check, file->parameter,
             "%.*s = %s: everybody on this machine can read the private key (mode %04o): chmod 600 %s, and make a new "
             "key if others have been on it",
             STR_ARG(file->parameter), file->path, (unsigned) status.st_mode & 07777, file->path);
    else if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        tell(file->check, file->parameter, "%.*s = %s: others than its owner can write it (mode %04o): chmod go-w %s",
             STR_ARG(file->parameter), file->path, (unsigned) status.st_mode & 07777, file->path);
}

static struct str date_of(const ASN1_TIME *time, struct arena *arena)
{
    struct tm parts;
    char text[40] = "";

    if (ASN1_TIME_to_tm(time, &parts) == 1)
        (void) strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S GMT", &parts);
    return arena_str(arena, str_from_c(text));
}

static void check_dates(const struct tls_file *file, const X509 *certificate, const char *which)
{
    time_t now = (time_t) instant_seconds(clock_now()), soon = now + SOON_DAYS * DAY_SECONDS;
    struct str begin = date_of(X509_get0_notBefore(certificate), file->check->arena);
    struct str end = date_of(X509_get0_notAfter(certificate), file->check->arena);

    if (X509_cmp_time(X509_get0_notAfter(certificate), &now) < 0)
        tell(file->check, file->parameter,
             "%.*s = %s: %s has expired (%.*s): renew it; who checks certificates does not talk to us",
             STR_ARG(file->parameter), file->path, which, STR_ARG(end));
    else if (X509_cmp_time(X509_get0_notBefore(certificate), &now) > 0)
        tell(file->check, file->parameter, "%.*s = %s: %s is not valid before %.*s: look at this machine's clock",
             STR_ARG(file->parameter), file->path, which, STR_ARG(begin));
    else if (X509_cmp_time(X509_get0_notAfter(certificate), &soon) < 0)
        tell(file->check, file->parameter, "%.*s = %s: %s expires soon (%.*s): renew it", STR_ARG(file->parameter),
             file->path, which, STR_ARG(end));
}

/* ---- what stands in it ---- */

#define BEGIN_WORDS "-----BEGIN "

/* The next part of a PEM text: from its first line to the beginning of the next. */
static bool next_part(struct str *rest, struct str *part_out, bool *is_key_out)
{
    size_t begin = str_find(*rest, STR(BEGIN_WORDS)), end;
    struct str line, ignored;

    if (begin == STR_NOT_FOUND)
        return false;
    *rest = str_from(*rest, begin);
    end = str_find(str_from(*rest, strlen(BEGIN_WORDS)), STR(BEGIN_WORDS));
    *part_out = end == STR_NOT_FOUND ? *rest : str_part(*rest, 0, end + strlen(BEGIN_WORDS));
    *rest = str_from(*rest, part_out->len);
    (void) str_cut(*part_out, '\n', &line, &ignored);
    *is_key_out = str_find(line, STR("PRIVATE KEY")) != STR_NOT_FOUND;
    return true;
}

static void check_pair(const struct tls_file *file, const X509 *certificate, const EVP_PKEY *key, const char *key_path)
{
    if (key != NULL && X509_check_private_key(certificate, key) != 1)
        tell(file->check, file->parameter,
             "%.*s = %s: the certificate does not belong to the key in %s: there will be no TLS; name a pair",
             STR_ARG(file->parameter), file->path, key_path);
}

/* key: that the first certificate is for; NULL: those that stand in the file are. */
static void check_parts(struct tls_file *file, EVP_PKEY *key, const char *key_path)
{
    struct str rest = strbuf_str(&file->text), part;
    EVP_PKEY *own = NULL;
    X509 *certificate;
    struct failure why;
    unsigned certificates = 0;
    bool is_key, is_first = true;

    while (next_part(&rest, &part, &is_key)) {
        if (is_key && key == NULL) {
            EVP_PKEY_free(own);
            own = NULL;
            if (!key_parse(part, file->path, &own, &why))
                tell(file->check, file->parameter, "%.*s: %s: a key with a passphrase cannot be used",
                     STR_ARG(file->parameter), why.text);
            is_first = true;
        } else if (!is_key && certificate_parse(part, file->path, &certificate, &why)) {
            certificates++;
            check_dates(file, certificate, is_first ? "the certificate" : "a certificate of the chain");
            if (is_first)
                check_pair(file, certificate, key != NULL ? key : own, key_path);
            is_first = false;
            X509_free(certificate);
        }
    }
    EVP_PKEY_free(own);
    if (certificates == 0)
        tell(file->check, file->parameter, "%.*s: no certificate found in file: %s: there will be no TLS",
             STR_ARG(file->parameter), file->path);
}

static void check_chain_file(struct tls_check *check, struct str parameter, struct str path)
{
    struct tls_file file = { .check = check, .parameter = parameter, .path = arena_c(check->arena, path) };

    strbuf_init(&file.text, FILE_MAXIMUM);
    if (read_file(&file)) {
        if (str_find(strbuf_str(&file.text), STR("PRIVATE KEY-----")) != STR_NOT_FOUND)
            check_mode(&file);
        check_parts(&file, NULL, file.path);
    }
    strbuf_done(&file.text);
}

static void check_certificate_file(struct tls_check *check, struct str parameter, struct str path, struct str key_name,
                                   struct str key_path)
{
    struct tls_file file = { .check = check, .parameter = parameter, .path = arena_c(check->arena, path) };
    struct tls_file key_file = { .check = check, .parameter = key_name, .path = arena_c(check->arena, key_path) };
    struct failure why;
    EVP_PKEY *key = NULL;

    strbuf_init(&file.text, FILE_MAXIMUM);
    strbuf_init(&key_file.text, FILE_MAXIMUM);
    if (read_file(&file) && read_file(&key_file)) {
        check_mode(&key_file);
        if (!key_parse(strbuf_str(&key_file.text), key_file.path, &key, &why))
            tell(check, key_name, "%.*s: %s, or it has a passphrase: there will be no TLS", STR_ARG(key_name),
                 why.text);
        else
            check_parts(&file, key, key_file.path);
        EVP_PKEY_free(key);
    }
    strbuf_done(&file.text);
    strbuf_done(&key_file.text);
}

/* ---- what a service shows and believes ---- */

static bool is_named(struct str value)
{
    return value.len > 0 && !str_equal(value, STR("none"));
}

/* Whether any certificate is named. */
static bool check_identity(struct tls_check *check, const char *prefix)
{
    static const char *const kinds[] = { "", "d", "ec" };
    struct str chains = own_value(check, prefix, "tls_chain_files"), word;
    bool has_one = false;

    if (chains.len > 0) {
        while (str_next_word(&chains, ", \t\r\n", &word))
            check_chain_file(check, arena_printf(check->arena, "%s_tls_chain_files", prefix), word);
        return true;
    }
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        struct str parameter = arena_printf(check->arena, "%s_tls_%scert_file", prefix, kinds[i]);
        struct str key_name = arena_printf(check->arena, "%s_tls_%skey_file", prefix, kinds[i]);
        struct str path = value_of(check, parameter);

        if (is_named(path)) {
            has_one = true;
            check_certificate_file(check, parameter, path, key_name, value_of(check, key_name));
        } else if (path.len > 0) {
            has_one = true;
        }
    }
    return has_one;
}

/* Whether any authority is named. */
static bool check_authorities(struct tls_check *check, const char *prefix)
{
    static const char *const names[] = { "tls_CAfile", "tls_CApath" };
    bool has_one = is_yes(value_of(check, STR("tls_append_default_CA")));

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        struct str parameter = arena_printf(check->arena, "%s_%s", prefix, names[i]);
        struct str path = value_of(check, parameter);

        has_one = has_one || path.len > 0;
        if (path.len > 0 && !file_exists(arena_c(check->arena, path)))
            tell(check, parameter, "%.*s = %.*s: there is no such file or directory: name the right one",
                 STR_ARG(parameter), STR_ARG(path));
    }
    return has_one;
}

/* ---- services ---- */

/* The level that counts; empty: no TLS. */
static struct str level_of(const struct tls_check *check, const char *prefix)
{
    struct str level = own_value(check, prefix, "tls_security_level");

    if (level.len > 0)
        return str_equal(level, STR("none")) ? STR_EMPTY : level;
    if (is_yes(own_value(check, prefix, "enforce_tls")))
        return STR("encrypt");
    return is_yes(own_value(check, prefix, "use_tls")) ? STR("may") : STR_EMPTY;
}

/* Tables made by postmap -F hold the keys themselves; their sources only the names of files. */
static void check_names(struct tls_check *check)
{
    static const char *const endings[] = { "lmdb", "db", "cdb" };
    struct str rest = value_of(check, STR("tls_server_sni_maps")), word, type, path;
    struct stat status;
    struct failure ignored;

    while (str_next_word(&rest, ", \t\r\n", &word)) {
        if (str_starts_with(word, STR("proxy:")))
            word = str_from(word, strlen("proxy:"));
        if (!str_cut(word, ':', &type, &path) || !str_starts_with(path, STR("/")))
            continue;
        for (size_t i = 0; i < ARRAY_COUNT(endings); i++) {
            const char *file = arena_printf(check->arena, "%.*s.%s", STR_ARG(path), endings[i]).data;

            if (file_stat(file, &status, &ignored) && (status.st_mode & S_IROTH) != 0)
                tell(check, STR("tls_server_sni_maps"),
                     "tls_server_sni_maps: everybody on this machine can read the private keys in %s (mode %04o): "
                     "chmod o-r %s %.*s, of which postmap takes the mode",
                     file, (unsigned) status.st_mode & 07777, file, STR_ARG(path));
        }
    }
}

static void check_dh(struct tls_check *check)
{
    struct str path = value_of(check, STR("smtpd_tls_dh1024_param_file"));

    if (is_named(path) && !str_equal_nocase(path, STR("none")) && !str_equal_nocase(path, STR("auto")) &&
        !file_exists(arena_c(check->arena, path)))
        tell(check, STR("smtpd_tls_dh1024_param_file"),
             "smtpd_tls_dh1024_param_file = %.*s: there is no such file: OpenSSL's own parameters are taken; name "
             "none, or the right one",
             STR_ARG(path));
}

/* What processes share; without it each goes on alone. A file of before may not have it. */
static void check_tlsmgr(struct tls_check *check, struct str parameter, const char *loss)
{
    struct str name = value_of(check, STR("tlsmgr_service_name"));

    if (master_cf_find(check->services, name, MASTER_SERVICE_UNIX) == NULL)
        tell(check, parameter, "there is no service %.*s: %s; add to %.*s: \"%.*s unix - - y 1000? 1 tlsmgr\"",
             STR_ARG(name), loss, STR_ARG(check->master_file), STR_ARG(name));
}

static void check_server(struct tls_check *check)
{
    struct str level = level_of(check, "smtpd");
    bool is_wrapped = is_yes(value_of(check, STR("smtpd_tls_wrappermode")));

    if (level.len == 0 && !is_wrapped) {
        if (is_yes(value_of(check, STR("smtpd_sasl_auth_enable"))) &&
            is_yes(value_of(check, STR("smtpd_tls_auth_only"))))
            tell(check, STR("smtpd_tls_auth_only"),
                 "smtpd_tls_auth_only = yes, but smtpd_tls_security_level is none: nobody can log in; \"merpati tls "
                 "enable-server\" switches TLS on");
        return;
    }
    if (!check_identity(check, "smtpd"))
        tell(check, STR("smtpd_tls_security_level"),
             "smtpd_tls_security_level = %.*s, but no certificate is named: TLS is not available; \"merpati tls "
             "new-server-key\" makes one",
             STR_ARG(level));
    (void) check_authorities(check, "smtpd");
    check_names(check);
    check_dh(check);
    check_tlsmgr(check, STR("smtpd_tls_security_level"), "no process reads the session tickets of another");
}

static bool is_any_of(struct str level, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(level, str_from_c(words[i])))
            return true;
    }
    return false;
}

static void check_dane(struct tls_check *check, const char *prefix, struct str level)
{
    struct str name = arena_printf(check->arena, "%s_tls_security_level", prefix);

    if (!str_equal(own_value(check, prefix, "dns_support_level"), STR("dnssec")))
        tell(check, name, "%.*s = %.*s needs validated answers of the DNS: set %s_dns_support_level = dnssec",
             STR_ARG(name), STR_ARG(level), prefix);
    if (!file_exists(resolver_anchors_path()))
        tell(check, name, "%.*s = %.*s needs DNSSEC's trust anchors, %s: install the package dns-root-data",
             STR_ARG(name), STR_ARG(level), resolver_anchors_path());
}

static void check_client(struct tls_check *check, const char *prefix)
{
    static const char *const by_name[] = { "verify", "secure" };
    static const char *const by_dns[] = { "dane", "dane-only", "half-dane" };
    struct str level = level_of(check, prefix), name = arena_printf(check->arena, "%s_tls_security_level", prefix);
    bool has_authority;

    if (level.len == 0 && own_value(check, prefix, "tls_policy_maps").len == 0)
        return;
    (void) check_identity(check, prefix);
    if (own_value(check, prefix, "tls_session_cache_database").len > 0)
        check_tlsmgr(check, arena_printf(check->arena, "%s_tls_session_cache_database", prefix),
                     "no TLS session is kept");
    has_authority = check_authorities(check, prefix) || own_value(check, prefix, "tls_trust_anchor_file").len > 0;
    if (!has_authority && is_any_of(level, by_name, ARRAY_COUNT(by_name)))
        tell(check, name,
             "%.*s = %.*s, but nobody is believed to vouch for servers: no mail goes out; set %s_tls_CAfile = "
             "/etc/ssl/certs/ca-certificates.crt",
             STR_ARG(name), STR_ARG(level), prefix);
    if (is_any_of(level, by_dns, ARRAY_COUNT(by_dns)))
        check_dane(check, prefix, level);
}

/* As the service will read it. */
static bool read_configuration(struct tls_check *check)
{
    struct strlist overrides = master_service_overrides(check->service, check->arena);
    struct failure ignored;

    if (!main_cf_load(check->instance->directory, check->arena, &check->main_cf, &ignored))
        return false;
    main_cf_set_program(check->main_cf, check->service->fields[MASTER_FIELD_COMMAND],
                        check->service->fields[MASTER_FIELD_NAME]);
    for (size_t i = 0; i < overrides.count; i++) {
        if (!main_cf_override(check->main_cf, overrides.items[i], &ignored))
            return false;
    }
    return true;
}

static void check_service(struct tls_check *check)
{
    struct str command = check->service->fields[MASTER_FIELD_COMMAND];

    if (!read_configuration(check))
        return;
    if (str_equal(command, STR("smtpd")))
        check_server(check);
    else if (str_equal(command, STR("smtp")))
        check_client(check, "smtp");
    else if (str_equal(command, STR("lmtp")))
        check_client(check, "lmtp");
}

void check_tls(const struct instance *instance)
{
    struct tls_check check = { .instance = instance, .arena = instance->arena };
    struct master_cf *file;
    struct failure told;

    if (!master_cf_load(instance->directory, instance->arena, &file, &told))
        return;
    check.master_file = file->file;
    check.services = file;
    for (size_t i = 0; i < file->count; i++) {
        check.service = &file->services[i];
        check_service(&check);
    }
}
