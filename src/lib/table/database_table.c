/* SPDX-License-Identifier: Apache-2.0 */
#include "table/database_table.h"

#include "base/memory.h"
#include "base/strbuf.h"
#include "config/main_cf.h"
#include "table/database_server.h"
#include "table/database_settings.h"
#include "table/database_template.h"
#include "table/match_list.h"
#include "table/table_type.h"

#include <string.h>

enum { VALUE_MAX = 4 * 1024 * 1024, IDLE_SECONDS = 60, RETRY_SECONDS = 60 };

struct database_type {
    struct table_type type;
    const struct merpati_driver *driver;
};

struct database_table {
    const struct merpati_driver *driver;
    void *state; /* the driver's */
    struct str templates[MERPATI_DRIVER_TEMPLATES];
    size_t template_count;
    struct str result_format;
    unsigned expansion_limit; /* 0: none */
    struct match_list *domains;
    struct database_server *server;
};

/* One question; a thread's while it is asked. */
struct question {
    struct database_call call;
    const struct database_table *table;
    struct arena *arena;
    struct str key;
    struct strbuf value;
    unsigned count;
    bool is_suppressed;   /* after all: the driver cannot say such a key */
    bool is_over_limit;   /* more values than expansion_limit */
    bool is_too_long;     /* a query or a value */
    void *connection;     /* while a query is made */
    unsigned template_at; /* and of which template */
};

static const char *const common_names[] = { "domain",        "result_format",  "expansion_limit",
                                            "idle_interval", "retry_interval", NULL };

/* --- opening --- */

static void append_text(void *context, const char *text, size_t len)
{
    (void) strbuf_append_bytes(context, text, len);
}

static bool find_template(const struct merpati_driver *driver, struct database_settings *settings, unsigned index,
                          struct arena *arena, struct str *text_out, struct failure *why)
{
    const struct merpati_driver_settings *public = database_settings_public(settings);
    const char *given = database_settings_get(settings, driver->templates[index]);
    char reason[200] = "";
    struct strbuf composed;
    bool is_good = true;

    strbuf_init(&composed, VALUE_MAX);
    if (given != NULL)
        append_text(&composed, given, strlen(given));
    else if (driver->compose != NULL)
        is_good = driver->compose(public, index, append_text, &composed,
                                  (struct merpati_table_text){ reason, sizeof(reason) });
    *text_out = arena_str(arena, strbuf_str(&composed));
    strbuf_done(&composed);
    if (!is_good)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "%s: %s", public->origin, reason);
    if (given == NULL && driver->compose == NULL)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "%s: \"%s\" is missing", public->origin,
                           driver->templates[index]);
    if (!database_template_is_valid(*text_out))
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "%s: invalid %s template: %.*s: behind \"%%\" comes one of %%sudSUD123456789",
                           public->origin, driver->templates[index], STR_ARG(*text_out));
    return true;
}

static bool has_name(const struct merpati_driver *driver, const char *name)
{
    for (const char *const *known = driver->names; *known != NULL; known++) {
        if (strcmp(*known, name) == 0)
            return true;
    }
    return false;
}

/* ldap: has an older name for it, and there an empty one is as none. */
static struct str find_format(const struct merpati_driver *driver, struct database_settings *settings)
{
    const char *format = database_settings_get(settings, "result_format");

    if (has_name(driver, "result_filter")) {
        if (format == NULL)
            format = database_settings_get(settings, "result_filter");
        if (format != NULL && format[0] == '\0')
            format = NULL;
    }
    return format == NULL ? STR("%s") : str_from_c(format);
}

static bool read_templates(struct database_table *it, struct database_settings *settings, struct arena *arena,
                           struct failure *why)
{
    struct str format;

    for (unsigned i = 0; i < MERPATI_DRIVER_TEMPLATES && it->driver->templates[i] != NULL; i++) {
        if (!find_template(it->driver, settings, i, arena, &it->templates[i], why))
            return false;
        it->template_count++;
    }
    format = find_format(it->driver, settings);
    if (str_is_empty(format))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "%s: result_format is empty",
                           database_settings_public(settings)->origin);
    if (!database_template_is_valid(format))
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "%s: invalid result_format template: %.*s: behind \"%%\" comes one of %%sudSUD123456789",
                           database_settings_public(settings)->origin, STR_ARG(format));
    it->result_format = format;
    return true;
}

static void read_domains(struct table *table, struct database_table *it, struct database_settings *settings)
{
    const char *domain = database_settings_get(settings, "domain");

    if (domain != NULL && domain[0] != '\0')
        it->domains = match_list_open(table->set, str_from_c(database_settings_public(settings)->origin),
                                      str_from_c(domain), MATCH_STRINGS, false);
}

static struct strlist hosts_of(const struct merpati_driver *driver, struct database_settings *settings,
                               struct arena *arena)
{
    struct strlist hosts = { 0 };
    const char *text;

