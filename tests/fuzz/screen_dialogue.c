/* SPDX-License-Identifier: Apache-2.0 */
/*
 * screen_dialogue - postscreen's whole dialogue with a client that says anything, in pieces of any size, and what smtpd
 * gets of it. No command has more than one reply and no recipient is taken; a session goes on only with RCPT as the
 * last line that was read, after whole lines that were HELO and MAIL, and if nothing was failed or ignored. The first
 * two bytes choose settings; a byte 255 ends a piece.
 */

#include "base/check.h"
#include "base/memory.h"
#include "config/main_cf.h"
#include "daemon/daemon_private.h"
#include "log/log.h"
#include "os/fd.h"
#include "postscreen/client.h"
#include "postscreen/postscreen.h"
#include "protocol/handed_session.h"
#include "run/loop.h"
#include "run/stream.h"
#include "table/table_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { SAID_MAX = 20000, HEARD_MAX = 4 << 20, TURNS = 8 };

enum choice {
    FAILED_BEFORE = 1 << 5,
    SPOKE_EARLY = 1 << 6,
    NEEDS_TLS = 1 << 7,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct scene {
    struct str said; /* with the bytes 255 */
    struct strbuf sent;
    struct strbuf heard;
    unsigned first, second;
    struct arena *arena;
    struct loop *loop;
    struct shared_settings shared;
    struct postscreen postscreen;
    struct daemon screen, server;
    struct client *client;
    uint64_t read; /* by postscreen, of what was sent */
    int peer;
    bool is_over;
    bool is_handed; /* smtpd has it */
};

static char socket_path[sizeof((struct sockaddr_un *) 0)->sun_path];
static int listening = -1;

static void forget_line(enum log_level level, struct str line, void *context)
{
    (void) level;
    (void) line;
    (void) context;
}

static void remove_socket(void)
{
    (void) unlink(socket_path);
}

/* Once: where smtpd would be. */
static void listen_as_smtpd(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    snprintf(socket_path, sizeof socket_path, "/tmp/merpati-fuzz-%d", (int) getpid());
    memcpy(address.sun_path, socket_path, sizeof socket_path);
    remove_socket();
    listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    CHECK(listening >= 0 && bind(listening, (struct sockaddr *) &address, sizeof address) == 0);
    CHECK(listen(listening, 10) == 0 && atexit(remove_socket) == 0);
    log_set_sink(forget_line, NULL);
}

/* ---- smtpd ---- */

static struct str last_line(struct str text)
{
    size_t newline;

    CHECK(text.len > 0 && text.data[text.len - 1] == '\n');
    text.len--;
    newline = str_find_last_char(text, '\n');
    if (newline != STR_NOT_FOUND)
        text = str_from(text, newline + 1);
    if (str_ends_with(text, STR("\r")))
        text.len--;
    return str_part(text, 0, str_contains_char(text, '\0') ? str_find_char(text, '\0') : text.len);
}

static void take_session(struct daemon_session *taken)
{
    struct scene *scene = taken->context;
    const struct client *client = scene->client;
    const struct handed_session *session;
    struct str read = str_make(scene->sent.data, (size_t) scene->read);

    CHECK(!scene->is_handed && (scene->second & 1) != 0);
    CHECK(handed_session_decode(taken->passed, taken->arena, &session, NULL));
    scene->read = stream_bytes_read(client->connection->stream);
    read.len = (size_t) scene->read;
    CHECK(stream_buffered(client->connection->stream).len == 0);
    CHECK(client->failed == 0 && client->ignored == 0 && client->refusal.len == 0 && !client->is_vetoed);
    CHECK(str_starts_with_nocase(session->mail, STR("MAIL FROM:")));
    CHECK(session->helo.len == 0 || str_starts_with(session->helo, STR("EHLO ")) ||
          str_starts_with(session->helo, STR("HELO ")));
    CHECK(str_equal(session->recipient, last_line(read)));
    CHECK(str_starts_with_nocase(str_trim(session->recipient), STR("RCPT")));
    scene->is_handed = true;
}

static void accept_one(void *context)
{
    struct scene *scene = context;
    int fd;

    while (!scene->is_over) {
        fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0)
            daemon_start_connection(&scene->server, fd);
        fiber_yield(scene->loop);
    }
}

