/* SPDX-License-Identifier: Apache-2.0 */
#include "postconf/databases.h"

#include "base/arena.h"
#include "base/strbuf.h"
#include "config/main_cf.h"
#include "log/log.h"
#include "os/file.h"
#include "table/table_list.h"

#include <string.h>
#include <sys/stat.h>

enum { FILE_MAX = 1024 * 1024, DEPTH_MAX = 10 };

#define SQL_NAMES                                                                                                      \
    "additional_conditions", "domain", "expansion_limit", "query", "result_filter", "result_format", "select_field",   \
        "table", "where_field"
#define SERVER_NAMES SQL_NAMES, "dbname", "hosts", "idle_interval", "password", "retry_interval", "timeout", "user"

static const char *const mysql_names[] = { SERVER_NAMES,   "charset",         "option_file",        "option_group",
                                           "tls_CAfile",   "tls_CApath",      "tls_cert_file",      "tls_ciphers",
                                           "tls_key_file", "tls_verify_cert", "require_result_set", NULL };
static const char *const pgsql_names[] = { SERVER_NAMES, "encoding", "select_function", NULL };
static const char *const sqlite_names[] = { SQL_NAMES, "dbpath", NULL };
static const char *const redis_names[] = { SERVER_NAMES,    "tls",          "tls_CAfile",      "tls_CApath",
                                           "tls_cert_file", "tls_key_file", "tls_verify_cert", NULL };
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

/* "proxy:pgsql:users": type and name. What only passes lookups on does not count. */
static const struct type *take_apart(struct str word, struct str *name_out)
{
    struct str type;

    while (str_starts_with(word, STR("proxy:")) || str_starts_with(word, STR("debug:")))
        word = str_from(word, strlen("proxy:"));
    return str_cut(word, ':', &type, name_out) ? find_type(type) : NULL;
}

/* ---- the tables of a value ---- */

static void warn(struct databases *databases, struct str text)
{
    if (!strlist_contains(&databases->warnings, text))
        strlist_add_view(&databases->warnings, databases->arena, text);
}

static bool has_name(const struct type *type, struct str name)
{
    for (const char *const *known = type->names; *known != NULL; known++)
        if (str_equal(name, str_from_c(*known)))
            return true;
    return false;
}

static void look_into(struct databases *databases, const struct type *type, struct str path)
{
    const struct str place = arena_printf(databases->arena, "%s:%.*s", type->name, STR_ARG(path));
    struct main_cf *file;
    struct strbuf text;
    struct failure why;

    strbuf_init(&text, FILE_MAX);
    if (!file_load(arena_c(databases->arena, path), &text, &why))
        warn(databases, arena_printf(databases->arena, "open \"%s\" configuration \"%.*s\": %s", type->name,
                                     STR_ARG(path), why.error != 0 ? strerror(why.error) : why.text));
    else if (!main_cf_parse(strbuf_str(&text), path, STR_EMPTY, databases->arena, &file, &why))
        warn(databases, arena_str(databases->arena, str_from_c(why.text)));
    else
        for (size_t i = 0; i < main_cf_count(file); i++)
            if (!has_name(type, main_cf_at(file, i)->name))
                warn(databases, arena_printf(databases->arena, "%.*s: unused parameter: %.*s=%.*s", STR_ARG(place),
                                             STR_ARG(main_cf_at(file, i)->name), STR_ARG(main_cf_at(file, i)->value)));
    strbuf_done(&text);
}

static void take_table(struct databases *databases, struct str word)
{
    struct str name;
    const struct type *type = take_apart(word, &name);
    struct str label;

    if (type == NULL || str_is_empty(name))
        return;
    label = arena_printf(databases->arena, "%s:%.*s", type->name, STR_ARG(name));
    if (strlist_contains(&databases->seen, label))
        return;
    strlist_add_view(&databases->seen, databases->arena, label);
    if (is_file(name)) {
        look_into(databases, type, name);
        return;
    }
    for (const char *const *suffix = type->names; *suffix != NULL; suffix++)
        strlist_add(&databases->names, databases->arena,
                    arena_printf(databases->arena, "%.*s_%s", STR_ARG(name), *suffix));
}

/* Where the brace at the beginning is closed; STR_NOT_FOUND if it is not. */
static size_t closing_brace(struct str word)
{
    size_t depth = 0;

    for (size_t i = 0; i < word.len; i++) {
        depth += word.data[i] == '{';
        if (word.data[i] == '}' && --depth == 0)
            return i;
    }
    return STR_NOT_FOUND;
}

/* "{...}" of a word, its inside; what is wrong with the braces is told. */
static struct str inside(struct databases *databases, struct str place, struct str braced)
{
    const size_t end = closing_brace(braced);

    if (end == STR_NOT_FOUND)
        warn(databases,
             arena_printf(databases->arena, "%.*s: missing '}' in \"%.*s\"", STR_ARG(place), STR_ARG(braced)));
    else if (end + 1 < braced.len)
        warn(databases, arena_printf(databases->arena, "%.*s: syntax error after '}' in \"%.*s\"", STR_ARG(place),
                                     STR_ARG(braced)));
    return str_part(braced, 1, (end == STR_NOT_FOUND ? braced.len : end) - 1);
}

/* Words as lists have them: "{ ... }" belongs to its word, which may go on behind it. */
static bool next_word(struct str *rest, struct str *word_out)
{
    size_t depth = 0;
    size_t i = 0;

    while (i < rest->len && strchr(", \t\r\n", rest->data[i]) != NULL)
        i++;
    *rest = str_from(*rest, i);
    for (i = 0; i < rest->len; i++) {
        if (rest->data[i] == '{')
            depth++;
        else if (rest->data[i] == '}' && depth > 0)
            depth--;
        else if (depth == 0 && strchr(", \t\r\n", rest->data[i]) != NULL)
            break;
    }
    *word_out = str_part(*rest, 0, i);
    *rest = str_from(*rest, i);
    return word_out->len > 0;
}

static void scan(struct databases *databases, struct str place, struct str value, int depth)
{
    struct str word;

    while (next_word(&value, &word)) {
        const size_t brace = str_find_char(word, '{');
        struct str before = brace != STR_NOT_FOUND ? str_part(word, 0, brace) : word;
        struct str content;
        bool holds_tables;

        if (brace == STR_NOT_FOUND || (brace > 0 && word.data[brace - 1] != ':')) {
            take_table(databases, word);
            continue;
        }
        content = inside(databases, place, str_from(word, brace));
        /* inline:, pcre: and their like hold something else than tables. */
        holds_tables = before.len == 0 || str_ends_with(before, STR("pipemap:")) ||
                       str_ends_with(before, STR("unionmap:")) || str_ends_with(before, STR("randmap:")) ||
                       closing_brace(str_from(word, brace)) == STR_NOT_FOUND;
        if (holds_tables && depth < DEPTH_MAX)
            scan(databases, place, content, depth + 1);
    }
}

void databases_scan(struct databases *databases, struct str place, struct str value)
{
    scan(databases, place, value, 0);
}

/* ---- passwords ---- */

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
