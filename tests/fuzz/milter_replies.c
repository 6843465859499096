/* SPDX-License-Identifier: Apache-2.0 */
/*
 * milter_replies - what a mail filter says to everything that it is told, in pieces of any cut: whatever it is, each
 * question has one verdict, a refusal is a reply that cannot hold another, and what is to be changed stays within its
 * field. The input is a row of a length byte and as many bytes, each sent when a command has come; 255 stands for
 * 65,535.
 */

#include "base/check.h"
#include "base/strbuf.h"
#include "log/log.h"
#include "milter/milter.h"
#include "milter/packet.h"
#include "milter/service.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/socket.h"
#include "run/stream.h"

#include <unistd.h>

enum { CHANGES_MAX = 1000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct scene {
    struct str said;
    struct loop *loop;
    struct arena *arena;
    struct stream *there;
    struct fiber_group group;
    struct milter_settings settings;
    struct milter_service service;
    struct milters *milters;
};

static void forget_line(enum log_level level, struct str line, void *context)
{
    (void) level;
    (void) line;
    (void) context;
}

/* ---- the filter ---- */

static struct str next_piece(struct scene *scene)
{
    size_t length = scene->said.len > 0 ? (unsigned char) scene->said.data[0] : 0;
    struct str piece = str_part(str_from(scene->said, 1), 0, length == 255 ? 65535 : length);

