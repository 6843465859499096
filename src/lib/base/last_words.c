/* SPDX-License-Identifier: Apache-2.0 */
#include "base/last_words.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

static void (*current)(const char *text);

void last_words(const char *text)
{
    void (*listener)(const char *text) = current;

    current = NULL;
    (void) !write(STDERR_FILENO, text, strlen(text));
    (void) !write(STDERR_FILENO, "\n", 1);
    if (listener != NULL)
        listener(text);
}

void last_words_listen(void (*listener)(const char *text))
{
    current = listener;
}
