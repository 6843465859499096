/* SPDX-License-Identifier: Apache-2.0 */
#include "postscreen/access.h"

#include "postscreen/log_lines.h"
#include "table/table_list.h"

#define SEPARATORS ", \t\r\n"

void access_list_open(struct access_list *list, struct table_set *tables, struct str value, struct str mynetworks,
                      bool parents_match, struct arena *arena)
{
    struct str word;

    list->rules = arena_new_array(arena, value.len + 1, struct access_rule);
    list->count = 0;
    while (table_list_next_word(&value, SEPARATORS, &word)) {
        struct access_rule *rule = &list->rules[list->count];

        rule->name = arena_str(arena, word);
        if (str_equal_nocase(word, STR("permit_mynetworks"))) {
            rule->networks = match_list_open(tables, STR("mynetworks"), mynetworks, MATCH_HOSTS, parents_match);
        } else if (str_contains_char(word, ':')) {
            rule->table = table_open_or_defer(tables, word, TABLE_FOLD);
        } else if (!str_equal_nocase(word, STR("permit")) && !str_equal_nocase(word, STR("reject")) &&
                   !str_equal_nocase(word, STR("dunno"))) {
            log_unknown_access(STR("postscreen_access_list"), word);
            return;
        }
        list->count++;
    }
}

/* What a word says; false: it is none. */
static bool take_word(struct str word, enum access_verdict *verdict_out)
{
    if (str_equal_nocase(word, STR("permit")))
        *verdict_out = ACCESS_PERMIT;
    else if (str_equal_nocase(word, STR("reject")))
        *verdict_out = ACCESS_REJECT;
    else if (str_equal_nocase(word, STR("dunno")))
        *verdict_out = ACCESS_UNDECIDED;
    else
        return false;
    return true;
}

/* False: the search is over. */
static bool ask_rule(const struct access_rule *rule, struct str address, struct arena *arena,
                     enum access_verdict *verdict_out)
{
    struct failure why;
    enum table_result result;
    struct str value = rule->name;

    if (rule->networks != NULL)
        result = match_list_has_host(rule->networks, STR("unknown"), address, &why);
    else if (rule->table != NULL)
        result = table_lookup(rule->table, address, arena, &value, &why);
    else
        result = TABLE_FOUND;
    if (result == TABLE_ABSENT)
        return true;
    if (result == TABLE_UNKNOWN) {
        log_access_trouble(rule->name, why.text);
        return false;
    }
    if (rule->networks != NULL)
        value = STR("permit");
    if (!take_word(value, verdict_out)) {
        log_unknown_access(rule->name, value);
        return false;
    }
    return *verdict_out == ACCESS_UNDECIDED;
}

enum access_verdict access_list_judge(const struct access_list *list, struct str address, struct arena *arena)
{
    enum access_verdict verdict = ACCESS_UNDECIDED;

    for (size_t i = 0; i < list->count; i++) {
        if (!ask_rule(&list->rules[i], address, arena, &verdict))
            break;
    }
    return verdict;
}
