/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/redis_words.h"

#include "base/str.h"

#include "unit.h"

#include <stdio.h>
#include <string.h>

static void expect_words(const char *command, const char *expected)
{
    struct redis_words words;
    char text[1000] = "";

    EXPECT(redis_words_split(command, &words));
    for (size_t i = 0; i < words.count; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "[%.*s]", (int) words.lengths[i], words.items[i]);
    EXPECT_TEXT(text, expected);
    redis_words_free(&words);
}

TEST(a_command_is_words)
{
    expect_words("GET key", "[GET][key]");
    expect_words("  HGET\thash  key ", "[HGET][hash][key]");
    expect_words("GET a\\ b\\\\c\\\td", "[GET][a b\\c\td]");
    expect_words("GET a\\", "[GET][a\\]");
}

TEST(what_is_no_command_is_refused)
{
    char many[100] = "";
    const char *const rows[] = { "", "  \t", many };

    for (size_t i = 0; i < REDIS_WORDS_MAX + 1; i++) {
        many[2 * i] = 'x';
        many[2 * i + 1] = ' ';
    }
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct redis_words words;

        EXPECT_FALSE(redis_words_split(rows[i], &words));
        redis_words_free(&words);
    }
}

/* Whatever a key has in it, it stays one word, unchanged. */
TEST(a_key_stays_in_its_word)
{
    char key[256];
    char command[600] = "GET alias:";
    struct redis_words words;
    size_t at = strlen(command);

    for (size_t i = 1; i < sizeof(key); i++)
        key[i - 1] = (char) i;
    at += redis_words_quote(key, sizeof(key) - 1, command + at);
    command[at] = '\0';
    EXPECT(redis_words_split(command, &words));
    EXPECT_UINT(words.count, 2);
    EXPECT_UINT(words.lengths[1], 6 + sizeof(key) - 1);
    EXPECT(memcmp(words.items[1] + 6, key, sizeof(key) - 1) == 0);
    redis_words_free(&words);
}
