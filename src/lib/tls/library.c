/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/library.h"

#include "base/strbuf.h"

#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>

#define SEPARATORS ", \t\r\n"

enum { LINE_MAXIMUM = 1000, LIST_MAXIMUM = 4096 };

PRINTF_LIKE(3, 0)
static void tell(void (*hear)(void *context, const char *text), void *context, const char *format, va_list args)
{
    char line[LINE_MAXIMUM];

    vsnprintf(line, sizeof line, format, args);
    hear(context, line);
}

void tls_inform(const struct tls_listener *listener, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tell(listener->inform, listener->context, format, args);
    va_end(args);
}

void tls_warn(const struct tls_listener *listener, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tell(listener->warn, listener->context, format, args);
    va_end(args);
}

bool tls_library_open(const struct tls_settings *settings, struct failure *why)
{
    struct arena *arena = arena_create();
    OPENSSL_INIT_SETTINGS *init = OPENSSL_INIT_new();
    uint64_t flags = OPENSSL_INIT_LOAD_CONFIG;
    bool is_open = init != NULL;

    if (str_equal(settings->config_file, STR("none")))
        flags = OPENSSL_INIT_NO_LOAD_CONFIG;
    else if (is_open && !str_equal(settings->config_file, STR("default")))
        is_open = OPENSSL_INIT_set_config_filename(init, arena_c(arena, settings->config_file)) == 1;
    if (is_open && settings->config_name.len > 0)
        is_open = OPENSSL_INIT_set_config_appname(init, arena_c(arena, settings->config_name)) == 1;
    is_open = is_open && OPENSSL_init_ssl(flags, init) == 1;
    OPENSSL_INIT_free(init);
    arena_destroy(&arena);
    if (!is_open)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "cannot initialize OpenSSL with tls_config_file = %.*s",
                           STR_ARG(settings->config_file));
    return true;
}

void tls_library_begin(void)
{
    ERR_clear_error();
}

void tls_library_warn_errors(const struct tls_listener *listener)
{
    const char *file, *data;
    unsigned long error;
    char text[256];
    int line, flags;

    while ((error = ERR_get_error_all(&file, &line, NULL, &data, &flags)) != 0) {
        bool has_data = (flags & ERR_TXT_STRING) && data != NULL && data[0] != '\0';

        ERR_error_string_n(error, text, sizeof text);
        tls_warn(listener, "TLS library problem: %s:%s:%d:%s%s", text, file, line, has_data ? data : "",
                 has_data ? ":" : "");
    }
}

/* ---- options ---- */

struct option {
    const char *name;
    uint64_t bits;
};

/* clang-format off */
static const struct option ssl_options[] = {
    { "ENABLE_MIDDLEBOX_COMPAT", SSL_OP_ENABLE_MIDDLEBOX_COMPAT },
    { "LEGACY_SERVER_CONNECT", SSL_OP_LEGACY_SERVER_CONNECT },
    { "NO_TICKET", SSL_OP_NO_TICKET },
    { "NO_COMPRESSION", SSL_OP_NO_COMPRESSION },
    { "NO_RENEGOTIATION", SSL_OP_NO_RENEGOTIATION },
    { "NO_SESSION_RESUMPTION_ON_RENEGOTIATION", SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION },
    { "PRIORITIZE_CHACHA", SSL_OP_PRIORITIZE_CHACHA },
};

/* Most of these do nothing any more; their names are in use all the same. */
static const struct option workarounds[] = {
    { "CRYPTOPRO_TLSEXT_BUG", SSL_OP_CRYPTOPRO_TLSEXT_BUG },
    { "DONT_INSERT_EMPTY_FRAGMENTS", SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS },
    { "LEGACY_SERVER_CONNECT", SSL_OP_LEGACY_SERVER_CONNECT },
    { "TLSEXT_PADDING", SSL_OP_TLSEXT_PADDING },
    { "MICROSOFT_BIG_SSLV3_BUFFER", 0 },
    { "MICROSOFT_SESS_ID_BUG", 0 },
    { "MSIE_SSLV2_RSA_PADDING", 0 },
    { "CVE-2005-2969", 0 },
    { "NETSCAPE_CHALLENGE_BUG", 0 },
    { "NETSCAPE_REUSE_CIPHER_CHANGE_BUG", 0 },
    { "CVE-2010-4180", 0 },
    { "SSLEAY_080_CLIENT_DH_BUG", 0 },
    { "SSLREF2_REUSE_CERT_TYPE_BUG", 0 },
    { "TLS_BLOCK_PADDING_BUG", 0 },
    { "TLS_D5_BUG", 0 },
    { "TLS_ROLLBACK_BUG", 0 },
};
/* clang-format on */

static uint64_t options_of(const char *parameter, struct str list, const struct option *options, size_t count,
                           const struct tls_listener *listener)
{
    struct str rest = list, word;
    uint64_t mask = 0;

    if (str_starts_with_nocase(list, STR("0x")) && str_to_uint64_base(str_from(list, 2), 16, &mask))
        return mask;
    while (str_next_word(&rest, SEPARATORS, &word)) {
        size_t i = 0;

        while (i < count && !str_equal_nocase(word, str_from_c(options[i].name)))
            i++;
        if (i == count)
            tls_warn(listener, "unknown %s value \"%.*s\" in \"%.*s\"", parameter, STR_ARG(word), STR_ARG(list));
        else
            mask |= options[i].bits;
    }
    return mask;
}