    scene->said = str_from(scene->said, 1 + piece.len);
    return piece;
}

static void serve(void *context)
{
    struct scene *scene = context;
    struct str head, packet;
    uint32_t length;

    while (stream_read_exact(scene->there, 4, &head, NULL)) {
        CHECK(milter_packet_length(head.data, &length, NULL) && length <= STREAM_READ_MAX);
        CHECK(stream_read_exact(scene->there, length, &packet, NULL));
        if (strchr("ADQK", packet.data[0]) != NULL)
            continue;
        if (scene->said.len == 0 || !stream_write(scene->there, next_piece(scene), NULL) ||
            !stream_flush(scene->there, NULL))
            break;
    }
    stream_destroy(&scene->there);
}

static bool dial(void *context, const struct milter_service *service, int *fd_out, struct failure *why)
{
    struct scene *scene = context;
    int fds[2];

    (void) service;
    CHECK(socket_pair(fds, why) && stream_create(scene->loop, fds[1], seconds(60), &scene->there, why));
    fiber_group_start(&scene->group, serve, scene);
    *fd_out = fds[0];
    return true;
}

static bool find_macro(void *context, struct str name, struct strbuf *value)
{
    (void) context;
    return strbuf_append(value, name);
}

/* ---- what must hold ---- */

static bool is_reply_line(struct str line, struct str code, bool is_last)
{
    return line.len >= 4 && str_starts_with(line, code) && line.data[3] == (is_last ? ' ' : '-') &&
           str_find_any(line, "\r\n") == STR_NOT_FOUND && !str_contains_char(line, '\0');
}

static void look_at_verdict(const struct milter_verdict *verdict)
{
    struct str rest = verdict->reply, line;
    bool has_more = true;

    if (verdict->action == MILTER_CONTINUE || verdict->action == MILTER_HOLD || verdict->action == MILTER_DISCARD) {
        CHECK(verdict->reply.len == 0);
        return;
    }
    CHECK(rest.len > 4 && (rest.data[0] == '4' || rest.data[0] == '5'));
    while (has_more) {
        has_more = str_cut(rest, '\n', &line, &rest);
        CHECK(is_reply_line(line, str_part(verdict->reply, 0, 3), !has_more));
    }
}

static void look_at_change(const struct milter_change *change)
{
    struct str rest = change->value, line;

    CHECK(str_find_any(change->name, " :\r\n") == STR_NOT_FOUND && !str_contains_char(change->name, '\0'));
    CHECK(str_find_any(change->address, "\r\n") == STR_NOT_FOUND);
    (void) str_cut(rest, '\n', &line, &rest);
    while (rest.len > 0) {
        CHECK(rest.data[0] == ' ' || rest.data[0] == '\t');
        (void) str_cut(rest, '\n', &line, &rest);
    }
    CHECK(str_find(change->bytes, STR("\r\n")) == STR_NOT_FOUND);
}

static void end_message(struct scene *scene, struct milter *milter)
{
    struct milter_change change = { .kind = MILTER_CHANGE_BODY };

    milter_end_of_message(milter);
    for (int i = 0; change.kind != MILTER_CHANGE_NONE; i++) {
        CHECK(i < CHANGES_MAX * 70);
        milter_next_change(milter, scene->arena, &change);
        look_at_change(&change);
    }
    look_at_verdict(&change.verdict);
}

static bool goes_on(const struct milter_verdict *verdict)
{
    look_at_verdict(verdict);
    return verdict->action == MILTER_CONTINUE || verdict->action == MILTER_HOLD;
}

static void say_content(struct scene *scene, struct milter *milter)
{
    struct milter_verdict verdict = milter_header(milter, STR("Subject"), STR(" x"), scene->arena);

    if (!goes_on(&verdict))
        return;
    verdict = milter_end_of_headers(milter, scene->arena);
    if (!goes_on(&verdict))
        return;
    verdict = milter_body(milter, STR("one\ntwo\n"), scene->arena);
    if (goes_on(&verdict))
        end_message(scene, milter);
}

/* Lends it to ourselves, as smtpd does to cleanup. */
static void lend(struct scene *scene, struct milter *milter)
{
    struct milters *borrowed;
    struct str state;
    int fd;

    milter_lend(milter, scene->arena, &fd, &state);
    if (fd < 0)
        return;
    borrowed = milters_create_borrowed(scene->loop);
    /* UNSAFE: the copy is the borrower's. */
    CHECK(milters_borrow(borrowed, dup(fd), state, NULL));
    say_content(scene, milters_at(borrowed, 0));
    milters_returned(scene->milters, milters_conditions(borrowed, scene->arena));
    milters_destroy(&borrowed);
}

static bool say_envelope(struct scene *scene)
{
    struct str words[] = { STR("<a@example.test>"), STR("SIZE=1") };
    struct strlist arguments = { .items = words, .count = 2 };
    struct milter_verdict verdict = milters_mail(scene->milters, &arguments, scene->arena);

    if (!goes_on(&verdict))
        return false;
    verdict = milters_rcpt(scene->milters, &arguments, scene->arena);
    if (!goes_on(&verdict))
        return false;
    milters_rejected_rcpt(scene->milters, &arguments, scene->arena);
    verdict = milters_data(scene->milters, scene->arena);
    return goes_on(&verdict);
}

static void run(void *context)
{
    struct scene *scene = context;
    const struct milter_client client = { .name = STR("c"), .address = STR("192.0.2.1") };
    struct milter_verdict verdict = milters_connect(scene->milters, &client, scene->arena);

    look_at_verdict(&verdict);
    verdict = milters_helo(scene->milters, STR("h"), scene->arena);
    look_at_verdict(&verdict);
    verdict = milters_unknown(scene->milters, STR("FOO"), scene->arena);
    look_at_verdict(&verdict);
    for (int i = 0; i < 2; i++) {
        if (say_envelope(scene))
            lend(scene, milters_at(scene->milters, 0));
        milters_abort(scene->milters);
    }
    milters_quit(scene->milters);
    milters_destroy(&scene->milters);
    CHECK(fiber_group_wait(&scene->group, DURATION_FOREVER, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum milter_default actions[] = { MILTER_DEFAULT_TEMPFAIL, MILTER_DEFAULT_QUARANTINE };
    struct scene scene = { .loop = loop_create(), .arena = arena_create() };
    const struct milter_services services = { .items = &scene.service, .count = 1 };
    const struct milters_options options = {
        .loop = scene.loop,
        .settings = &scene.settings,
        .dial = dial,
        .dial_context = &scene,
        .macro = find_macro,
    };

    log_set_sink(forget_line, NULL);
    scene.said = size > 1 ? str_make((const char *) data + 1, size - 1) : STR_EMPTY;
    scene.settings = (struct milter_settings){ .connect_macros = STR("j {v}"), .end_of_data_macros = STR("i") };
    scene.service = (struct milter_service){ .name = STR("inet:fake"),
                                             .connect_timeout = milliseconds(20),
                                             .command_timeout = milliseconds(20),
                                             .content_timeout = milliseconds(20),
                                             .default_action = actions[size > 0 ? data[0] % 2 : 0],
                                             .version = size > 0 && (data[0] & 2) != 0 ? 2 : 6 };
    scene.milters = milters_create(&options, &services);
    fiber_group_init(&scene.group, scene.loop);
    fiber_run(scene.loop, run, &scene);
    loop_destroy(&scene.loop);
    arena_destroy(&scene.arena);
    return 0;
}
