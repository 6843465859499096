/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DRIVERS_REDIS_WORDS_H
#define DRIVERS_REDIS_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * redis_words - a command as it stands in a table's file: words with blanks between; "\" takes the next character as it
 * is. A key is written so that it stays within its word, whatever is in it.
 */
enum { REDIS_WORDS_MAX = 32 };

struct redis_words {
    char *text; /* of all words */
    const char *items[REDIS_WORDS_MAX];
    size_t lengths[REDIS_WORDS_MAX];
    size_t count;
};

/* False: there are too many words, or none. Free with redis_words_free in any case. */
bool redis_words_split(const char *command, struct redis_words *words_out);
void redis_words_free(struct redis_words *words);

/* quoted has room for 2 * len bytes; returns how many it has. */
size_t redis_words_quote(const char *text, size_t len, char *quoted);

#endif
