/* SPDX-License-Identifier: Apache-2.0 */
/* proxy: any other table, looked up by the proxymap service outside of the jail. */
#include "protocol/proxymap.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "table/table_list.h"
#include "table/table_type.h"

enum { CONNECT_SECONDS = 10, ANSWER_SECONDS = 110 };

struct proxy_table {
    struct str inner;
    struct loop *own_loop; /* in commands */
    struct loop *loop;
    struct endpoint *endpoint;
};

/* What the table behind would be, without opening it: one that has patterns in a part is PATTERN. */
static enum table_kind kind_of_name(struct table_set *set, struct str name)
{
    const struct table_type *type;
    struct str type_name;
    struct str rest;
    struct str word;

    if (!str_cut(name, ':', &type_name, &rest) || (type = table_set_type(set, type_name, NULL)) == NULL)
        return TABLE_FIXED;
    if (type == &debug_table_type)
        return kind_of_name(set, rest);
    if (type != &pipemap_table_type && type != &unionmap_table_type)
        return type->kind;
    if (rest.len < 2)
        return type->kind;
    rest = str_part(rest, 1, rest.len - 2);
    while (table_list_next_word(&rest, ", \t\r\n", &word)) {
        if (kind_of_name(set, word) == TABLE_PATTERN)
            return TABLE_PATTERN;
    }
    return TABLE_FIXED;
}

static bool open_table(struct table *table, struct str argument, struct failure *why)
{
    const struct table_set_options *options = table_set_options(table->set);
    struct proxy_table *proxy = arena_new(table_set_arena(table->set), struct proxy_table);
    const char *path = options->proxymap_path != NULL ? options->proxymap_path : "private/proxymap";
    struct str type_name;
    struct str rest;

    if (!str_cut(argument, ':', &type_name, &rest))
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "open dictionary: expecting \"type:name\" form instead of \"%.*s\"", STR_ARG(argument));
    table->kind = kind_of_name(table->set, argument);
    proxy->inner = argument;
    proxy->loop = options->loop;
    if (proxy->loop == NULL)
        proxy->loop = proxy->own_loop = loop_create();
    proxy->endpoint = endpoint_create(proxy->loop, path, &proxymap_protocol, seconds(CONNECT_SECONDS));
    table->state = proxy;
    return true;
}

static void close_table(struct table *table)
{
    struct proxy_table *proxy = table->state;

    endpoint_destroy(&proxy->endpoint);
    if (proxy->own_loop != NULL) {
        /* The channel's own fibers end. */
        loop_run(proxy->own_loop);
        loop_destroy(&proxy->own_loop);
    }
}

struct question {
    struct table *table;
    struct str key;
    struct arena *arena;
    enum table_result result;
    struct str value;
    struct failure why;
};

static void ask(void *context)
{
    struct question *question = context;
    struct table *table = question->table;
    struct proxy_table *proxy = table->state;
    struct proxymap_lookup request = { .table = proxy->inner, .flags = table->flags, .key = question->key };
    const struct proxymap_value *answer;
    void *reply;

    question->result = TABLE_UNKNOWN;
    if (!endpoint_ask(proxy->endpoint, &proxymap_lookup_message, &request, &proxymap_value_message, question->arena,
                      seconds(ANSWER_SECONDS), &reply, &question->why)) {
        (void) failure_prefix(&question->why, "%.*s", STR_ARG(table->name));
        return;
    }
    answer = reply;
    switch (answer->status) {
    case PROXYMAP_FOUND:
        question->result = TABLE_FOUND;
        question->value = answer->value;
        return;
    case PROXYMAP_ABSENT:
        question->result = TABLE_ABSENT;
        return;
    case PROXYMAP_DENIED:
        (void) failure_set(&question->why, FAILURE_CONFIGURATION, 0,
                           "proxymap service is not configured for table \"%.*s\"", STR_ARG(proxy->inner));
        return;
    default:
        (void) failure_set(&question->why, FAILURE_RETRY, 0, "%.*s: %.*s", STR_ARG(table->name),
                           STR_ARG(answer->reason));
        return;
    }
}

static enum table_result lookup(struct table *table, struct str key, struct arena *arena, struct str *value_out,
                                struct failure *why)
{
    const struct proxy_table *proxy = table->state;
    struct question question = { .table = table, .key = key, .arena = arena };

    if (fiber_is_running(proxy->loop))
        ask(&question);
    else
        fiber_run(proxy->loop, ask, &question);
    if (question.result == TABLE_FOUND)
        *value_out = question.value;
    else if (question.result == TABLE_UNKNOWN && why != NULL)
        *why = question.why;
    return question.result;
}

const struct table_type proxy_table_type = {
    .name = "proxy",
    .kind = TABLE_FIXED,
    .open = open_table,
    .lookup = lookup,
    .close = close_table,
};
