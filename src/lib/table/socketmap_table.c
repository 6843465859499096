/* SPDX-License-Identifier: Apache-2.0 */
/* socketmap: a server that answers netstrings, as Sendmail's; "inet:host:port:name" or "unix:path:name". */
#include "base/strbuf.h"
#include "config/settings.h"
#include "table/remote.h"
#include "table/socketmap_reply.h"
#include "table/table_type.h"

enum { REPLY_MAX = 100000 }; /* without a main.cf */

struct socketmap_table {
    struct remote *remote;
    struct str name; /* which of the server's maps */
    size_t reply_maximum;
};

/* The last colon ends the place, so that an IPv6 address may stand in it. */
static bool parse(struct str argument, struct remote_place *place_out, struct str *name_out, struct failure *why)
{
    struct str transport;
    struct str rest;
    size_t colon;

    if (!str_cut(argument, ':', &transport, &rest) || (colon = str_find_last_char(rest, ':')) == STR_NOT_FOUND)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "need service transport:endpoint instead of \"%.*s\"",
                           STR_ARG(transport));
    *name_out = str_from(rest, colon + 1);
    rest = str_part(rest, 0, colon);
    if (str_equal(transport, STR("unix")) && !str_is_empty(rest)) {
        *place_out = (struct remote_place){ .path = rest };
        return true;
    }
    if (!str_equal(transport, STR("unix")) && !str_equal(transport, STR("inet")))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "invalid transport name: %.*s in service: %.*s:%.*s",
                           STR_ARG(transport), STR_ARG(transport), STR_ARG(rest));
    return (str_contains_char(rest, ':') && remote_place_parse(rest, place_out)) ||
           failure_set(why, FAILURE_CONFIGURATION, 0, "%.*s: missing service information", STR_ARG(rest));
}

static bool open_table(struct table *table, struct str argument, struct failure *why)
{
    struct socketmap_table *socketmap = arena_new(table_set_arena(table->set), struct socketmap_table);
    const struct main_cf *cf = table_set_options(table->set)->cf;
    struct remote_place place;
    int maximum = REPLY_MAX;

    if (cf != NULL && !settings_get_integer(cf, STR("socketmap_max_reply_size"), "100000", 1, 0, &maximum, why))
        return false;
    socketmap->reply_maximum = (size_t) maximum;
    if (!parse(argument, &place, &socketmap->name, why))
        return false;
    socketmap->remote = remote_open(table, &place);
    table->state = socketmap;
    return true;
}

static void close_table(struct table *table)
{
    struct socketmap_table *socketmap = table->state;

    remote_close(&socketmap->remote);
}

struct answer {
    const struct socketmap_table *table;
    struct arena *arena;
    struct str reply;
};

static bool read_answer(struct remote_question *question, struct stream *stream, struct failure *why)
{
    struct answer *answer = question->context;

    return socketmap_reply_read(stream, answer->table->reply_maximum, answer->arena, &answer->reply, why);
}

static bool fail(const struct table *table, enum failure_kind kind, const char *what, struct str text,
                 struct failure *why)
{
    return failure_set(why, kind, 0, "%.*s socketmap server %s error%s%.*s", STR_ARG(table->name), what,
                       str_is_empty(text) ? "" : ": ", STR_ARG(text));
}

static enum table_result judge(const struct table *table, struct str reply, struct str *value_out, struct failure *why)
{
    struct str text;

    switch (socketmap_reply_parse(reply, &text)) {
    case SOCKETMAP_OK:
        *value_out = text;
        return TABLE_FOUND;
    case SOCKETMAP_NOTFOUND:
        return TABLE_ABSENT;
    case SOCKETMAP_TEMP:
        (void) fail(table, FAILURE_RETRY, "temporary", text, why);
        break;
    case SOCKETMAP_TIMEOUT:
        (void) fail(table, FAILURE_TIMEOUT, "timeout", text, why);
        break;
    case SOCKETMAP_PERM:
        (void) fail(table, FAILURE_CONFIGURATION, "permanent", text, why);
        break;
    case SOCKETMAP_NONSENSE:
        (void) fail(table, FAILURE_RETRY, "unknown", text, why);
        break;
    }
    return TABLE_UNKNOWN;
}

static enum table_result lookup(struct table *table, struct str key, struct arena *arena, struct str *value_out,
                                struct failure *why)
{
    const struct socketmap_table *socketmap = table->state;
    size_t length = socketmap->name.len + 1 + key.len;
    struct answer answer = { .table = socketmap, .arena = arena };
    struct remote_question question = { .read = read_answer, .context = &answer };

    question.request = arena_printf(arena, "%zu:%.*s %.*s,", length, STR_ARG(socketmap->name), STR_ARG(key));
    if (!remote_ask(socketmap->remote, &question, why)) {
        (void) failure_prefix(why, "table %.*s lookup error", STR_ARG(table->name));
        return TABLE_UNKNOWN;
    }
    return judge(table, answer.reply, value_out, why);
}

const struct table_type socketmap_table_type = {
    .name = "socketmap",
    .kind = TABLE_PATTERN,
    .is_remote = true,
    .is_unvouched = true,
    .open = open_table,
    .lookup = lookup,
    .close = close_table,
};
