/* SPDX-License-Identifier: Apache-2.0 */
#include "table/database_template.h"

#include "unit.h"

/* As SQL has it; "never" cannot stand in a query. */
static bool quote(void *context, struct str part, struct strbuf *text)
{
    (void) context;
    for (size_t i = 0; i < part.len; i++) {
        if (part.data[i] == '\'')
            strbuf_append_char(text, '\'');
        strbuf_append_char(text, part.data[i]);
    }
    return !str_equal(part, STR("never"));
}

TEST(a_query_has_parts_of_the_key)
{
    static const struct {
        const char *text, *key, *query; /* NULL: suppressed */
    } rows[] = {
        { "k='%s'", "user@example.com", "k='user@example.com'" },
        { "k='%s'", "o'neil", "k='o''neil'" },
        { "%u at %d", "o'neil@example.com", "o''neil at example.com" },
        { "%U at %D, %S", "user@example.com", "user at example.com, user@example.com" },
        { "%u", "user", "user" },
        { "%d", "user", NULL },
        { "%u", "@example.com", NULL },
        { "%d", "@example.com", "example.com" },
        { "%s", "@example.com", "@example.com" },
        { "%d", "user@", NULL },
        { "%u|%d", "a@b@example.com", "a@b|example.com" },
        { "%1-%2-%3", "user@mail.example.com", "com-example-mail" },
        { "%4", "user@mail.example.com", NULL },
        { "%1", "mail.example.com", NULL },
        { "%2", "user@a..com", NULL },
        { "100%% of %s", "x", "100% of x" },
        { "%s", "never", NULL },
        { "%s", "", NULL },
        { "constant", "", "constant" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct arena *arena = arena_create();
        struct str text = STR_EMPTY;
        enum database_text result =
            database_template_query(str_from_c(rows[i].text), str_from_c(rows[i].key), quote, NULL, arena, &text);

        EXPECT_INT(result, rows[i].query == NULL ? DATABASE_TEXT_SUPPRESSED : DATABASE_TEXT_MADE);
        if (rows[i].query != NULL)
            EXPECT_STR(text, str_from_c(rows[i].query));
        if (!str_equal(str_from_c(rows[i].key), STR("never")))
            EXPECT(database_template_suits(str_from_c(rows[i].text), str_from_c(rows[i].key)) ==
                   (rows[i].query != NULL));
        arena_destroy(&arena);
    }
}

TEST(a_result_has_parts_of_the_value_and_of_the_key)
{
    static const struct {
        const char *text, *key, *value, *result; /* NULL: skipped */
    } rows[] = {
        { "%s", "k", "value", "value" },
        { "%s", "k", "", NULL },
        { "smtp:[%s]", "k", "mx.example.com", "smtp:[mx.example.com]" },
        { "%u of %d", "k", "user@example.com", "user of example.com" },
        { "%u", "k", "@example.com", NULL },
        { "%d", "k", "user", NULL },
        { "%s %S %U %D %1", "user@example.com", "v", "v user@example.com user example.com com" },
        { "%D", "user", "v", NULL },
        { "%s 100%%", "k", "%s", "%s 100%" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct arena *arena = arena_create();
        struct str text = STR_EMPTY;
        enum database_text result = database_template_result(str_from_c(rows[i].text), str_from_c(rows[i].key),
                                                             str_from_c(rows[i].value), arena, &text);

        EXPECT_INT(result, rows[i].result == NULL ? DATABASE_TEXT_SUPPRESSED : DATABASE_TEXT_MADE);
        if (rows[i].result != NULL)
            EXPECT_STR(text, str_from_c(rows[i].result));
        arena_destroy(&arena);
    }
}

TEST(what_is_no_expansion_is_refused)
{
    EXPECT(database_template_is_valid(STR("")));
    EXPECT(database_template_is_valid(STR("%% %s %u %d %S %U %D %1 %9")));
    EXPECT(!database_template_is_valid(STR("%")));
    EXPECT(!database_template_is_valid(STR("50%, %s")));
    EXPECT(!database_template_is_valid(STR("%x")));
    EXPECT(!database_template_is_valid(STR("%0")));
    EXPECT(!database_template_is_valid(str_make("%\0", 2)));
}

TEST(a_key_cannot_make_a_query_without_bound)
{
    struct arena *arena = arena_create();
    struct strbuf text;
    struct str out;

    strbuf_init(&text, STRBUF_UNLIMITED);
    for (size_t i = 0; i < 300000; i++)
        strbuf_append_c(&text, "constant");
    EXPECT_INT(database_template_query(strbuf_str(&text), STR("k"), NULL, NULL, arena, &out), DATABASE_TEXT_TOO_LONG);
    strbuf_done(&text);
    arena_destroy(&arena);
}
