/* SPDX-License-Identifier: Apache-2.0 */
/* tcp: a server that is asked "get key", a line each; "host:port". */
#include "table/remote.h"
#include "table/table_type.h"
#include "table/tcp_reply.h"

struct tcp_table {
    struct remote *remote;
    struct str server; /* as it is written */
};

static bool open_table(struct table *table, struct str argument, struct failure *why)
{
    struct tcp_table *tcp = arena_new(table_set_arena(table->set), struct tcp_table);
    struct remote_place place;

    if (!remote_place_parse(argument, &place))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "%.*s: missing service information", STR_ARG(argument));
    tcp->server = argument;
    tcp->remote = remote_open(table, &place);
    table->state = tcp;
    return true;
}

static void close_table(struct table *table)
{
    struct tcp_table *tcp = table->state;

    remote_close(&tcp->remote);
}

/* A line that makes no sense ends the connection, so it is judged while that is at hand. */
struct answer {
    struct arena *arena;
    enum tcp_status status;
    struct str text;
};

static bool read_answer(struct remote_question *question, struct stream *stream, struct failure *why)
{
    struct answer *answer = question->context;
    struct str line;

    if (!tcp_reply_read(stream, answer->arena, &line, why))
        return false;
    answer->status = tcp_reply_parse(line, answer->arena, &answer->text);
    if (answer->status == TCP_REPLY_MALFORMED)
        return failure_set(why, FAILURE_PERMANENT, 0, "malformed reply: %.*s", STR_ARG(line));
    if (answer->status == TCP_REPLY_BAD_STATUS)
        return failure_set(why, FAILURE_PERMANENT, 0, "bad status code: %.*s", STR_ARG(line));
    return true;
}

static enum table_result lookup(struct table *table, struct str key, struct arena *arena, struct str *value_out,
                                struct failure *why)
{
    const struct tcp_table *tcp = table->state;
    struct answer answer = { .arena = arena };
    struct remote_question question = { .request = tcp_reply_request(key, arena),
                                        .read = read_answer,
                                        .context = &answer };

    if (!remote_ask(tcp->remote, &question, why)) {
        if (why != NULL && why->kind == FAILURE_PERMANENT)
            (void) failure_prefix(why, "read TCP map reply from %.*s", STR_ARG(tcp->server));
        else
            (void) failure_prefix(why, "table %.*s lookup error", STR_ARG(table->name));
        return TABLE_UNKNOWN;
    }
    if (answer.status == TCP_REPLY_TRY_LATER) {
        (void) failure_set(why, FAILURE_RETRY, 0, "table %.*s lookup error: temporary error: %.*s",
                           STR_ARG(table->name), STR_ARG(answer.text));
        return TABLE_UNKNOWN;
    }
    if (answer.status == TCP_REPLY_ABSENT)
        return TABLE_ABSENT;
    *value_out = answer.text;
    return TABLE_FOUND;
}

const struct table_type tcp_table_type = {
    .name = "tcp",
    .kind = TABLE_PATTERN,
    .is_remote = true,
    .is_unvouched = true,
    .open = open_table,
    .lookup = lookup,
    .close = close_table,
};
