/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/redis_words.h"

#include "base/memory.h"
#include "base/str.h"

#include <string.h>

bool redis_words_split(const char *command, struct redis_words *words_out)
{
    const char *from = command;
    char *to;

    *words_out = (struct redis_words){ .text = memory_alloc(strlen(command) + 1) };
    to = words_out->text;
    for (;;) {
        char *start = to;

        while (char_is_space(*from))
            from++;
        if (*from == '\0')
            return words_out->count > 0;
        if (words_out->count == REDIS_WORDS_MAX)
            return false;
        while (*from != '\0' && !char_is_space(*from)) {
            if (*from == '\\' && from[1] != '\0')
                from++;
            *to++ = *from++;
        }
        words_out->items[words_out->count] = start;
        words_out->lengths[words_out->count++] = (size_t) (to - start);
    }
}

void redis_words_free(struct redis_words *words)
{
    memory_free(words->text);
}

size_t redis_words_quote(const char *text, size_t len, char *quoted)
{
    size_t at = 0;

    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\\' || char_is_space(text[i]))
            quoted[at++] = '\\';
        quoted[at++] = text[i];
    }
    return at;
}
