/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pgsql - tables in PostgreSQL, as pgsql_table(5) has them: each column of each row is a value.
 */
#include "base/memory.h"
#include "drivers/host_port.h"
#include "drivers/sql_query.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Of the server, where a URI does not say so itself. */
#define CONNECT_SECONDS "10"

/* For an answer, if the table says nothing. libpq itself waits for ever. */
enum { ANSWER_SECONDS = 60 };

static const char *const names[] = { "user", "password", "dbname", "encoding", "timeout", SQL_QUERY_NAMES, NULL };
static const char *const connection_names[] = { "user", "password", "dbname", "encoding", NULL };
static const char *const templates[] = { "query", NULL };

struct pgsql_table {
    const char *user;
    const char *password;
    const char *dbname;
    const char *encoding;
    unsigned answer_seconds;
};

static void *open_table(const struct merpati_driver_settings *settings, struct merpati_table_text why)
{
    struct pgsql_table *table;
    unsigned answer_seconds;
    const char *hosts = settings->get(settings, "hosts");
    const char *encoding = settings->get(settings, "encoding");
    const char *dbname = settings->get(settings, "dbname");
    bool has_uri = hosts != NULL && (strstr(hosts, "postgresql://") != NULL || strstr(hosts, "postgres://") != NULL);

    if ((dbname == NULL || dbname[0] == '\0') && !has_uri) {
        snprintf(why.data, why.size, "\"dbname\" is missing: the name of the database");
        return NULL;
    }
    if (!sql_query_read_timeout(settings, ANSWER_SECONDS, &answer_seconds, why))
        return NULL;
    table = memory_alloc(sizeof(*table));
    *table = (struct pgsql_table){
        .user = settings->get(settings, "user"),
        .password = settings->get(settings, "password"),
        .dbname = dbname,
        .encoding = encoding == NULL || encoding[0] == '\0' ? "UTF8" : encoding,
        .answer_seconds = answer_seconds,
    };
    return table;
}

static void close_table(void *table)
{
    memory_free(table);
}

static void disconnect(void *connection)
{
    PQfinish(connection);
}

/* Words and values for PQconnectdbParams, which takes a URI as dbname. */
struct words {
    const char *names[10];
    const char *values[10];
    size_t count;
};

static void add_word(struct words *words, const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    words->names[words->count] = name;
    words->values[words->count++] = value;
}

static void *connect_host(const void *data, const char *host, struct merpati_table_text why)
{
    const struct pgsql_table *table = data;
    bool is_uri = strstr(host, "://") != NULL;
    struct words words = { .count = 0 };
    struct host_port place;
    char port[12];
    PGconn *connection;

    if (!is_uri && !host_port_parse(host, &place)) {
        snprintf(why.data, why.size, "expected host, host:port, inet:host:port, unix:/path or postgresql://...");
        return NULL;
    }
    add_word(&words, "connect_timeout", CONNECT_SECONDS);
    add_word(&words, "application_name", "merpati");
    add_word(&words, "dbname", is_uri ? host : table->dbname);
    add_word(&words, "client_encoding", table->encoding);
    if (!is_uri) {
        snprintf(port, sizeof(port), "%u", place.port);
        add_word(&words, "host", place.path == NULL ? place.host : place.path);
        add_word(&words, "port", place.port == 0 ? NULL : port);
        add_word(&words, "user", table->user);
        add_word(&words, "password", table->password);
    }
    connection = PQconnectdbParams(words.names, words.values, 1);
    if (PQstatus(connection) == CONNECTION_OK && PQsetnonblocking(connection, 1) == 0)
        return connection;
    snprintf(why.data, why.size, "%s", connection == NULL ? "no memory" : PQerrorMessage(connection));
    PQfinish(connection);
    return NULL;
}

/* False: it is no text in the encoding of the connection. */
static bool quote(void *connection, unsigned index, const char *text, size_t len,
                  void (*put)(void *context, const char *text, size_t len), void *context)
{
    char *quoted = memory_alloc(2 * len + 1);
    int error = 0;
    size_t quoted_len = PQescapeStringConn(connection, quoted, text, len, &error);

    (void) index;
    if (error == 0)
        put(context, quoted, quoted_len);
    memory_free(quoted);
    return error == 0;
}

static void give_rows(const PGresult *result, const struct merpati_driver_values *values)
{
    for (int row = 0; row < PQntuples(result); row++) {
        for (int column = 0; column < PQnfields(result); column++)
            values->add(values->context, PQgetvalue(result, row, column), (size_t) PQgetlength(result, row, column));
    }
}

