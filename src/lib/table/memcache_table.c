/* SPDX-License-Identifier: Apache-2.0 */
/* memcache: a memcached server, and perhaps a table behind it whose answers it keeps, as memcache_table(5). */
#include "table/database_settings.h"
#include "table/database_template.h"
#include "table/match_list.h"
#include "table/memcache_reply.h"
#include "table/remote.h"
#include "table/table_type.h"

struct memcache_table {
    struct remote *remote;
    struct str server; /* as it is written */
    struct str key_format;
    struct match_list *domains; /* NULL: all */
    struct table *backup;       /* NULL: none */
    struct memcache_limits limits;
    unsigned flags;
    unsigned ttl; /* seconds */
};

static const char *const names[] = { "memcache",   "backup",      "flags",           "ttl",
                                     "key_format", "domain",      "data_size_limit", "line_size_limit",
                                     "max_try",    "retry_pause", "timeout",         NULL };

static struct str text_of(struct database_settings *settings, const char *name, const char *fallback)
{
    const char *text = database_settings_get(settings, name);

    return str_from_c(text == NULL ? fallback : text);
}

static bool read_numbers(struct memcache_table *memcache, struct database_settings *settings,
                         struct remote_patience *patience, struct failure *why)
{
    unsigned data;
    unsigned line;
    unsigned pause;
    unsigned timeout;

    if (!database_settings_number(settings, "flags", 0, &memcache->flags, why) ||
        !database_settings_number(settings, "ttl", 3600, &memcache->ttl, why) ||
        !database_settings_number(settings, "data_size_limit", 10240, &data, why) ||
        !database_settings_number(settings, "line_size_limit", 1024, &line, why) ||
        !database_settings_number(settings, "max_try", 2, &patience->tries, why) ||
        !database_settings_number(settings, "retry_pause", 1, &pause, why) ||
        !database_settings_number(settings, "timeout", 2, &timeout, why))
        return false;
    if (data == 0 || line == 0 || patience->tries == 0 || timeout == 0)
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "%s: data_size_limit, line_size_limit, max_try and timeout are at least 1",
                           database_settings_public(settings)->origin);
    memcache->limits = (struct memcache_limits){ .line = line, .data = data };
    patience->pause = seconds(pause);
    patience->timeout = seconds(timeout);
    return true;
}

static bool read_place(struct memcache_table *memcache, struct remote_place *place, struct failure *why)
{
    struct str text = memcache->server;

    if (str_starts_with(text, STR("unix:"))) {
        *place = (struct remote_place){ .path = str_from(text, strlen("unix:")) };
        return true;
    }
    if (str_starts_with(text, STR("inet:")) && remote_place_parse(str_from(text, strlen("inet:")), place))
        return true;
    return failure_set(why, FAILURE_CONFIGURATION, 0, "memcache = %.*s: expected inet:host:port or unix:/path",
                       STR_ARG(text));
}

static bool open_backup(struct table *table, struct memcache_table *memcache, struct database_settings *settings,
                        struct failure *why)
{
    struct str name = text_of(settings, "backup", "");

    return str_is_empty(name) ||
           table_open(table->set, name, table->flags & (unsigned) ~TABLE_FOLD, &memcache->backup, why);
}

static bool open_table(struct table *table, struct str argument, struct failure *why)
{
    struct memcache_table *memcache = arena_new(table_set_arena(table->set), struct memcache_table);
    const char *const *const lists[] = { names };
    struct database_settings *settings;
    struct remote_patience patience;
    struct remote_place place;
    struct str domain;

    if (!database_settings_read(table->set, argument, &settings, why))
        return false;
    memcache->server = text_of(settings, "memcache", "inet:localhost:11211");
    memcache->key_format = text_of(settings, "key_format", "%s");
    if (!database_template_is_valid(memcache->key_format))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "%s: invalid key_format template: %.*s",
                           database_settings_public(settings)->origin, STR_ARG(memcache->key_format));
    if (!read_numbers(memcache, settings, &patience, why) || !read_place(memcache, &place, why) ||
        !open_backup(table, memcache, settings, why))
        return false;
    database_settings_warn_unknown(settings, lists, ARRAY_COUNT(lists));
    domain = text_of(settings, "domain", "");
    if (!str_is_empty(domain))
        memcache->domains = match_list_open(table->set, str_from_c(database_settings_public(settings)->origin), domain,
                                            MATCH_STRINGS, false);
    memcache->remote = remote_open(table, &place);
    remote_set_patience(memcache->remote, &patience);
    table->state = memcache;
    return true;
}