    if (driver->hosts_name != NULL) {
        text = database_settings_get(settings, driver->hosts_name);
        hosts = main_cf_words(str_from_c(text == NULL ? driver->hosts_default : text), arena);
    }
    if (hosts.count == 0)
        strlist_add(&hosts, arena, STR_EMPTY);
    return hosts;
}

/* What tables that share connections agree on. */
static struct str connection_key(const struct merpati_driver *driver, struct database_settings *settings,
                                 const struct strlist *hosts, struct arena *arena)
{
    struct strbuf key;
    struct str text;

    strbuf_init(&key, VALUE_MAX);
    for (size_t i = 0; i < hosts->count; i++) {
        (void) strbuf_append(&key, hosts->items[i]);
        (void) strbuf_append_char(&key, '\n');
    }
    for (const char *const *name = driver->connection_names; *name != NULL; name++) {
        const char *value = database_settings_get(settings, *name);

        (void) strbuf_printf(&key, "%s\n%s", *name, value == NULL ? "" : "=");
        (void) strbuf_append_c(&key, value == NULL ? "" : value);
        (void) strbuf_append_char(&key, '\n');
    }
    text = arena_str(arena, strbuf_str(&key));
    strbuf_done(&key);
    return text;
}

static void warn_unknown(const struct merpati_driver *driver, struct database_settings *settings)
{
    const char *const hosts[] = { driver->hosts_name, NULL };
    const char *const *const lists[] = { common_names, driver->names, driver->templates, hosts };

    database_settings_warn_unknown(settings, lists, ARRAY_COUNT(lists));
}

static bool open_driver(struct database_table *it, struct database_settings *settings, struct failure *why)
{
    char reason[400] = "";

    it->state =
        it->driver->open(database_settings_public(settings), (struct merpati_table_text){ reason, sizeof(reason) });
    if (it->state == NULL)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "%s: %s", database_settings_public(settings)->origin, reason);
    return true;
}

static bool find_server(struct table *table, struct database_table *it, struct database_settings *settings,
                        struct failure *why)
{
    struct arena *arena = table_set_arena(table->set);
    struct strlist hosts = hosts_of(it->driver, settings, arena);
    unsigned idle;
    unsigned retry;

    if (!database_settings_number(settings, "idle_interval", IDLE_SECONDS, &idle, why) ||
        !database_settings_number(settings, "retry_interval", RETRY_SECONDS, &retry, why))
        return false;
    it->server = database_server_find(table_set_databases(table->set), table->set,
                                      &(struct database_server_options){
                                          .driver = it->driver,
                                          .type = table->type->name,
                                          .table = it->state,
                                          .hosts = &hosts,
                                          .idle_time = seconds(idle),
                                          .longest_pause = seconds(retry),
                                      },
                                      connection_key(it->driver, settings, &hosts, arena));
    return true;
}

static bool open_table(struct table *table, struct str argument, struct failure *why)
{
    struct arena *arena = table_set_arena(table->set);
    struct database_table *it = arena_new(arena, struct database_table);
    struct database_settings *settings;

    it->driver = CONTAINER_OF(table->type, struct database_type, type)->driver;
    if (!database_settings_read(table->set, argument, &settings, why) || !read_templates(it, settings, arena, why) ||
        !database_settings_number(settings, "expansion_limit", 0, &it->expansion_limit, why) ||
        !open_driver(it, settings, why))
        return false;
    warn_unknown(it->driver, settings);
    read_domains(table, it, settings);
    if (!find_server(table, it, settings, why)) {
        it->driver->close(it->state);
        return false;
    }
    table->state = it;
    return true;
}

static void close_table(struct table *table)
{
    const struct database_table *it = table->state;

    it->driver->close(it->state);
}

/* --- asking, in a thread --- */

static void put_quoted(void *context, const char *text, size_t len)
{
    (void) strbuf_append_bytes(context, text, len);
}

static bool quote(void *context, struct str part, struct strbuf *text)
{
    const struct question *question = context;

    return question->table->driver->quote(question->connection, question->template_at, part.data, part.len, put_quoted,
                                          text);
}

/* An empty template stays empty: a driver knows what that means. */
static bool make_texts(struct question *question, const char *texts[MERPATI_DRIVER_TEMPLATES])
{
    const struct database_table *table = question->table;

    for (unsigned i = 0; i < table->template_count; i++) {
        struct str text;
        enum database_text result;

        question->template_at = i;
        result = database_template_query(table->templates[i], question->key, quote, question, question->arena, &text);
        question->is_too_long = result == DATABASE_TEXT_TOO_LONG;
        question->is_suppressed = result == DATABASE_TEXT_SUPPRESSED;
        if (result != DATABASE_TEXT_MADE)
            return false;
        texts[i] = arena_c(question->arena, text);
    }
    return true;
}

