/* SPDX-License-Identifier: Apache-2.0 */
/* Long tables of patterns, where most rules are passed over: what is found must be what each rule in its turn finds. */
#include "table/table.h"

#include "unit.h"

/* So many that pairs are looked for; half of them begin alike. */
static const char rules[] =
    "pcre:{{/^Subject: .*offer1/ one} {/^Subject: .*offer2/ two} {/^subject: .*offer3/i exact} {!/: / none} "
    "{if /^X-If/} {/one/ if one} {!/two|three/ neither} {/^x-if: (t.)o/ if $1o} {endif} "
    "{if !/^X-/} {/^To: .*list4/ four} {/^(To|Cc): .*list5/ five} {/[0-9]{3}/ digits} {endif} "
    "{/^\\S+: -(?!no)/ dash} {/last word$/ last} {/^x-.*\\bcase/ any case} {/^$/ empty} "
    "{/^Zz/ z} {/^Yy/ y} {/^[A-C]bc/ class} {/(?i)FLAG/ flag}}";

struct row {
    const char *key;
    const char *value; /* NULL: absent */
};

TEST(rules_that_are_passed_over_would_not_have_matched)
{
    static const struct row rows[] = {
        { "Subject: an offer1 here", "one" },
        { "SUBJECT: AN OFFER2 HERE", "two" },
        { "Subject: an offer3 here", NULL },
        { "subject: an offer3 here", "exact" },
        { "Subject: nothing", NULL },
        { "Ab x", "none" },
        { "X-If: one", "if one" },
        { "X-If: two e", "if two" },
        { "X-If: three e", NULL },
        { "X-If: four e", "neither" },
        { "To: me, list4", "four" },
        { "cc: the list5", "five" },
        { "Cc: here 123", "digits" },
        { "X-Else: here 123", NULL },
        { "X-Else: -yes", "dash" },
        { "X-Else: -no", NULL },
        { "X-Else: the last word", "last" },
        { "X-Else: the last word.", NULL },
        { "X-Upper: any CASE", "any case" },
        { "X-Lower: uncase", NULL },
        { "Zze: ", "z" },
        { "yye: ", "y" },
        { "bbce: ", "class" },
        { "the: flag", "flag" },
        { "x-e: ", NULL },
    };
    const struct table_set_options options = { .warn = NULL };
    struct table_set *set = table_set_create(&options);
    struct arena *arena = arena_create();
    struct table *table;
    struct failure why;

    assert_true(table_open(set, str_from_c(rules), 0, &table, &why));
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str value = STR("(absent)");
        enum table_result result = table_lookup(table, str_from_c(rows[i].key), arena, &value, &why);

        EXPECT_INT(result, rows[i].value == NULL ? TABLE_ABSENT : TABLE_FOUND);
        EXPECT_TEXT(
            arena_printf(arena, "%s: %.*s", rows[i].key, STR_ARG(value)).data,
            arena_printf(arena, "%s: %s", rows[i].key, rows[i].value == NULL ? "(absent)" : rows[i].value).data);
    }
    table_set_destroy(&set);
    arena_destroy(&arena);
}
