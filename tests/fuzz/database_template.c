/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates of databases' tables and keys from the network: the first line is the template, the rest the key. Whatever
 * a key is, it stays between the quotes that the template has around it, and within its word of a command.
 */
#include "table/database_template.h"

#include "base/check.h"
#include "drivers/redis_words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool quote_sql(void *context, struct str part, struct strbuf *text)
{
    (void) context;
    for (size_t i = 0; i < part.len; i++) {
        if (part.data[i] == '\'' && !strbuf_append_char(text, '\''))
            return false;
        if (!strbuf_append_char(text, part.data[i]))
            return false;
    }
    return true;
}

static bool quote_word(void *context, struct str part, struct strbuf *text)
{
    struct arena *arena = context;
    char *quoted = arena_alloc(arena, 2 * part.len + 1);

    return strbuf_append(text, str_make(quoted, redis_words_quote(part.data, part.len, quoted)));
}

static void check_template(struct str template, struct str key, struct arena *arena)
{
    struct str text;

    if (!database_template_is_valid(template))
        return;
    if (database_template_query(template, key, NULL, NULL, arena, &text) == DATABASE_TEXT_MADE)
        CHECK(database_template_suits(template, key));
    (void) database_template_result(template, key, key, arena, &text);
}

static void check_quotes(struct str key, struct arena *arena)
{
    struct str text;

    if (database_template_query(STR("'%s'"), key, quote_sql, NULL, arena, &text) == DATABASE_TEXT_MADE)
        CHECK(str_count_char(text, '\'') == 2 + 2 * str_count_char(key, '\''));
}

static void check_words(struct str key, struct arena *arena)
{
    struct redis_words words;
    struct str text;

    if (str_contains_char(key, '\0') ||
        database_template_query(STR("GET a:%s"), key, quote_word, arena, arena, &text) != DATABASE_TEXT_MADE)
        return;
    CHECK(redis_words_split(arena_c(arena, text), &words));
    CHECK(words.count == 2 && words.lengths[1] == key.len + 2);
    redis_words_free(&words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_create();
    struct str all = str_make((const char *) data, size);
    struct str template;
    struct str key;

    (void) str_cut(all, '\n', &template, &key);
    check_template(template, key, arena);
    check_quotes(key, arena);
    check_words(key, arena);
    arena_destroy(&arena);
    return 0;
}
