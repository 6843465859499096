/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of regexp:, pcre: and cidr: tables as a name may hold them, and lists of patterns; the first line is the key.
 */

#include "table/match_list.h"
#include "table/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(struct table_set *set, struct arena *arena, const char *type, struct str rules, struct str key)
{
    struct str name = arena_printf(arena, "%s:{{%.*s}}", type, STR_ARG(rules));
    struct failure why;
    struct table *table;
    struct str value;

    if (table_open(set, name, TABLE_FOLD, &table, &why) &&
        table_lookup(table, key, arena, &value, &why) == TABLE_FOUND && value.len > 0)
        (void) str_find_char(value, '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct table_set_options options = { 0 };
    struct table_set *set = table_set_create(&options);
    struct arena *arena = arena_create();
    struct failure why;
    struct str key;
    struct str rules;

    (void) str_cut(str_make((const char *) data, size), '\n', &key, &rules);
    ask(set, arena, "regexp", rules, key);
    ask(set, arena, "pcre", rules, key);
    ask(set, arena, "cidr", rules, key);
    ask(set, arena, "inline", rules, key);
    /* Files are none of the fuzzer's business. */
    if (!str_contains_char(rules, '/') && !str_contains_char(rules, ':'))
        (void) !match_list_has(match_list_open(set, STR("list"), rules, MATCH_DOMAINS, true), key, &why);
    arena_destroy(&arena);
    table_set_destroy(&set);
    return 0;
}
