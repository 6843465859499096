/* SPDX-License-Identifier: Apache-2.0 */
#include "table/berkeley.h"

static void be_silent(const DB_ENV *environment, const char *prefix, const char *text)
{
    (void) environment;
    (void) prefix;
    (void) text;
}

bool berkeley_open(const char *path, DBTYPE type, u_int32_t flags, u_int32_t cache_bytes, DB **db_out,
                   struct failure *why)
{
    DB *db;
    int error = db_create(&db, NULL, 0);

    if (error != 0)
        return failure_set(why, FAILURE_RETRY, 0, "create database %s: %s", path, db_strerror(error));
    db->set_errcall(db, be_silent);
    if (cache_bytes != 0)
        error = db->set_cachesize(db, 0, cache_bytes, 0);
    if (error == 0)
        error = db->open(db, NULL, path, NULL, type, flags, 0644);
    if (error != 0) {
        (void) db->close(db, DB_NOSYNC);
        if (error > 0)
            return failure_system(why, error, "open database %s", path);
        return failure_set(why, FAILURE_CONFIGURATION, 0, "open database %s: %s", path, db_strerror(error));
    }
    *db_out = db;
    return true;
}

DBT berkeley_text(struct str text)
{
    DBT item;

    memset(&item, 0, sizeof(item));
    item.data = (void *) (uintptr_t) text.data;
    item.size = (u_int32_t) text.len;
    return item;
}

struct str berkeley_content(const DBT *item)
{
    struct str text = str_make(item->data, item->size);

    if (text.len > 0 && text.data[text.len - 1] == '\0')
        text.len--;
    return text;
}
