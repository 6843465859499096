/* SPDX-License-Identifier: Apache-2.0 */
#include "table/module_table.h"

#include "base/compiler.h"
#include "base/memory.h"
#include "run/fiber.h"
#include "run/offload.h"
#include "table/table_type.h"

#include <string.h>

enum { WHY_SIZE = 400, TIMEOUT_SECONDS = 100, VALUE_MAX = 4 * 1024 * 1024 };

struct module_type {
    struct table_type type;
    const struct merpati_table_module *module;
};

struct module_table {
    const struct merpati_table_module *module;
    void *table;
    struct offload *offload; /* NULL: asked at once */
    bool is_lost;            /* a thread has not come back, and may use all this yet */
};

/* All that a thread touches. */
struct question {
    const struct module_table *table;
    struct arena *arena;
    struct str key;
    enum merpati_table_result result;
    struct str value;
    bool has_value;
    char why[WHY_SIZE];
};

static bool open_table(struct table *table, struct str argument, struct failure *why)
{
    const struct module_type *type = CONTAINER_OF(table->type, struct module_type, type);
    struct arena *arena = table_set_arena(table->set);
    struct loop *loop = table_set_options(table->set)->loop;
    struct module_table *it;
    char text[WHY_SIZE] = "";
    void *opened;

    opened = type->module->open(arena_c(arena, argument), (struct merpati_table_text){ text, sizeof(text) });
    text[sizeof(text) - 1] = '\0';
    if (opened == NULL)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "open database %.*s: %s", STR_ARG(table->name), text);
    it = memory_alloc(sizeof(*it));
    it->module = type->module;
    it->table = opened;
    /* One at a time: a module need not know of threads. */
    if (loop != NULL && (type->module->flags & MERPATI_TABLE_BLOCKS) != 0)
        it->offload = offload_create(loop, arena_c(arena, table->name), 1);
    table->state = it;
    return true;
}

static void close_table(struct table *table)
{
    struct module_table *it = table->state;

    offload_destroy(&it->offload);
    if (it->is_lost)
        return;
    it->module->close(it->table);
    memory_free(it);
}

static void put(void *context, const char *value, size_t len)
{
    struct question *question = context;

    question->has_value = len <= VALUE_MAX;
    if (question->has_value)
        question->value = arena_str(question->arena, str_make(value, len));
}

static void ask(void *context)
{
    struct question *question = context;

    question->result =
        question->table->module->lookup(question->table->table, question->key.data, question->key.len, put, question,
                                        (struct merpati_table_text){ question->why, sizeof(question->why) });
    question->why[WHY_SIZE - 1] = '\0';
}

static void release(void *context)
{
    struct question *question = context;

    arena_destroy(&question->arena);
    memory_free(question);
}

static enum table_result judge(const struct table *table, const struct question *question, struct arena *arena,
                               struct str *value_out, struct failure *why)
{
    if (question->result == MERPATI_TABLE_ABSENT)
        return TABLE_ABSENT;
    if (question->result == MERPATI_TABLE_FOUND && question->has_value) {
        *value_out = arena_str(arena, question->value);
        return TABLE_FOUND;
    }
    (void) failure_set(why, FAILURE_RETRY, 0, "table %.*s lookup error: %s", STR_ARG(table->name), question->why);
    return TABLE_UNKNOWN;
}

static enum table_result lose(struct module_table *it)
{
    it->is_lost = true;
    return TABLE_UNKNOWN;
}

static enum table_result lookup(struct table *table, struct str key, struct arena *arena, struct str *value_out,
                                struct failure *why)
{
    struct module_table *it = table->state;
    struct question *question = memory_alloc(sizeof(*question));
    enum table_result result;

    question->table = it;
    question->arena = arena_create();
    question->key = arena_str(question->arena, key);
    if (it->offload == NULL || !fiber_is_running(table_set_options(table->set)->loop))
        ask(question);
    else if (!offload_run(it->offload, ask, question, release, seconds(TIMEOUT_SECONDS), why))
        return lose(it);
    result = judge(table, question, arena, value_out, why);
    release(question);
    return result;
}

const struct table_type *module_table_type(const struct merpati_table_module *module, struct str name,
                                           struct arena *arena)
{
    struct module_type *type;

    if (memcmp(module->magic, MERPATI_TABLE_MAGIC, sizeof(MERPATI_TABLE_MAGIC)) != 0 ||
        module->version != MERPATI_TABLE_VERSION)
        return NULL;
    type = arena_new(arena, struct module_type);
    type->module = module;
    type->type = (struct table_type){
        .name = arena_c(arena, name),
        .kind = (module->flags & MERPATI_TABLE_HAS_PATTERNS) != 0 ? TABLE_PATTERN : TABLE_FIXED,
        .is_remote = (module->flags & MERPATI_TABLE_IS_REMOTE) != 0,
        .open = open_table,
        .lookup = lookup,
        .close = close_table,
    };
    return &type->type;
}