static void close_table(struct table *table)
{
    struct memcache_table *memcache = table->state;

    remote_close(&memcache->remote);
}

/* One exchange with the server. */
struct exchange {
    const struct memcache_table *table;
    struct arena *arena;
    struct str key;
    bool is_there;
    struct str value;
};

static bool read_value(struct remote_question *question, struct stream *stream, struct failure *why)
{
    struct exchange *exchange = question->context;

    return memcache_read_value(stream, exchange->key, &exchange->table->limits, exchange->arena, &exchange->is_there,
                               &exchange->value, why);
}

static bool read_stored(struct remote_question *question, struct stream *stream, struct failure *why)
{
    const struct exchange *exchange = question->context;

    return memcache_read_stored(stream, &exchange->table->limits, why);
}

static bool get(const struct memcache_table *memcache, struct exchange *exchange, struct failure *why)
{
    struct remote_question question = { .request = memcache_get_request(exchange->key, exchange->arena),
                                        .read = read_value,
                                        .context = exchange };

    return remote_ask(memcache->remote, &question, why);
}

/* A server that does not keep it is asked again the next time, and so is the table behind it. */
static void keep(const struct table *table, struct exchange *exchange, struct str value)
{
    const struct memcache_table *memcache = table->state;
    struct remote_question question = { .request = memcache_set_request(exchange->key, value, memcache->flags,
                                                                        memcache->ttl, exchange->arena),
                                        .read = read_stored,
                                        .context = exchange };
    struct failure why;

    if (!remote_ask(memcache->remote, &question, &why))
        table_set_warn(table->set, "%.*s: update: %s", STR_ARG(table->name), why.text);
}

/* Whether there can be anything: domain, key_format. */
static enum table_result find_key(const struct memcache_table *memcache, struct str key, struct arena *arena,
                                  struct str *key_out, struct failure *why)
{
    size_t at = str_find_last_char(key, '@');
    enum table_result result = TABLE_FOUND;

    if (memcache->domains != NULL && (at == STR_NOT_FOUND || at == 0))
        return TABLE_ABSENT;
    if (memcache->domains != NULL)
        result = match_list_has(memcache->domains, str_from(key, at + 1), why);
    if (result != TABLE_FOUND)
        return result;
    return database_template_query(memcache->key_format, key, NULL, NULL, arena, key_out) == DATABASE_TEXT_MADE
               ? TABLE_FOUND
               : TABLE_ABSENT;
}

static enum table_result ask_backup(const struct table *table, struct exchange *exchange, struct str key, bool may_keep,
                                    struct str *value_out, struct failure *why)
{
    const struct memcache_table *memcache = table->state;
    enum table_result result = table_lookup(memcache->backup, key, exchange->arena, value_out, why);

    if (result == TABLE_FOUND && may_keep)
        keep(table, exchange, *value_out);
    return result;
}

static enum table_result lookup(struct table *table, struct str key, struct arena *arena, struct str *value_out,
                                struct failure *why)
{
    const struct memcache_table *memcache = table->state;
    struct exchange exchange = { .table = memcache, .arena = arena };
    enum table_result result = find_key(memcache, key, arena, &exchange.key, why);
    bool is_key;
    struct failure trouble;

    if (result != TABLE_FOUND)
        return result;
    is_key = memcache_key_is_valid(exchange.key);
    if (is_key && !get(memcache, &exchange, &trouble)) {
        (void) failure_prefix(&trouble, "table %.*s lookup error", STR_ARG(table->name));
        if (memcache->backup == NULL) {
            *why = trouble;
            return TABLE_UNKNOWN;
        }
        table_set_warn(table->set, "%s", trouble.text);
        is_key = false;
    }
    if (exchange.is_there) {
        *value_out = exchange.value;
        return TABLE_FOUND;
    }
    if (memcache->backup == NULL)
        return TABLE_ABSENT;
    return ask_backup(table, &exchange, key, is_key, value_out, why);
}

const struct table_type memcache_table_type = {
    .name = "memcache",
    .kind = TABLE_FIXED,
    .is_remote = true,
    .is_unvouched = true,
    .open = open_table,
    .lookup = lookup,
    .close = close_table,
};