/* A value ends at a NUL: no address, path or host has one, and everybody else reads it like that. */
static void add_value(void *context, const char *data, size_t len)
{
    struct question *question = context;
    unsigned limit = question->table->expansion_limit;
    struct str value = str_make(data, strnlen(data, len));
    struct str text;

    if (question->is_over_limit || question->is_too_long || str_is_empty(value) ||
        database_template_result(question->table->result_format, question->key, value, question->arena, &text) !=
            DATABASE_TEXT_MADE)
        return;
    question->count++;
    question->is_over_limit = limit > 0 && question->count > limit;
    if ((question->count > 1 && !strbuf_append_char(&question->value, ',')) || !strbuf_append(&question->value, text))
        question->is_too_long = true;
}

static bool wants_more(void *context)
{
    const struct question *question = context;

    return !question->is_over_limit && !question->is_too_long;
}

static void restart(void *context)
{
    struct question *question = context;

    strbuf_clear(&question->value);
    question->count = 0;
    question->is_over_limit = false;
    question->is_too_long = false;
}

static enum merpati_driver_result ask(struct database_call *call, void *connection, struct merpati_table_text why)
{
    struct question *question = CONTAINER_OF(call, struct question, call);
    const struct merpati_driver_values values = { add_value, wants_more, restart, question };
    const char *texts[MERPATI_DRIVER_TEMPLATES] = { NULL };

    /* It may be the second time: the first connection was lost in the middle of an answer. */
    restart(question);
    question->connection = connection;
    if (!make_texts(question, texts))
        return MERPATI_DRIVER_DONE;
    return question->table->driver->ask(question->table->state, connection, texts, &values, why);
}

/* --- a lookup --- */

static void release(struct database_call *call)
{
    struct question *question = CONTAINER_OF(call, struct question, call);

    strbuf_done(&question->value);
    arena_destroy(&question->arena);
    memory_free(question);
}

static enum table_result unknown(const struct table *table, const char *text, struct failure *why)
{
    (void) failure_set(why, FAILURE_RETRY, 0, "table %.*s lookup error: %s", STR_ARG(table->name), text);
    return TABLE_UNKNOWN;
}

static enum table_result judge(const struct table *table, const struct question *question, struct arena *arena,
                               struct str *value_out, struct failure *why)
{
    if (question->call.result != MERPATI_DRIVER_DONE)
        return unknown(table, question->call.why, why);
    if (question->is_too_long)
        return unknown(table, "query or result too long", why);
    if (question->is_over_limit)
        return unknown(table, "expansion limit exceeded", why);
    if (question->is_suppressed || question->count == 0)
        return TABLE_ABSENT;
    *value_out = arena_str(arena, strbuf_str(&question->value));
    return TABLE_FOUND;
}

/* With domain: only addresses with a local part, in one of those domains. */
static enum table_result is_eligible(const struct database_table *it, struct str key, struct failure *why)
{
    size_t at = str_find_last_char(key, '@');

    for (size_t i = 0; i < it->template_count; i++) {
        if (!database_template_suits(it->templates[i], key))
            return TABLE_ABSENT;
    }
    if (!database_template_result_suits(it->result_format, key))
        return TABLE_ABSENT;
    if (it->domains == NULL)
        return TABLE_FOUND;
    if (at == STR_NOT_FOUND || at == 0)
        return TABLE_ABSENT;
    return match_list_has(it->domains, str_from(key, at + 1), why);
}

static enum table_result lookup(struct table *table, struct str key, struct arena *arena, struct str *value_out,
                                struct failure *why)
{
    const struct database_table *it = table->state;
    struct question *question;
    enum table_result result;

    /* The drivers take C texts; no address has a NUL. */
    if (str_contains_char(key, '\0'))
        return TABLE_ABSENT;
    result = is_eligible(it, key, why);
    if (result != TABLE_FOUND)
        return result;
    question = memory_alloc(sizeof(*question));
    *question = (struct question){ .call = { .ask = ask, .release = release }, .table = it };
    question->arena = arena_create();
    question->key = arena_str(question->arena, key);
    strbuf_init(&question->value, VALUE_MAX);
    if (!database_server_ask(it->server, &question->call, why)) {
        (void) failure_prefix(why, "table %.*s lookup error", STR_ARG(table->name));
        return TABLE_UNKNOWN;
    }
    result = judge(table, question, arena, value_out, why);
    release(&question->call);
    return result;
}

const struct table_type *database_table_type(const struct merpati_driver *driver, struct str name, struct arena *arena)
{
    struct database_type *type;

    if (memcmp(driver->magic, MERPATI_DRIVER_MAGIC, sizeof(MERPATI_DRIVER_MAGIC)) != 0 ||
        driver->version != MERPATI_DRIVER_VERSION)
        return NULL;
    type = arena_new(arena, struct database_type);
    type->driver = driver;
    type->type = (struct table_type){
        .name = arena_c(arena, name),
        .kind = TABLE_FIXED,
        .is_remote = (driver->flags & MERPATI_TABLE_IS_REMOTE) != 0,
        .open = open_table,
        .lookup = lookup,
        .close = close_table,
    };
    return &type->type;
}