/* ---- postscreen ---- */

static void serve(struct daemon_session *connection)
{
    struct scene *scene = connection->context;
    struct client client = {
        .postscreen = &scene->postscreen,
        .settings = scene->postscreen.settings,
        .connection = connection,
        .arena = connection->arena,
        .address = STR("192.0.2.1"),
        .port = STR("2525"),
        .where = "CONNECT",
        .todo = scene->first & TESTS_OF_DIALOGUE,
        .failed = scene->second & SPOKE_EARLY ? TEST_BIT(TEST_GREETING) : 0,
    };
    bool is_handed;

    if (scene->second & FAILED_BEFORE)
        client.refusal = STR("550 5.7.1 Service unavailable");
    scene->client = &client;
    is_handed = dialogue_run(&client);
    CHECK(is_handed == scene->is_handed);
    scene->is_over = true;
}

/* ---- the client ---- */

static void hear(struct scene *scene)
{
    char bytes[4096];
    ssize_t count;

    while ((count = recv(scene->peer, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        CHECK(strbuf_append(&scene->heard, str_make(bytes, (size_t) count)));
}

static void rest(struct scene *scene)
{
    for (unsigned turn = 0; turn < TURNS && !scene->is_over; turn++) {
        hear(scene);
        fiber_yield(scene->loop);
    }
}

static void speak(void *context)
{
    struct scene *scene = context;
    struct str piece, left = scene->said;
    bool has_more;

    do {
        has_more = str_cut(left, '\xff', &piece, &left);
        if (piece.len > 0 && send(scene->peer, piece.data, piece.len, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
            CHECK(strbuf_append(&scene->sent, piece));
        rest(scene);
    } while (has_more && !scene->is_over);
    (void) shutdown(scene->peer, SHUT_WR);
    while (!scene->is_over)
        rest(scene);
    hear(scene);
}

static void look_at_replies(const struct scene *scene)
{
    struct str line, left = strbuf_str(&scene->heard);
    size_t replies = 0, lines = str_count_char(strbuf_str(&scene->sent), '\n');

    while (left.len > 0) {
        CHECK(str_cut(left, '\n', &line, &left) && str_ends_with(line, STR("\r")));
        CHECK(line.len >= 5 && line.data[0] >= '2' && line.data[0] <= '5' && line.data[0] != '3');
        CHECK(char_is_digit(line.data[1]) && char_is_digit(line.data[2]) &&
              (line.data[3] == ' ' || line.data[3] == '-'));
        CHECK(!str_starts_with(line, STR("250 2.1.5")) && !str_starts_with(line, STR("250 2.0.0 Ok: queued")));
        replies += line.data[3] == ' ';
    }
    /* And the greeting, and a goodbye. */
    CHECK(replies <= lines + 2);
}

/* ---- the scene ---- */

static void make_daemon(struct scene *scene, struct daemon *daemon, const struct daemon_program *program)
{
    daemon->program = program;
    daemon->arena = scene->arena;
    daemon->loop = scene->loop;
    daemon->shared = &scene->shared;
    daemon->context = scene;
    daemon->limit = 100;
    daemon->uses_left = UINT64_MAX;
    list_init(&daemon->connections);
    event_init(&daemon->slot_free);
    event_init(&daemon->changed);
    event_init(&daemon->all_done);
}

static const char *const actions[] = { "ignore", "enforce", "drop", "enforce" };

static struct postscreen_settings *load_settings(struct scene *scene)
{
    struct main_cf *cf;
    struct failure why;
    void *settings;
    struct str text = arena_printf(
        scene->arena,
        "postscreen_carry_on = %s\npostscreen_helo_required = %s\npostscreen_disable_vrfy_command = %s\n"
        "postscreen_pipelining_action = %s\npostscreen_non_smtp_command_action = %s\n"
        "postscreen_bare_newline_action = %s\npostscreen_discard_ehlo_keywords = starttls\n"
        "postscreen_command_count_limit = 200\npostscreen_reject_footer = see $client_address $helo_name $sender\n",
        scene->second & 1 ? "yes" : "no", scene->second & 2 ? "yes" : "no", scene->second & 4 ? "yes" : "no",
        actions[scene->first & 3], actions[scene->second >> 3 & 3], actions[scene->first >> 6 & 3]);

    CHECK(main_cf_parse(text, STR("main.cf"), STR("."), scene->arena, &cf, &why));
    CHECK(settings_load(&postscreen_settings_table, cf, STR("smtp"), scene->arena, &settings, &why));
    return settings;
}

static void make_postscreen(struct scene *scene)
{
    const struct table_set_options options = { 0 };
    struct postscreen *postscreen = &scene->postscreen;

    scene->shared.myhostname = STR("mail.example.test");
    scene->shared.line_length_limit = 2048;
    scene->shared.ipc_timeout = seconds(60);
    scene->shared.smtputf8_enable = true;
    postscreen->loop = scene->loop;
    postscreen->shared = &scene->shared;
    postscreen->settings = load_settings(scene);
    postscreen->tables = table_set_create(&options);
    postscreen->forbidden_commands = match_list_open(postscreen->tables, STR("postscreen_forbidden_commands"),
                                                     STR("CONNECT GET POST"), MATCH_STRINGS, false);
    postscreen->command_filter = table_list_open(postscreen->tables, STR("postscreen_command_filter"), STR_EMPTY, 0);
    postscreen->discard_ehlo_keyword_maps = table_list_open(postscreen->tables, STR("x"), STR_EMPTY, 0);
    postscreen->reject_footer_maps = table_list_open(postscreen->tables, STR("y"), STR_EMPTY, 0);
    postscreen->tls_level = scene->second & NEEDS_TLS ? SCREEN_TLS_REQUIRED : SCREEN_TLS_NONE;
    postscreen->smtpd_path = socket_path;
}

static void run(struct scene *scene)
{
    const struct daemon_program screen = { .name = "postscreen", .session = serve };
    const struct daemon_program server = { .name = "smtpd", .session = take_session };
    int ends[2];

    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    scene->peer = ends[1];
    make_postscreen(scene);
    make_daemon(scene, &scene->screen, &screen);
    make_daemon(scene, &scene->server, &server);
    scene->server.arguments.transport = DAEMON_TRANSPORT_PASS;
    fiber_start(scene->loop, accept_one, scene);
    daemon_start_connection(&scene->screen, ends[0]);
    fiber_start(scene->loop, speak, scene);
    loop_run(scene->loop);
    CHECK(scene->is_over);
    look_at_replies(scene);
    fd_close(&scene->peer);
    table_set_destroy(&scene->postscreen.tables);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scene *scene;

    if (size < 2 || size > SAID_MAX)
        return 0;
    if (listening < 0)
        listen_as_smtpd();
    scene = memory_alloc(sizeof *scene);
    scene->first = data[0];
    scene->second = data[1];
    scene->said = str_make((const char *) data + 2, size - 2);
    strbuf_init(&scene->sent, SAID_MAX);
    strbuf_init(&scene->heard, HEARD_MAX);
    scene->arena = arena_create();
    scene->loop = loop_create();
    run(scene);
    loop_destroy(&scene->loop);
    arena_destroy(&scene->arena);
    strbuf_done(&scene->sent);
    strbuf_done(&scene->heard);
    memory_free(scene);
    return 0;
}
