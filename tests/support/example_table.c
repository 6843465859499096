/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table type in a module, for tests, and for those who write one: "example:WORD" answers "key" with "WORD(key)",
 * knows no "absent" and cannot answer "broken"; "example:closed" cannot be opened.
 */
#include "table/module.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct example {
    char word[64];
};

static void *open_table(const char *name, struct merpati_table_text why)
{
    struct example *example = calloc(1, sizeof(*example));

    if (example == NULL || strcmp(name, "closed") == 0) {
        snprintf(why.data, why.size, "it is closed");
        free(example);
        return NULL;
    }
    snprintf(example->word, sizeof(example->word), "%s", name);
    return example;
}

static enum merpati_table_result lookup(void *table, const char *key, size_t len,
                                        void (*put)(void *context, const char *value, size_t len), void *context,
                                        struct merpati_table_text why)
{
    const struct example *example = table;
    char value[256];

    if (len > 100 || strcmp(key, "absent") == 0)
        return MERPATI_TABLE_ABSENT;
    if (strstr(key, "broken") != NULL) {
        snprintf(why.data, why.size, "its server is down");
        return MERPATI_TABLE_UNKNOWN;
    }
    snprintf(value, sizeof(value), "%s(%s)", example->word, key);
    put(context, value, strlen(value));
    return MERPATI_TABLE_FOUND;
}

static void close_table(void *table)
{
    free(table);
}

extern const struct merpati_table_module example_table;
extern const struct merpati_table_module example_server;
extern const struct merpati_table_module example_of_the_future;

const struct merpati_table_module example_table = {
    .magic = MERPATI_TABLE_MAGIC,
    .version = MERPATI_TABLE_VERSION,
    .open = open_table,
    .lookup = lookup,
    .close = close_table,
};

/* One that proxymap asks, in a thread, whole keys only. */
const struct merpati_table_module example_server = {
    .magic = MERPATI_TABLE_MAGIC,
    .version = MERPATI_TABLE_VERSION,
    .flags = MERPATI_TABLE_HAS_PATTERNS | MERPATI_TABLE_BLOCKS | MERPATI_TABLE_IS_REMOTE,
    .open = open_table,
    .lookup = lookup,
    .close = close_table,
};

const struct merpati_table_module example_of_the_future = { .magic = MERPATI_TABLE_MAGIC, .version = 1000 };
