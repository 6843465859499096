/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nis - nis:MAP, a map of the NIS domain of this machine. Keys are looked up as they are and, where a map was made so,
 * with the NUL at their end. A server that cannot be asked is no reason to say that a key is not there.
 */
#include "base/memory.h"
#include "table/module.h"

#include <pthread.h>
#include <rpcsvc/yp_prot.h>
#include <rpcsvc/ypclnt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MAP_MAXIMUM = 200 };

struct nis_table {
    char map[MAP_MAXIMUM];
};

/* The library keeps one binding for all. */
static pthread_mutex_t library = PTHREAD_MUTEX_INITIALIZER;

/* NULL, with the reason in why. */
static char *find_domain(struct merpati_table_text why)
{
    char *domain = NULL;
    int error = yp_get_default_domain(&domain);

    if (error == 0 && domain != NULL && domain[0] != '\0' && strcmp(domain, "(none)") != 0)
        return domain;
    snprintf(why.data, why.size, "NIS domain name not set: see domainname(1)");
    return NULL;
}

static void *open_map(const char *name, struct merpati_table_text why)
{
    struct nis_table *table;

    if (strlen(name) >= MAP_MAXIMUM || name[0] == '\0') {
        snprintf(why.data, why.size, "nis:MAP wants the name of a map");
        return NULL;
    }
    table = memory_alloc(sizeof(*table));
    memcpy(table->map, name, strlen(name) + 1);
    return table;
}

static void close_map(void *table)
{
    memory_free(table);
}

/* 0, YPERR_KEY, or what is wrong. */
static int match(char *domain, char *map, const char *key, size_t len,
                 void (*put)(void *context, const char *value, size_t len), void *context)
{
    char *value = NULL;
    int value_len = 0;
    int error = yp_match(domain, map, key, (int) len, &value, &value_len);

    if (error == 0) {
        while (value_len > 0 && value[value_len - 1] == '\0')
            value_len--;
        put(context, value, (size_t) value_len);
    }
    memory_free(value); /* UNSAFE: the library's, by malloc, as ours */
    return error;
}

static enum merpati_table_result lookup(void *opened, const char *key, size_t len,
                                        void (*put)(void *context, const char *value, size_t len), void *context,
                                        struct merpati_table_text why)
{
    struct nis_table *table = opened;
    char *domain;
    int error;

    if (len == 0 || len > YPMAXRECORD - 1)
        return MERPATI_TABLE_ABSENT;
    (void) pthread_mutex_lock(&library);
    domain = find_domain(why);
    error = domain == NULL ? YPERR_NODOM : match(domain, table->map, key, len, put, context);
    if (error == YPERR_KEY)
        error = match(domain, table->map, key, len + 1, put, context);
    (void) pthread_mutex_unlock(&library);
    if (error == 0)
        return MERPATI_TABLE_FOUND;
    if (error == YPERR_KEY)
        return MERPATI_TABLE_ABSENT;
    if (domain != NULL)
        snprintf(why.data, why.size, "map %s of NIS domain %s: %s", table->map, domain, yperr_string(error));
    return MERPATI_TABLE_UNKNOWN;
}

__attribute__((visibility("default"))) extern const struct merpati_table_module merpati_nis;

const struct merpati_table_module merpati_nis = {
    .magic = MERPATI_TABLE_MAGIC,
    .version = MERPATI_TABLE_VERSION,
    .flags = MERPATI_TABLE_BLOCKS | MERPATI_TABLE_IS_REMOTE,
    .open = open_map,
    .lookup = lookup,
    .close = close_map,
};
