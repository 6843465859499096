/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unix: the system's users (passwd.byname) and groups (group.byname), in the form of their files. NSS may take its
 * time, so in a fiber it is asked on a thread.
 */
#include "base/memory.h"
#include "base/strbuf.h"
#include "os/user.h"
#include "run/fiber.h"
#include "run/offload.h"
#include "table/table_type.h"

enum { CALLS_AT_ONCE = 4, VALUE_MAX = 64 * 1024, TIMEOUT_SECONDS = 60 };

struct unix_table {
    bool is_group;
    struct offload *offload; /* NULL: ask at once */
};

/* All that the thread touches. */
struct question {
    struct arena *arena;
    struct str key;
    bool is_group;
    enum table_result result;
    struct str value;
    struct failure why;
};

/*
 * In a jail without /etc/passwd everybody is absent, and mail for users that exist would be refused. Root exists
 * everywhere, so where even root is absent the answer is not to be believed.
 */
static bool can_see_root(struct question *question)
{
    struct user_account user;
    struct user_group group;
    enum user_answer answer = question->is_group ? user_group_by_gid(question->arena, 0, &group, &question->why)
                                                 : user_by_uid(question->arena, 0, &user, &question->why);

    if (answer == USER_ABSENT)
        (void) failure_set(&question->why, FAILURE_CONFIGURATION, 0, "the system's user database cannot be read here");
    return answer == USER_FOUND;
}

static void ask_user(struct question *question)
{
    struct user_account user;

    switch (user_by_name(question->arena, question->key, &user, &question->why)) {
    case USER_FOUND:
        question->result = TABLE_FOUND;
        question->value = arena_printf(question->arena, "%.*s:x:%u:%u:%.*s:%.*s:%.*s", STR_ARG(user.name), user.uid,
                                       user.gid, STR_ARG(user.full_name), STR_ARG(user.home), STR_ARG(user.shell));
        return;
    case USER_ABSENT:
        question->result = can_see_root(question) ? TABLE_ABSENT : TABLE_UNKNOWN;
        return;
    case USER_UNKNOWN:
        question->result = TABLE_UNKNOWN;
        return;
    }
}

static void ask_group(struct question *question)
{
    struct user_group group;

    switch (user_group_by_name(question->arena, question->key, &group, &question->why)) {
    case USER_FOUND:
        question->result = TABLE_FOUND;
        question->value = arena_printf(question->arena, "%.*s:x:%u:", STR_ARG(group.name), group.gid);
        return;
    case USER_ABSENT:
        question->result = can_see_root(question) ? TABLE_ABSENT : TABLE_UNKNOWN;
        return;
    case USER_UNKNOWN:
        question->result = TABLE_UNKNOWN;
        return;
    }
}

static void ask(void *context)
{
    struct question *question = context;

    if (question->is_group)
        ask_group(question);
    else
        ask_user(question);
}

static void release(void *context)
{
    struct question *question = context;

    arena_destroy(&question->arena);
    memory_free(question);
}

static bool open_table(struct table *table, struct str argument, struct failure *why)
{
    struct unix_table *unix_table = arena_new(table_set_arena(table->set), struct unix_table);
    struct loop *loop = table_set_options(table->set)->loop;

    if (str_equal(argument, STR("group.byname")))
        unix_table->is_group = true;
    else if (!str_equal(argument, STR("passwd.byname")))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "unknown table: %.*s", STR_ARG(table->name));
    if (loop != NULL)
        unix_table->offload = offload_create(loop, "unix table", CALLS_AT_ONCE);
    table->state = unix_table;
    return true;
}

static void close_table(struct table *table)
{
    struct unix_table *unix_table = table->state;

    offload_destroy(&unix_table->offload);
}

static enum table_result lookup(struct table *table, struct str key, struct arena *arena, struct str *value_out,
                                struct failure *why)
{
    const struct unix_table *unix_table = table->state;
    struct question *question = memory_alloc(sizeof(*question));
    enum table_result result;

    question->arena = arena_create();
    question->key = arena_str(question->arena, key);
    question->is_group = unix_table->is_group;
    if (unix_table->offload == NULL || !fiber_is_running(table_set_options(table->set)->loop))
        ask(question);
    else if (!offload_run(unix_table->offload, ask, question, release, seconds(TIMEOUT_SECONDS), why))
        return TABLE_UNKNOWN;
    result = question->result;
    if (result == TABLE_FOUND)
        *value_out = arena_str(arena, question->value);
    else if (result == TABLE_UNKNOWN && why != NULL)
        *why = question->why;
    release(question);
    return result;
}

const struct table_type unix_table_type = {
    .name = "unix",
    .kind = TABLE_FIXED,
    .open = open_table,
    .lookup = lookup,
    .close = close_table,
};
