/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mysql - tables in MySQL and MariaDB, as mysql_table(5) has them: each column of each row is a value.
 */
#include "base/memory.h"
#include "drivers/host_port.h"
#include "drivers/sql_query.h"

#include <mysql.h>
#include <mysqld_error.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum { CONNECT_SECONDS = 10, ANSWER_SECONDS = 60 };

static const char *const names[] = { "user",
                                     "password",
                                     "dbname",
                                     "charset",
                                     "option_file",
                                     "option_group",
                                     "tls_cert_file",
                                     "tls_key_file",
                                     "tls_CAfile",
                                     "tls_CApath",
                                     "tls_ciphers",
                                     "tls_verify_cert",
                                     "require_result_set",
                                     "timeout",
                                     SQL_QUERY_NAMES,
                                     NULL };
static const char *const connection_names[] = {
    "user",         "password",   "dbname",     "charset",     "option_file",     "option_group", "tls_cert_file",
    "tls_key_file", "tls_CAfile", "tls_CApath", "tls_ciphers", "tls_verify_cert", "timeout",      NULL
};
static const char *const templates[] = { "query", NULL };

struct mysql_table {
    const char *user;
    const char *password;
    const char *dbname;
    const char *charset;
    const char *option_file;
    const char *option_group;
    const char *tls_cert_file;
    const char *tls_key_file;
    const char *tls_ca_file;
    const char *tls_ca_path;
    const char *tls_ciphers;
    unsigned answer_seconds;
    bool is_verifying;
    bool wants_result_set;
};

static bool read_choice(const struct merpati_driver_settings *settings, const char *name, bool fallback,
                        bool *choice_out, struct merpati_table_text why)
{
    const char *text = settings->get(settings, name);

    *choice_out = text == NULL ? fallback : strcasecmp(text, "yes") == 0;
    if (text == NULL || *choice_out || strcasecmp(text, "no") == 0)
        return true;
    snprintf(why.data, why.size, "%s = %s: expected yes or no", name, text);
    return false;
}

/* Empty is as not given. */
static const char *find_text(const struct merpati_driver_settings *settings, const char *name)
{
    const char *text = settings->get(settings, name);

    return text == NULL || text[0] == '\0' ? NULL : text;
}

static void *open_table(const struct merpati_driver_settings *settings, struct merpati_table_text why)
{
    struct mysql_table found = {
        .user = find_text(settings, "user"),
        .password = find_text(settings, "password"),
        .dbname = find_text(settings, "dbname"),
        .charset = find_text(settings, "charset"),
        .option_file = find_text(settings, "option_file"),
        .option_group = settings->get(settings, "option_group"),
        .tls_cert_file = find_text(settings, "tls_cert_file"),
        .tls_key_file = find_text(settings, "tls_key_file"),
        .tls_ca_file = find_text(settings, "tls_CAfile"),
        .tls_ca_path = find_text(settings, "tls_CApath"),
        .tls_ciphers = find_text(settings, "tls_ciphers"),
    };
    struct mysql_table *table;

    if (!read_choice(settings, "tls_verify_cert", false, &found.is_verifying, why) ||
        !read_choice(settings, "require_result_set", true, &found.wants_result_set, why) ||
        !sql_query_read_timeout(settings, ANSWER_SECONDS, &found.answer_seconds, why))
        return NULL;
    if (found.dbname == NULL) {
        snprintf(why.data, why.size, "\"dbname\" is missing: the name of the database");
        return NULL;
    }
    if (found.option_group == NULL)
        found.option_group = "client";
    if (mysql_library_init(0, NULL, NULL) != 0) {
        snprintf(why.data, why.size, "the client library of MySQL cannot start");
        return NULL;
    }
    table = memory_alloc(sizeof(*table));
    *table = found;
    return table;
}

static void close_table(void *table)
{
    memory_free(table);
}

static void disconnect(void *connection)
{
    mysql_close(connection);
}

static void set_options(const struct mysql_table *table, MYSQL *connection)
{
    unsigned connect_seconds = CONNECT_SECONDS;
    unsigned answer_seconds = table->answer_seconds;
    my_bool is_verifying = table->is_verifying;

    if (table->option_file != NULL)
        mysql_options(connection, MYSQL_READ_DEFAULT_FILE, table->option_file);
    if (table->option_group[0] != '\0')
        mysql_options(connection, MYSQL_READ_DEFAULT_GROUP, table->option_group);
    mysql_options(connection, MYSQL_OPT_CONNECT_TIMEOUT, &connect_seconds);
    mysql_options(connection, MYSQL_OPT_READ_TIMEOUT, &answer_seconds);
    mysql_options(connection, MYSQL_OPT_WRITE_TIMEOUT, &answer_seconds);
    mysql_options(connection, MYSQL_SET_CHARSET_NAME, table->charset == NULL ? "utf8mb4" : table->charset);
    if (table->tls_cert_file != NULL || table->tls_key_file != NULL || table->tls_ca_file != NULL ||
        table->tls_ca_path != NULL || table->tls_ciphers != NULL)
        mysql_ssl_set(connection, table->tls_key_file, table->tls_cert_file, table->tls_ca_file, table->tls_ca_path,
                      table->tls_ciphers);
    if (is_verifying)
        mysql_options(connection, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &is_verifying);
}