static int64_t milliseconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Hears what the server says, or what is said already. False: the connection is of no more use. */
static bool wait_for_server(PGconn *connection, short events, int64_t end, struct merpati_table_text why)
{
    struct pollfd server = { .fd = PQsocket(connection), .events = events };
    int64_t left = end - milliseconds_now();
    int count = left <= 0 ? 0 : poll(&server, 1, (int) left);

    if (count < 0 && errno == EINTR)
        return true;
    if (count == 0) {
        snprintf(why.data, why.size, "pgsql query failed: no answer within the timeout");
        return false;
    }
    if (count < 0 || ((server.revents & ~POLLOUT) != 0 && PQconsumeInput(connection) == 0)) {
        snprintf(why.data, why.size, "pgsql query failed: %s", PQerrorMessage(connection));
        return false;
    }
    return true;
}

static bool send_query(PGconn *connection, const char *query, int64_t end, struct merpati_table_text why)
{
    int left = PQsendQuery(connection, query) == 0 ? -1 : PQflush(connection);

    while (left > 0) {
        if (!wait_for_server(connection, POLLIN | POLLOUT, end, why))
            return false;
        left = PQflush(connection);
    }
    if (left < 0)
        snprintf(why.data, why.size, "pgsql query failed: %s", PQerrorMessage(connection));
    return left == 0;
}

/* Until a result is there as a whole. */
static bool wait_for_result(PGconn *connection, int64_t end, struct merpati_table_text why)
{
    while (PQisBusy(connection) != 0) {
        if (!wait_for_server(connection, POLLIN, end, why))
            return false;
    }
    return true;
}

struct answer {
    const struct merpati_driver_values *values;
    struct merpati_table_text why;
    enum merpati_driver_result outcome;
    bool has_rows; /* of a result that is not over */
};

static void refuse(struct answer *answer, const char *text)
{
    snprintf(answer->why.data, answer->why.size, "pgsql query failed: %s", text);
    answer->outcome = MERPATI_DRIVER_FAILED;
    answer->has_rows = false;
}

/* The last of several results is what counts. Rows come one by one; of a second result, together. */
static void take_rows(struct answer *answer, const PGresult *result)
{
    if (!answer->has_rows)
        answer->values->restart(answer->values->context);
    give_rows(result, answer->values);
    answer->has_rows = PQresultStatus(result) == PGRES_SINGLE_TUPLE;
    if (!answer->has_rows)
        answer->outcome = MERPATI_DRIVER_DONE;
    else if (!answer->values->wants_more(answer->values->context))
        answer->outcome = MERPATI_DRIVER_ENOUGH;
}

static void take_result(struct answer *answer, const PGresult *result)
{
    switch (PQresultStatus(result)) {
    case PGRES_SINGLE_TUPLE:
    case PGRES_TUPLES_OK:
        take_rows(answer, result);
        return;
    case PGRES_COMMAND_OK:
    case PGRES_EMPTY_QUERY:
        refuse(answer, "it is no SELECT");
        return;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
        /* Which would go on. */
        refuse(answer, "it is no SELECT");
        answer->outcome = MERPATI_DRIVER_LOST;
        return;
    default:
        refuse(answer, PQresultErrorMessage(result));
        return;
    }
}

static bool is_over(const struct answer *answer)
{
    return answer->outcome == MERPATI_DRIVER_ENOUGH || answer->outcome == MERPATI_DRIVER_LOST;
}

static enum merpati_driver_result ask(const void *data, void *connection, const char *const *texts,
                                      const struct merpati_driver_values *values, struct merpati_table_text why)
{
    const struct pgsql_table *table = data;
    int64_t end = milliseconds_now() + (int64_t) table->answer_seconds * 1000;
    struct answer answer = { .values = values, .why = why };
    PGresult *result;

    refuse(&answer, "no result");
    if (!send_query(connection, texts[0], end, why))
        return MERPATI_DRIVER_LOST;
    (void) PQsetSingleRowMode(connection);
    do {
        if (!wait_for_result(connection, end, why))
            return MERPATI_DRIVER_LOST;
        result = PQgetResult(connection);
        if (result != NULL)
            take_result(&answer, result);
        PQclear(result);
    } while (result != NULL && !is_over(&answer));
    if (PQstatus(connection) == CONNECTION_OK)
        return answer.outcome;
    snprintf(why.data, why.size, "pgsql query failed: %s", PQerrorMessage(connection));
    return MERPATI_DRIVER_LOST;
}

__attribute__((visibility("default"))) extern const struct merpati_driver merpati_pgsql;

const struct merpati_driver merpati_pgsql = {
    .magic = MERPATI_DRIVER_MAGIC,
    .version = MERPATI_DRIVER_VERSION,
    .flags = MERPATI_TABLE_BLOCKS | MERPATI_TABLE_IS_REMOTE,
    .names = names,
    .connection_names = connection_names,
    .hosts_name = "hosts",
    .hosts_default = "localhost",
    .templates = templates,
    .compose = sql_query_compose,
    .open = open_table,
    .close = close_table,
    .connect = connect_host,
    .disconnect = disconnect,
    .quote = quote,
    .ask = ask,
};
