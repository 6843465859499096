/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite - tables in SQLite's files, as sqlite_table(5) has them: the first column of each row is a value. A query is
 * one statement, and the file is opened for reading only.
 */
#include "base/memory.h"
#include "drivers/sql_query.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

enum { BUSY_MILLISECONDS = 10000 };

static const char *const names[] = { "dbpath", SQL_QUERY_NAMES, NULL };
static const char *const connection_names[] = { "dbpath", NULL };
static const char *const templates[] = { "query", NULL };

struct sqlite_table {
    const char *path;
};

static void *open_table(const struct merpati_driver_settings *settings, struct merpati_table_text why)
{
    struct sqlite_table *table;
    const char *path = settings->get(settings, "dbpath");

    if (path == NULL || path[0] == '\0') {
        snprintf(why.data, why.size, "\"dbpath\" is missing: the path of the database");
        return NULL;
    }
    table = memory_alloc(sizeof(*table));
    table->path = path;
    return table;
}

static void close_table(void *table)
{
    memory_free(table);
}

static void disconnect(void *connection)
{
    sqlite3_close(connection);
}

static void *connect_file(const void *table, const char *host, struct merpati_table_text why)
{
    const char *path = ((const struct sqlite_table *) table)->path;
    sqlite3 *database = NULL;
    int result;

    (void) host;
    result = sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    if (result != SQLITE_OK) {
        snprintf(why.data, why.size, "open %s: %s", path, database == NULL ? "no memory" : sqlite3_errmsg(database));
        sqlite3_close(database);
        return NULL;
    }
    sqlite3_busy_timeout(database, BUSY_MILLISECONDS);
    return database;
}

/* Between quotes, a quote is doubled. */
static bool quote(void *connection, unsigned index, const char *text, size_t len,
                  void (*put)(void *context, const char *text, size_t len), void *context)
{
    (void) connection;
    (void) index;
    for (size_t start = 0; start < len;) {
        const char *found = memchr(text + start, '\'', len - start);
        size_t end = found == NULL ? len : (size_t) (found - text) + 1;

        put(context, text + start, end - start);
        if (found != NULL)
            put(context, "'", 1);
        start = end;
    }
    return true;
}

static enum merpati_driver_result give_rows(sqlite3_stmt *statement, const struct merpati_driver_values *values)
{
    while (values->wants_more(values->context)) {
        int step = sqlite3_step(statement);

        if (step == SQLITE_DONE)
            break;
        if (step != SQLITE_ROW)
            return MERPATI_DRIVER_FAILED;
        if (sqlite3_column_count(statement) > 0 && sqlite3_column_type(statement, 0) != SQLITE_NULL)
            values->add(values->context, (const char *) sqlite3_column_text(statement, 0),
                        (size_t) sqlite3_column_bytes(statement, 0));
    }
    return MERPATI_DRIVER_DONE;
}

/* A file that was replaced by another: the old one is open here, and nobody writes it any more. */
static bool has_moved(sqlite3 *database)
{
    int moved = 0;

    return sqlite3_file_control(database, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved != 0;
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n;")] == '\0';
}

static enum merpati_driver_result ask(const void *table, void *connection, const char *const *texts,
                                      const struct merpati_driver_values *values, struct merpati_table_text why)
{
    enum merpati_driver_result result = MERPATI_DRIVER_FAILED;
    sqlite3_stmt *statement = NULL;
    const char *rest = NULL;

    (void) table;
    if (has_moved(connection)) {
        snprintf(why.data, why.size, "the file is no longer there");
        return MERPATI_DRIVER_LOST;
    }
    if (sqlite3_prepare_v2(connection, texts[0], -1, &statement, &rest) != SQLITE_OK)
        snprintf(why.data, why.size, "SQL prepare failed: %s", sqlite3_errmsg(connection));
    else if (statement == NULL || !is_blank(rest))
        snprintf(why.data, why.size, "the query is not one statement");
    else if ((result = give_rows(statement, values)) != MERPATI_DRIVER_DONE)
        snprintf(why.data, why.size, "SQL step failed: %s", sqlite3_errmsg(connection));
    sqlite3_finalize(statement);
    return result;
}

__attribute__((visibility("default"))) extern const struct merpati_driver merpati_sqlite;

const struct merpati_driver merpati_sqlite = {
    .magic = MERPATI_DRIVER_MAGIC,
    .version = MERPATI_DRIVER_VERSION,
    .flags = MERPATI_TABLE_BLOCKS | MERPATI_TABLE_IS_REMOTE,
    .names = names,
    .connection_names = connection_names,
    .templates = templates,
    .compose = sql_query_compose,
    .open = open_table,
    .close = close_table,
    .connect = connect_file,
    .disconnect = disconnect,
    .quote = quote,
    .ask = ask,
};
