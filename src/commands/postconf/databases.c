/* SPDX-License-Identifier: Apache-2.0 */
#include "postconf/databases.h"

#include "base/arena.h"
#include "base/strbuf.h"
#include "log/log.h"
#include "os/file.h"
#include "table/table_list.h"

#include <sys/stat.h>

enum { FILE_MAX = 1024 * 1024 };

#define SQL_NAMES                                                                                                      \
    "dbname", "domain", "expansion_limit", "hosts", "idle_interval", "password", "query", "result_format",             \
        "retry_interval", "select_field", "select_function", "table", "where_field", "additional_conditions", "user"

static const char *const mysql_names[] = { SQL_NAMES,      "charset",         "option_file",        "option_group",
                                           "tls_CAfile",   "tls_CApath",      "tls_cert_file",      "tls_ciphers",
                                           "tls_key_file", "tls_verify_cert", "require_result_set", NULL };
static const char *const pgsql_names[] = { SQL_NAMES, "encoding", NULL };
static const char *const sqlite_names[] = { SQL_NAMES, "dbpath", NULL };
static const char *const redis_names[] = { SQL_NAMES, "timeout", NULL };
static const char *const ldap_names[] = { "bind",
                                          "bind_dn",
                                          "bind_pw",
                                          "cache",
                                          "cache_expiry",
                                          "cache_size",
                                          "chase_referrals",
                                          "debuglevel",
                                          "dereference",
                                          "domain",
                                          "expansion_limit",
                                          "idle_interval",
                                          "leaf_result_attribute",
                                          "query_filter",
                                          "recursion_limit",
                                          "result_attribute",
                                          "result_filter",
                                          "result_format",
                                          "retry_interval",
                                          "sasl_authz_id",
                                          "sasl_mechs",
                                          "sasl_minssf",
                                          "sasl_realm",
                                          "scope",
                                          "search_base",
                                          "server_host",
                                          "server_port",
                                          "size_limit",
                                          "special_result_attribute",
                                          "start_tls",
                                          "terminal_result_attribute",
                                          "timeout",
                                          "tls_ca_cert_dir",
                                          "tls_ca_cert_file",
                                          "tls_cert",
                                          "tls_cipher_suite",
                                          "tls_key",
                                          "tls_random_file",
                                          "tls_require_cert",
                                          "version",
                                          NULL };
static const char *const memcache_names[] = { "backup",      "data_size_limit", "domain",  "flags",
                                              "key_format",  "line_size_limit", "max_try", "memcache",
                                              "retry_pause", "timeout",         "ttl",     NULL };

static const struct type {
    const char *name;
    const char *const *names;
} types[] = {
    { "ldap", ldap_names },   { "memcache", memcache_names }, { "mysql", mysql_names },
    { "pgsql", pgsql_names }, { "redis", redis_names },       { "sqlite", sqlite_names },
};

static const struct type *find_type(struct str name)
{
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        if (str_equal(name, str_from_c(types[i].name)))
            return &types[i];
    }
    return NULL;
}

static bool is_file(struct str name)
{
    return str_starts_with(name, STR("/")) || str_starts_with(name, STR("."));
}

/* "proxy:pgsql:users": type and name. */
static const struct type *take_apart(struct str word, struct str *name_out)
{
    struct str type;

    while (str_starts_with(word, STR("proxy:")))
        word = str_from(word, strlen("proxy:"));
    return str_cut(word, ':', &type, name_out) ? find_type(type) : NULL;
}

void databases_add_names(struct str value, struct arena *arena, struct strlist *names)
{
    struct str word;
    struct str name;

    /* Those within other tables, "pipemap:{ldap:users}", too. */
    while (str_next_word(&value, ", \t\r\n{}", &word)) {
        const struct type *type = take_apart(word, &name);

        if (type == NULL || str_is_empty(name) || is_file(name))
            continue;
        for (const char *const *suffix = type->names; *suffix != NULL; suffix++)
            strlist_add(names, arena, arena_printf(arena, "%.*s_%s", STR_ARG(name), *suffix));
    }
}

/* A line "password = x" with something behind the "=". */
static bool has_password(const char *path)
{
    struct str rest;
    struct str line;
    struct strbuf text;
    bool has = false;

    strbuf_init(&text, FILE_MAX);
    rest = file_load(path, &text, NULL) ? strbuf_str(&text) : STR_EMPTY;
    while (!has && !str_is_empty(rest)) {
        struct str name;
        struct str value;

        (void) str_cut(rest, '\n', &line, &rest);
        has = str_cut(line, '=', &name, &value) && !str_is_empty(str_trim(value)) &&
              (str_equal(str_trim(name), STR("password")) || str_equal(str_trim(name), STR("bind_pw")) ||
               (str_equal(str_trim(name), STR("hosts")) && str_contains_char(value, '@')));
    }
    strbuf_done(&text);
    return has;
}

static void check_file(const char *path, bool is_secret, struct str place)
{
    struct stat status;

    if (!file_stat(path, &status, NULL) || (status.st_mode & S_IROTH) == 0)
        return;
    if (is_secret || has_password(path))
        log_warning("%.*s %s has passwords in it and everybody can read it: chmod o-r %s", STR_ARG(place), path, path);
}

void databases_check_secret(struct str table, bool is_secret, struct str place, struct arena *arena)
{
    static const char *const suffixes[] = { "", ".db", ".cdb", ".lmdb" };
    struct str name;
    struct str type;
    bool is_database = take_apart(table, &name) != NULL;

    while (!is_database && str_starts_with(table, STR("proxy:")))
        table = str_from(table, strlen("proxy:"));
    if (!is_database && (!is_secret || !str_cut(table, ':', &type, &name)))
        return;
    if (!is_file(name))
        return;
    for (size_t i = 0; i < ARRAY_COUNT(suffixes); i++)
        check_file(arena_printf(arena, "%.*s%s", STR_ARG(name), suffixes[i]).data, is_secret && !is_database, place);
}
