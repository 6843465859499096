/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/auth_server.h"

#include "base/list.h"
#include "base/memory.h"
#include "dns/host_lookup.h"
#include "os/random.h"
#include "os/system_socket.h"
#include "run/loop.h"
#include "run/socket.h"
#include "run/stream.h"

enum {
    IDLE_MAXIMUM = 4,      /* connections kept */
    LINES_MAXIMUM = 200,   /* of a handshake, or that are no answer to us */
    ROUNDS_MAXIMUM = 100,  /* of an exchange */
    FRESHNESS_SECONDS = 3, /* mechanisms are not asked for again, where no connection tells that they are the same */
    SILENCE_SECONDS = 10,  /* after a failure, in which mechanisms are not asked for */
    FIRST_CLIENT_ID = 0x400000, /* beyond all process ids: a server refuses two clients of one number */
};

struct auth_server {
    struct auth_server_options options;
    struct arena *arena;
    const char *path; /* of a Unix socket */
    struct str host;
    unsigned port;
    struct list idle; /* struct connection; the one used last is first */
    size_t idle_count;
    struct arena *known_arena; /* NULL: nothing was ever heard */
    struct auth_mechanisms known;
    struct instant known_at;
    struct instant next_question; /* of mechanisms, not before */
};

struct connection {
    struct list link;
    struct stream *stream;
    uint32_t last_id;
};

struct auth_exchange {
    struct auth_server *server;
    struct connection *connection; /* NULL: not begun, or broken */
    struct arena *arena;
    unsigned rounds;
    bool is_over;
};

/* ---- the place ---- */

static bool set_place(struct auth_server *server, struct failure *why)
{
    struct str place = server->options.place;
    size_t colon;

    if (!str_starts_with(place, STR("inet:"))) {
        if (str_starts_with(place, STR("unix:")))
            place = str_from(place, strlen("unix:"));
        server->path = arena_c(server->arena, place);
        return place.len > 0 || failure_set(why, FAILURE_CONFIGURATION, 0, "no authentication server is named");
    }
    place = str_from(place, strlen("inet:"));
    colon = str_find_last_char(place, ':');
    if (colon == STR_NOT_FOUND || !system_socket_parse_port(str_from(place, colon + 1), &server->port))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "\"inet:%.*s\": need inet:host:port", STR_ARG(place));
    server->host = str_part(place, 0, colon);
    if (str_starts_with(server->host, STR("[")) && str_ends_with(server->host, STR("]")))
        server->host = str_part(server->host, 1, server->host.len - 2);
    if (server->host.len == 0)
        server->host = STR("localhost");
    return true;
}

bool auth_server_create(const struct auth_server_options *options, struct auth_server **server_out, struct failure *why)
{
    struct arena *arena = arena_create();
    struct auth_server *server = arena_new(arena, struct auth_server);
    const struct strlist *words = &options->application;

    server->options = *options;
    server->arena = arena;
    server->options.place = arena_str(arena, options->place);
    server->options.title = arena_c(arena, str_from_c(options->title));
    server->options.application = (struct strlist){ 0 };
    for (size_t i = 0; i < words->count; i++)
        strlist_add(&server->options.application, arena, words->items[i]);
    list_init(&server->idle);
    if (!set_place(server, why)) {
        arena_destroy(&arena);
        return false;
    }
    *server_out = server;
    return true;
}

/* ---- connections ---- */

static void connection_close(struct connection *connection)
{
    stream_destroy(&connection->stream);
    memory_free(connection);
}

static void connection_keep(struct auth_server *server, struct connection *connection)
{
    if (!server->options.keeps_connections || server->idle_count >= IDLE_MAXIMUM) {
        connection_close(connection);
        return;
    }
    list_prepend(&server->idle, &connection->link);
    server->idle_count++;
}

static bool connect_to_host(struct auth_server *server, struct arena *arena, struct duration time, int *fd_out,
                            struct failure *why)
{
    struct host_addresses addresses;
    struct socket_address address;

    host_lookup_addresses(server->options.host_lookup, server->host, arena, &addresses);
    if (addresses.outcome != DNS_FOUND)
        return failure_set(why, FAILURE_RETRY, 0, "%s", addresses.reason);
    for (size_t i = 0; i < addresses.count; i++) {
        address.len = ip_address_to_sockaddr(&addresses.items[i], (uint16_t) server->port, &address.storage);
        if (socket_connect(server->options.loop, &address, NULL, time, fd_out, why))
            return true;
    }
    return false;
}

/* "Connect to Dovecot auth socket 'private/auth' failed: No such file or directory" */
static bool say_connect_failed(const struct auth_server *server, struct failure *why)
{
    const char *reason = why->error != 0 ? strerror(why->error) : why->text;
    struct failure cause = *why;

    if (cause.error == 0 && reason == why->text)
        reason = cause.text;
    return failure_set(why, cause.kind, 0, "Connect to %s '%.*s' failed: %s", server->options.title,
                       STR_ARG(server->options.place), reason);
}

