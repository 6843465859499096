/* SPDX-License-Identifier: Apache-2.0 */
#include "config/known_parameters.h"
#include "config/main_cf.h"
#include "config/moot_parameters.h"
#include "config/registry.h"

#include "unit.h"

#include <stdio.h>

static void expect_same(const struct setting *a, const struct setting *b)
{
    /* One program may want the list that another takes as a text. */
    if (strcmp(a->default_text, b->default_text) != 0)
        fprintf(stderr, "%s is in two tables and not the same\n", a->name);
    EXPECT_TEXT(a->default_text, b->default_text);
}

TEST(a_parameter_in_two_tables_is_the_same_in_both)
{
    size_t i;
    size_t j;

    for (i = 0; registry_tables[i] != NULL; i++)
        for (j = 0; j < registry_tables[i]->count; j++)
            expect_same(&registry_tables[i]->rows[j], registry_find(str_from_c(registry_tables[i]->rows[j].name)));
}

TEST(a_row_has_the_default_that_is_known)
{
    size_t i;
    size_t j;

    for (i = 0; registry_tables[i] != NULL; i++) {
        for (j = 0; j < registry_tables[i]->count; j++) {
            const struct setting *row = &registry_tables[i]->rows[j];
            const struct known_parameter *known = known_parameter_find(str_from_c(row->name));

            if (known == NULL || known->default_text == NULL)
                continue;
            if (strcmp(row->default_text, known->default_text) != 0)
                fprintf(stderr, "%s of %s:\n", row->name, registry_tables[i]->owner);
            EXPECT_TEXT(row->default_text, known->default_text);
        }
    }
}

TEST(what_has_nothing_to_do_here_has_no_row)
{
    for (size_t i = 0; i < moot_parameter_count(); i++)
        EXPECT(registry_find(str_from_c(moot_parameter_at(i)->name)) == NULL);
}

TEST(a_row_has_a_sentence)
{
    size_t i;
    size_t j;

    for (i = 0; registry_tables[i] != NULL; i++) {
        for (j = 0; j < registry_tables[i]->count; j++) {
            struct str purpose = str_from_c(registry_tables[i]->rows[j].purpose);

            EXPECT(purpose.len > 10);
            EXPECT(str_ends_with(purpose, STR(".")));
        }
    }
}

TEST(an_empty_main_cf_satisfies_every_table)
{
    struct arena *arena = arena_create();
    struct main_cf *cf;
    struct failure why;
    size_t i;

    EXPECT(main_cf_parse(STR("myhostname = a.example\nmynetworks = 127.0.0.1\n"), STR("main.cf"), STR("/etc/x"), arena,
                         &cf, &why));
    for (i = 0; registry_tables[i] != NULL; i++)
        settings_announce(registry_tables[i], cf);
    for (i = 0; registry_tables[i] != NULL; i++) {
        void *loaded;

        why.text[0] = '\0';
        EXPECT(settings_load(registry_tables[i], cf, STR("relay"), arena, &loaded, &why));
        EXPECT_TEXT(why.text, "");
    }
    arena_destroy(&arena);
}