uint64_t tls_library_options(const struct tls_settings *settings, const struct tls_listener *listener)
{
    uint64_t wanted =
        options_of("tls_ssl_options", settings->ssl_options, ssl_options, ARRAY_COUNT(ssl_options), listener);
    uint64_t unwanted = options_of("tls_disable_workarounds", settings->disable_workarounds, workarounds,
                                   ARRAY_COUNT(workarounds), listener);

    return (SSL_OP_ALL & ~unwanted) | wanted;
}

/* ---- protocols ---- */

static const struct {
    const char *name;
    int version;
    uint64_t bit;
} versions[] = {
    { "SSLv2", 2, 0 },
    { "SSLv3", SSL3_VERSION, SSL_OP_NO_SSLv3 },
    { "TLSv1", TLS1_VERSION, SSL_OP_NO_TLSv1 },
    { "TLSv1.1", TLS1_1_VERSION, SSL_OP_NO_TLSv1_1 },
    { "TLSv1.2", TLS1_2_VERSION, SSL_OP_NO_TLSv1_2 },
    { "TLSv1.3", TLS1_3_VERSION, SSL_OP_NO_TLSv1_3 },
};

static size_t find_version(struct str name)
{
    size_t i = 0;

    while (i < ARRAY_COUNT(versions) && !str_equal_nocase(name, str_from_c(versions[i].name)))
        i++;
    return i;
}

int tls_library_version(struct str name)
{
    size_t place = find_version(name);
    uint64_t number;

    if (place < ARRAY_COUNT(versions))
        return versions[place].version;
    if (str_starts_with_nocase(name, STR("0x")))
        name = str_from(name, 2);
    return str_to_uint64_base(name, 16, &number) && number <= 0xffff ? (int) number : 0;
}

static bool take_bound(struct str word, struct tls_protocols *protocols)
{
    int version = tls_library_version(str_from(word, 2));

    if (version == 0)
        return false;
    /* Nothing below SSLv3 has been there for long. */
    if (word.data[0] == '>')
        protocols->lowest = version == 2 ? 0 : version;
    else
        protocols->highest = version;
    return true;
}

bool tls_protocols_parse(struct str list, struct tls_protocols *protocols_out)
{
    struct tls_protocols protocols = { 0 };
    uint64_t included = 0, all = 0;
    struct str word;

    for (size_t i = 0; i < ARRAY_COUNT(versions); i++)
        all |= versions[i].bit;
    while (str_next_word(&list, ":" SEPARATORS, &word)) {
        bool is_excluded = word.data[0] == '!';
        size_t place;

        if (str_starts_with(word, STR(">=")) || str_starts_with(word, STR("<="))) {
            if (!take_bound(word, &protocols))
                return false;
            continue;
        }
        place = find_version(is_excluded ? str_from(word, 1) : word);
        if (place == ARRAY_COUNT(versions))
            return false;
        if (is_excluded)
            protocols.excluded |= versions[place].bit;
        else
            included |= versions[place].bit;
    }
    if (included != 0)
        protocols.excluded |= all & ~included;
    *protocols_out = protocols;
    return true;
}

/* ---- ciphers and curves ---- */

bool tls_ciphers_of_grade(const struct tls_settings *settings, struct str grade, const struct str *exclusions,
                          size_t exclusion_count, struct arena *arena, struct str *list_out)
{
    const struct {
        const char *name;
        struct str list;
    } grades[] = {
        /* Of the two that nobody should use nothing is left in OpenSSL. */
        { "high", settings->high_cipherlist },  { "medium", settings->medium_cipherlist },
        { "low", settings->medium_cipherlist }, { "export", settings->medium_cipherlist },
        { "null", settings->null_cipherlist },
    };
    struct strbuf list;
    struct str rest, word;
    size_t i = 0;

    while (i < ARRAY_COUNT(grades) && !str_equal_nocase(grade, str_from_c(grades[i].name)))
        i++;
    if (i == ARRAY_COUNT(grades))
        return false;
    strbuf_init(&list, STRBUF_UNLIMITED);
    strbuf_append(&list, grades[i].list);
    for (i = 0; i < exclusion_count; i++) {
        rest = exclusions[i];
        while (str_next_word(&rest, SEPARATORS, &word))
            strbuf_printf(&list, ":!%.*s", STR_ARG(word));
    }
    *list_out = arena_str(arena, strbuf_str(&list));
    strbuf_done(&list);
    return true;
}

static bool is_known_group(SSL_CTX *context, struct str name, struct arena *arena)
{
    bool is_known = SSL_CTX_set1_groups_list(context, arena_c(arena, name)) == 1;

    tls_library_begin();
    return is_known;
}

static void append_groups(struct strbuf *list, struct str names, SSL_CTX *context, const struct tls_listener *listener,
                          struct arena *arena)
{
    struct str word;

    while (str_next_word(&names, ":" SEPARATORS, &word)) {
        if (is_known_group(context, word, arena))
            strbuf_printf(list, "%s%.*s", list->len > 0 ? ":" : "", STR_ARG(word));
        else
            tls_warn(listener, "ignoring unknown ECDHE curve \"%.*s\"", STR_ARG(word));
    }
}

struct str tls_groups(const struct tls_settings *settings, const struct tls_listener *listener, struct arena *arena)
{
    SSL_CTX *context = SSL_CTX_new(TLS_method());
    struct strbuf list;
    struct str text;

    strbuf_init(&list, LIST_MAXIMUM);
    append_groups(&list, settings->eecdh_auto_curves, context, listener, arena);
    append_groups(&list, settings->ffdhe_auto_groups, context, listener, arena);
    text = arena_str(arena, strbuf_str(&list));
    strbuf_done(&list);
    SSL_CTX_free(context);
    return text;
}