static bool connect_to(struct auth_server *server, struct arena *arena, struct duration time,
                       struct stream **stream_out, struct failure *why)
{
    struct loop *loop = server->options.loop;
    int fd;

    if (server->path != NULL ? socket_connect_unix(loop, server->path, time, &fd, why)
                             : connect_to_host(server, arena, time, &fd, why)) {
        if (stream_create(loop, fd, server->options.timeout, stream_out, why))
            return true;
    }
    return say_connect_failed(server, why);
}

/* ---- lines ---- */

static bool say_broken(const struct auth_server *server, struct failure *why)
{
    return failure_prefix(why, "%s '%.*s'", server->options.title, STR_ARG(server->options.place));
}

static bool say_nonsense(const struct auth_server *server, const char *what, struct failure *why)
{
    failure_set(why, FAILURE_PROTOCOL, 0, "%s", what);
    return say_broken(server, why);
}

static bool read_line(struct auth_server *server, struct stream *stream, struct arena *arena, struct auth_line *line,
                      struct failure *why)
{
    struct str text;

    if (!stream_read_line(stream, AUTH_LINE_MAXIMUM, &text, why))
        return say_broken(server, why);
    if (text.data[text.len - 1] != '\n')
        return say_nonsense(server, text.len < AUTH_LINE_MAXIMUM ? "a line without its end" : "a line too long", why);
    auth_line_parse(line, arena_str(arena, str_part(text, 0, text.len - 1)), arena);
    return true;
}

static bool send_text(struct auth_server *server, struct stream *stream, const struct strbuf *text, struct failure *why)
{
    return (stream_write(stream, strbuf_str(text), why) && stream_flush(stream, why)) || say_broken(server, why);
}

static bool say_hello(struct auth_server *server, struct stream *stream, struct failure *why)
{
    const struct strlist *application = &server->options.application;
    struct strbuf text;
    bool is_sent;

    strbuf_init(&text, AUTH_LINE_MAXIMUM);
    strbuf_append_c(&text, "VERSION\t1\t0\n");
    if (application->count > 0) {
        auth_line_begin(&text, "APPLICATION");
        for (size_t i = 0; i < application->count; i++)
            auth_line_add(&text, application->items[i]);
        auth_line_end(&text);
    }
    auth_line_begin(&text, "CPID");
    auth_line_add_number(&text, FIRST_CLIENT_ID + random_below(INT32_MAX - FIRST_CLIENT_ID));
    auth_line_end(&text);
    is_sent = send_text(server, stream, &text, why);
    strbuf_done(&text);
    return is_sent;
}

static bool is_version_good(const struct auth_line *line, struct failure *why)
{
    uint32_t major;

    if (auth_line_number(line, 0, &major) && major == 1)
        return true;
    failure_set(why, FAILURE_PROTOCOL, 0, "Protocol version mismatch (%.*s vs. 1)",
                line->count > 0 ? (int) line->fields[0].len : 0, line->count > 0 ? line->fields[0].data : "");
    return false;
}

static bool hear_hello(struct auth_server *server, struct stream *stream, struct arena *arena,
                       struct auth_mechanisms *mechanisms, struct failure *why)
{
    struct auth_line line;

    for (unsigned count = 0; count < LINES_MAXIMUM; count++) {
        if (!read_line(server, stream, arena, &line, why))
            return false;
        if (line.verb == AUTH_VERB_VERSION && !is_version_good(&line, why))
            return false;
        if (line.verb == AUTH_VERB_MECH)
            auth_mechanisms_add(mechanisms, &line, arena);
        if (line.verb == AUTH_VERB_DONE)
            return true;
    }
    return say_nonsense(server, "an endless handshake", why);
}

static void set_deadline(struct auth_server *server, struct stream *stream, struct duration time)
{
    stream_set_deadline(stream, instant_add(loop_now(server->options.loop), time));
}

static bool shake_hands(struct auth_server *server, struct stream *stream, struct duration time, struct failure *why)
{
    struct arena *arena = arena_create();
    struct auth_mechanisms mechanisms = { .count = 0 };

    set_deadline(server, stream, time);
    if (!say_hello(server, stream, why) || !hear_hello(server, stream, arena, &mechanisms, why)) {
        arena_destroy(&arena);
        return false;
    }
    arena_destroy(&server->known_arena);
    server->known_arena = arena;
    server->known_at = loop_now(server->options.loop);
    server->known = mechanisms;
    return true;
}

static struct connection *connection_open(struct auth_server *server, struct duration time, struct failure *why)
{
    struct arena *arena = arena_create();
    struct connection *connection = NULL;
    struct stream *stream;

