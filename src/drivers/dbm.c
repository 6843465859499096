/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dbm - dbm:/path, the files path.dir and path.pag of ndbm(3), read only: for tables that others make. Keys and values
 * may end with a NUL in the file, or not.
 */
#include "table/module.h"

#include <fcntl.h>
#include <ndbm.h>
#include <stdio.h>
#include <string.h>

static void *open_file(const char *path, struct merpati_table_text why)
{
    DBM *dbm = dbm_open((char *) (uintptr_t) path, O_RDONLY | O_CLOEXEC, 0);

    if (dbm == NULL)
        snprintf(why.data, why.size, "open database %s.pag and %s.dir: %m", path, path);
    return dbm;
}

static void close_file(void *table)
{
    dbm_close(table);
}

static enum merpati_table_result lookup(void *table, const char *key, size_t len,
                                        void (*put)(void *context, const char *value, size_t len), void *context,
                                        struct merpati_table_text why)
{
    datum value = { NULL, 0 };

    (void) dbm_clearerr((DBM *) table);
    for (size_t with_nul = 0; with_nul <= 1 && value.dptr == NULL; with_nul++)
        value = dbm_fetch(table, (datum){ (char *) (uintptr_t) key, (int) (len + with_nul) });
    if (value.dptr != NULL) {
        size_t value_len = (size_t) value.dsize;

        while (value_len > 0 && value.dptr[value_len - 1] == '\0')
            value_len--;
        put(context, value.dptr, value_len);
        return MERPATI_TABLE_FOUND;
    }
    if (dbm_error((DBM *) table) == 0)
        return MERPATI_TABLE_ABSENT;
    snprintf(why.data, why.size, "the file cannot be read");
    return MERPATI_TABLE_UNKNOWN;
}

__attribute__((visibility("default"))) extern const struct merpati_table_module merpati_dbm;

const struct merpati_table_module merpati_dbm = {
    .magic = MERPATI_TABLE_MAGIC,
    .version = MERPATI_TABLE_VERSION,
    .open = open_file,
    .lookup = lookup,
    .close = close_file,
};