static void *connect_host(const void *data, const char *host, struct merpati_table_text why)
{
    const struct mysql_table *table = data;
    struct host_port place;
    MYSQL *connection;

    if (!host_port_parse(host, &place)) {
        snprintf(why.data, why.size, "expected host, host:port, inet:host:port or unix:/path");
        return NULL;
    }
    connection = mysql_init(NULL);
    if (connection == NULL) {
        snprintf(why.data, why.size, "no memory");
        return NULL;
    }
    set_options(table, connection);
    if (mysql_real_connect(connection, place.path == NULL ? place.host : NULL, table->user, table->password,
                           table->dbname, place.port, place.path, CLIENT_MULTI_RESULTS) != NULL)
        return connection;
    snprintf(why.data, why.size, "%s", mysql_error(connection));
    mysql_close(connection);
    return NULL;
}

static bool quote(void *connection, unsigned index, const char *text, size_t len,
                  void (*put)(void *context, const char *text, size_t len), void *context)
{
    char *quoted = memory_alloc(2 * len + 1);
    unsigned long quoted_len = mysql_real_escape_string(connection, quoted, text, len);

    (void) index;
    if (quoted_len != (unsigned long) -1)
        put(context, quoted, quoted_len);
    memory_free(quoted);
    return quoted_len != (unsigned long) -1;
}

/* CR_* of the client's library, a server that is going, and one that is out of step: every true error has a text. */
static bool is_lost(MYSQL *connection)
{
    unsigned error = mysql_errno(connection);

    return (error >= 2000 && error < 3000) || error == ER_SERVER_SHUTDOWN || error == ER_CONNECTION_KILLED ||
           (error >= ER_NET_PACKET_TOO_LARGE && error <= ER_NET_WRITE_INTERRUPTED) ||
           mysql_error(connection)[0] == '\0';
}

/* As they come. False: nobody wants the rest. */
static bool give_rows(MYSQL_RES *rows, const struct merpati_driver_values *values)
{
    unsigned columns = mysql_num_fields(rows);
    MYSQL_ROW row;

    while ((row = mysql_fetch_row(rows)) != NULL) {
        if (!values->wants_more(values->context))
            return false;
        const unsigned long *lengths = mysql_fetch_lengths(rows);

        for (unsigned i = 0; i < columns; i++) {
            if (row[i] != NULL)
                values->add(values->context, row[i], lengths[i]);
        }
    }
    return true;
}

/* The library would read the rest before it frees a result: there is none on a socket that is shut. */
static void leave_rows(MYSQL *connection, MYSQL_RES *rows)
{
    (void) shutdown(mysql_get_socket(connection), SHUT_RDWR);
    mysql_free_result(rows);
}

/* A procedure's status is a result without rows behind those with some. */
static enum merpati_driver_result read_results(const struct mysql_table *table, MYSQL *connection,
                                               const struct merpati_driver_values *values,
                                               struct merpati_table_text why)
{
    unsigned sets = 0;
    int more;

    do {
        MYSQL_RES *rows = mysql_use_result(connection);

        if (rows != NULL && sets++ == 0 && !give_rows(rows, values)) {
            leave_rows(connection, rows);
            return MERPATI_DRIVER_ENOUGH;
        }
        mysql_free_result(rows);
        if (mysql_errno(connection) != 0)
            break;
        more = mysql_next_result(connection);
    } while (more == 0);
    if (mysql_errno(connection) != 0) {
        snprintf(why.data, why.size, "mysql query failed: %s", mysql_error(connection));
        return is_lost(connection) ? MERPATI_DRIVER_LOST : MERPATI_DRIVER_FAILED;
    }
    if (sets > 1) {
        snprintf(why.data, why.size, "the query has several result sets: expected one");
        return MERPATI_DRIVER_FAILED;
    }
    if (sets == 0 && table->wants_result_set) {
        snprintf(why.data, why.size, "the query has no result set (require_result_set = no allows that)");
        return MERPATI_DRIVER_FAILED;
    }
    return MERPATI_DRIVER_DONE;
}

static enum merpati_driver_result ask(const void *table, void *connection, const char *const *texts,
                                      const struct merpati_driver_values *values, struct merpati_table_text why)
{
    if (mysql_query(connection, texts[0]) != 0) {
        snprintf(why.data, why.size, "mysql query failed: %s", mysql_error(connection));
        return is_lost(connection) ? MERPATI_DRIVER_LOST : MERPATI_DRIVER_FAILED;
    }
    return read_results(table, connection, values, why);
}

__attribute__((visibility("default"))) extern const struct merpati_driver merpati_mysql;

const struct merpati_driver merpati_mysql = {
    .magic = MERPATI_DRIVER_MAGIC,
    .version = MERPATI_DRIVER_VERSION,
    .flags = MERPATI_TABLE_BLOCKS | MERPATI_TABLE_IS_REMOTE,
    .names = names,
    .connection_names = connection_names,
    .hosts_name = "hosts",
    .hosts_default = "localhost",
    .hosts_order = MERPATI_DRIVER_LOCAL_FIRST,
    .templates = templates,
    .compose = sql_query_compose,
    .open = open_table,
    .close = close_table,
    .connect = connect_host,
    .disconnect = disconnect,
    .quote = quote,
    .ask = ask,
};