    if (connect_to(server, arena, time, &stream, why)) {
        if (shake_hands(server, stream, time, why)) {
            connection = memory_alloc(sizeof *connection);
            *connection = (struct connection){ .stream = stream };
        } else {
            stream_destroy(&stream);
        }
    }
    arena_destroy(&arena);
    server->next_question = connection != NULL ? (struct instant){ 0 }
                                               : instant_add(loop_now(server->options.loop), seconds(SILENCE_SECONDS));
    return connection;
}

/* One that is kept and that the server has not closed; NULL: there is none. */
static struct connection *connection_kept(struct auth_server *server)
{
    while (!list_is_empty(&server->idle)) {
        struct connection *connection = CONTAINER_OF(server->idle.next, struct connection, link);

        list_remove(&connection->link);
        server->idle_count--;
        if (!stream_has_input(connection->stream))
            return connection;
        connection_close(connection);
    }
    return NULL;
}

void auth_server_destroy(struct auth_server **server)
{
    struct connection *connection;
    struct arena *arena;

    if (*server == NULL)
        return;
    while ((connection = connection_kept(*server)) != NULL)
        connection_close(connection);
    arena_destroy(&(*server)->known_arena);
    arena = (*server)->arena;
    *server = NULL;
    arena_destroy(&arena);
}

/* ---- mechanisms ---- */

static void copy_known(const struct auth_server *server, struct arena *arena, struct auth_mechanisms *mechanisms_out)
{
    *mechanisms_out = server->known;
    for (size_t i = 0; i < mechanisms_out->count; i++)
        mechanisms_out->items[i].name = arena_str(arena, mechanisms_out->items[i].name);
}

static bool is_fresh(const struct auth_server *server)
{
    return !server->options.keeps_connections && server->known_arena != NULL &&
           instant_is_before(loop_now(server->options.loop), instant_add(server->known_at, seconds(FRESHNESS_SECONDS)));
}

bool auth_server_mechanisms(struct auth_server *server, struct arena *arena, struct auth_mechanisms *mechanisms_out,
                            struct failure *why)
{
    struct connection *connection = connection_kept(server);
    bool is_current = connection != NULL || is_fresh(server);

    *why = (struct failure){ .kind = FAILURE_NONE };
    if (!is_current && !instant_is_before(loop_now(server->options.loop), server->next_question))
        connection = connection_open(server, server->options.greeting_timeout, why);
    if (connection != NULL)
        connection_keep(server, connection);
    if (server->known_arena == NULL)
        return false;
    copy_known(server, arena, mechanisms_out);
    return true;
}

/* ---- exchanges ---- */

struct auth_exchange *auth_exchange_create(struct auth_server *server)
{
    struct arena *arena = arena_create();
    struct auth_exchange *exchange = arena_new(arena, struct auth_exchange);

    *exchange = (struct auth_exchange){ .server = server, .arena = arena };
    return exchange;
}

void auth_exchange_end(struct auth_exchange **exchange)
{
    struct auth_exchange *old = *exchange;
    struct arena *arena;

    if (old == NULL)
        return;
    if (old->connection != NULL) {
        if (old->is_over)
            connection_keep(old->server, old->connection);
        else
            connection_close(old->connection);
    }
    *exchange = NULL;
    arena = old->arena;
    arena_destroy(&arena);
}

static bool has_control(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char) text.data[i];

        if (c < ' ' || c == 127)
            return true;
    }
    return false;
}

static void blame_server(struct auth_answer *answer)
{
    answer->outcome = AUTH_DENIED;
    answer->reason = STR("Authentication backend error");
    answer->is_servers_trouble = true;
}

static void take_grant(const struct auth_line *line, struct auth_answer *answer)
{
    answer->outcome = AUTH_GRANTED;
    if (!auth_line_find(line, 1, "user", &answer->username) || answer->username.len == 0 ||
        has_control(answer->username)) {
        answer->username = STR_EMPTY;
        blame_server(answer);
    }
}

static void take_denial(const struct auth_line *line, struct auth_answer *answer)
{
    struct str code = STR_EMPTY;

    answer->outcome = AUTH_DENIED;
    (void) auth_line_find(line, 1, "user", &answer->username);
    (void) auth_line_find(line, 1, "reason", &answer->reason);
    (void) auth_line_find(line, 1, "code", &code);
    answer->is_servers_trouble = auth_line_has(line, 1, "temp") || str_equal(code, STR("temp_fail"));
}

static void take_challenge(const struct auth_line *line, struct auth_answer *answer)
{
    answer->outcome = AUTH_CHALLENGED;
    if (line->count >= 2 && auth_is_base64(line->fields[1]))
        answer->challenge = line->fields[1];
    else
        blame_server(answer);
}

enum relevance {
    LINE_IS_FOREIGN, /* a note, or an answer that comes too late */
    LINE_IS_ANSWER,
    LINE_IS_NONSENSE,
};

