/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis - tables in Redis: the query is a command of Redis, "GET alias:%s" for example. A text is a value, each text of
 * a list too; what is not there, and the number 0, are none.
 */
#include "base/memory.h"
#include "base/str.h"
#include "drivers/host_port.h"
#include "drivers/redis_link.h"
#include "drivers/redis_reply.h"
#include "drivers/redis_words.h"
#include "table/driver.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { PORT = 6379, SECONDS = 10 };

/* A connection depends on all of them. */
static const char *const names[] = { "user",         "password",        "dbname",     "timeout",
                                     "tls",          "tls_CAfile",      "tls_CApath", "tls_cert_file",
                                     "tls_key_file", "tls_verify_cert", NULL };
static const char *const templates[] = { "query", NULL };

struct redis_table {
    const char *user;
    const char *password;
    const char *dbname; /* a number */
    struct redis_link_options link;
};

static bool compose(const struct merpati_driver_settings *settings, unsigned index,
                    void (*put)(void *context, const char *text, size_t len), void *context,
                    struct merpati_table_text why)
{
    static const char query[] = "GET %s";

    (void) settings;
    (void) index;
    (void) why;
    put(context, query, sizeof(query) - 1);
    return true;
}

static bool read_number(const struct merpati_driver_settings *settings, const char *name, uint64_t fallback,
                        uint64_t *number_out, struct merpati_table_text why)
{
    const char *text = settings->get(settings, name);

    *number_out = fallback;
    if (text == NULL || (str_to_uint64(str_from_c(text), number_out) && *number_out <= 100000))
        return true;
    snprintf(why.data, why.size, "%s = %s: expected a number", name, text);
    return false;
}

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

static const char *find_file(const struct merpati_driver_settings *settings, const char *name)
{
    const char *text = settings->get(settings, name);

    return text == NULL || text[0] == '\0' ? NULL : text;
}

static void *open_table(const struct merpati_driver_settings *settings, struct merpati_table_text why)
{
    struct redis_link_options link = { .port = PORT };
    struct redis_table *table;
    uint64_t dbname;
    uint64_t timeout;

    if (!read_number(settings, "dbname", 0, &dbname, why) ||
        !read_number(settings, "timeout", SECONDS, &timeout, why) ||
        !read_choice(settings, "tls", false, &link.is_secure, why) ||
        !read_choice(settings, "tls_verify_cert", true, &link.is_verified, why))
        return NULL;
    link.timeout_seconds = timeout == 0 ? 1 : (unsigned) timeout;
    link.ca_file = find_file(settings, "tls_CAfile");
    link.ca_path = find_file(settings, "tls_CApath");
    link.cert_file = find_file(settings, "tls_cert_file");
    link.key_file = find_file(settings, "tls_key_file");
    table = memory_alloc(sizeof(*table));
    table->user = settings->get(settings, "user");
    table->password = settings->get(settings, "password");
    table->dbname = settings->get(settings, "dbname");
    table->link = link;
    return table;
}

static void close_table(void *table)
{
    memory_free(table);
}

static void disconnect(void *connection)
{
    redis_link_close(connection);
}

/* A command whose answer is OK. */
static bool say(struct redis_link *link, int count, const char **words, struct merpati_table_text why)
{
    redisReply *reply = redis_link_ask(link, count, words, NULL, why);
    bool is_good = reply != NULL && reply->type == REDIS_REPLY_STATUS;

    if (reply != NULL && !is_good)
        snprintf(why.data, why.size, "%s: %s", words[0],
                 reply->str == NULL ? "an answer of no known kind" : reply->str);
    freeReplyObject(reply);
    return is_good;
}

static bool log_in(struct redis_link *redis, const struct redis_table *table, struct merpati_table_text why)
{
    const char *with_user[] = { "AUTH", table->user, table->password };
    const char *without[] = { "AUTH", table->password };
    const char *selection[] = { "SELECT", table->dbname };

    if (table->password != NULL && table->password[0] != '\0') {
        bool has_user = table->user != NULL && table->user[0] != '\0';

        if (!say(redis, has_user ? 3 : 2, has_user ? with_user : without, why))
            return false;
    }
    return table->dbname == NULL || say(redis, 2, selection, why);
}

static void *connect_host(const void *data, const char *host, struct merpati_table_text why)
{
    const struct redis_table *table = data;
    struct redis_link *link;
    struct host_port place;

    if (!host_port_parse(host, &place)) {
        snprintf(why.data, why.size, "expected host, host:port, inet:host:port or unix:/path");
        return NULL;
    }
    link = redis_link_open(&place, &table->link, why);
    if (link == NULL || log_in(link, table, why))
        return link;
    redis_link_close(link);
    return NULL;
}

static bool quote(void *connection, unsigned index, const char *text, size_t len,
                  void (*put)(void *context, const char *text, size_t len), void *context)
{
    char *quoted = memory_alloc(2 * len + 1);

    (void) connection;
    (void) index;
    put(context, quoted, redis_words_quote(text, len, quoted));
    memory_free(quoted);
    return true;
}

static enum merpati_driver_result ask(const void *table, void *connection, const char *const *texts,
                                      const struct merpati_driver_values *values, struct merpati_table_text why)
{
    enum merpati_driver_result result = MERPATI_DRIVER_FAILED;
    struct redis_words words;
    redisReply *reply;

    (void) table;
    if (!redis_words_split(texts[0], &words)) {
        snprintf(why.data, why.size, "the query is no command, or has more than %d words", REDIS_WORDS_MAX);
        redis_words_free(&words);
        return result;
    }
    reply = redis_link_ask(connection, (int) words.count, words.items, words.lengths, why);
    redis_words_free(&words);
    if (reply == NULL)
        return MERPATI_DRIVER_LOST;
    if (redis_reply_give(reply, values, why))
        result = MERPATI_DRIVER_DONE;
    freeReplyObject(reply);
    return result;
}

__attribute__((visibility("default"))) extern const struct merpati_driver merpati_redis;

const struct merpati_driver merpati_redis = {
    .magic = MERPATI_DRIVER_MAGIC,
    .version = MERPATI_DRIVER_VERSION,
    .flags = MERPATI_TABLE_BLOCKS | MERPATI_TABLE_IS_REMOTE,
    .names = names,
    .connection_names = names,
    .hosts_name = "hosts",
    .hosts_default = "127.0.0.1",
    .templates = templates,
    .compose = compose,
    .open = open_table,
    .close = close_table,
    .connect = connect_host,
    .disconnect = disconnect,
    .quote = quote,
    .ask = ask,
};