static enum relevance take_answer(struct auth_exchange *exchange, const struct auth_line *line,
                                  struct auth_answer *answer_out)
{
    uint32_t id;

    if (line->verb != AUTH_VERB_OK && line->verb != AUTH_VERB_FAIL && line->verb != AUTH_VERB_CONT)
        return LINE_IS_FOREIGN;
    if (!auth_line_number(line, 0, &id) || id > exchange->connection->last_id)
        return LINE_IS_NONSENSE;
    if (id < exchange->connection->last_id)
        return LINE_IS_FOREIGN;
    *answer_out = (struct auth_answer){ .challenge = STR_EMPTY, .username = STR_EMPTY, .reason = STR_EMPTY };
    switch (line->verb) {
    case AUTH_VERB_OK:
        take_grant(line, answer_out);
        break;
    case AUTH_VERB_FAIL:
        take_denial(line, answer_out);
        break;
    default:
        take_challenge(line, answer_out);
        break;
    }
    /* A challenge of no use leaves the server waiting: the connection is not kept. */
    exchange->is_over = line->verb != AUTH_VERB_CONT;
    return LINE_IS_ANSWER;
}

static bool converse(struct auth_exchange *exchange, const struct strbuf *question, struct auth_answer *answer_out,
                     struct failure *why)
{
    struct auth_server *server = exchange->server;
    struct stream *stream = exchange->connection->stream;
    struct auth_line line;

    set_deadline(server, stream, server->options.timeout);
    if (!send_text(server, stream, question, why))
        return false;
    for (unsigned count = 0; count < LINES_MAXIMUM; count++) {
        if (!read_line(server, stream, exchange->arena, &line, why))
            return false;
        switch (take_answer(exchange, &line, answer_out)) {
        case LINE_IS_ANSWER:
            return true;
        case LINE_IS_NONSENSE:
            return say_nonsense(server, "Protocol error", why);
        case LINE_IS_FOREIGN:
            break;
        }
    }
    return say_nonsense(server, "too many lines that are no answer", why);
}

static void drop(struct auth_exchange *exchange)
{
    if (exchange->connection != NULL)
        connection_close(exchange->connection);
    exchange->connection = NULL;
}

static void write_request(struct strbuf *out, uint32_t id, const struct auth_request *request)
{
    auth_line_begin(out, "AUTH");
    auth_line_add_number(out, id);
    auth_line_add(out, request->mechanism);
    auth_line_add_value(out, "service", request->service);
    auth_line_add(out, STR("nologin"));
    if (request->local_address.len > 0)
        auth_line_add_value(out, "lip", request->local_address);
    if (request->remote_address.len > 0)
        auth_line_add_value(out, "rip", request->remote_address);
    if (request->is_secured)
        auth_line_add(out, STR("secured"));
    if (request->has_initial)
        auth_line_add_value(out, "resp", request->initial);
    auth_line_end(out);
}

static bool ask(struct auth_exchange *exchange, const struct auth_request *request, struct auth_answer *answer_out,
                struct failure *why)
{
    struct strbuf question;
    bool is_answered;

    strbuf_init(&question, STRBUF_UNLIMITED);
    write_request(&question, ++exchange->connection->last_id, request);
    is_answered = converse(exchange, &question, answer_out, why);
    strbuf_done(&question);
    if (!is_answered)
        drop(exchange);
    return is_answered;
}

bool auth_exchange_start(struct auth_exchange *exchange, const struct auth_request *request,
                         struct auth_answer *answer_out, struct failure *why)
{
    /* One that was kept may be lost just now, which is nobody's fault. */
    exchange->connection = connection_kept(exchange->server);
    if (exchange->connection != NULL) {
        if (ask(exchange, request, answer_out, why))
            return true;
        if (why->kind == FAILURE_TIMEOUT)
            return false;
    }
    exchange->connection = connection_open(exchange->server, exchange->server->options.timeout, why);
    return exchange->connection != NULL && ask(exchange, request, answer_out, why);
}

bool auth_exchange_reply(struct auth_exchange *exchange, struct str response, struct auth_answer *answer_out,
                         struct failure *why)
{
    struct strbuf question;
    bool is_answered;

    if (++exchange->rounds > ROUNDS_MAXIMUM) {
        drop(exchange);
        return say_nonsense(exchange->server, "challenges without end", why);
    }
    strbuf_init(&question, STRBUF_UNLIMITED);
    auth_line_begin(&question, "CONT");
    auth_line_add_number(&question, exchange->connection->last_id);
    auth_line_add(&question, response);
    auth_line_end(&question);
    is_answered = converse(exchange, &question, answer_out, why);
    strbuf_done(&question);
    if (!is_answered)
        drop(exchange);
    return is_answered;
}
