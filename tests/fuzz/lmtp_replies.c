/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lmtp_replies - what an LMTP server says from MAIL to its answer for each recipient, cut off anywhere: everybody has
 * one outcome, or none where another server may be asked. The first byte chooses how many recipients there are and what
 * the server has announced.
 */

#include "base/check.h"
#include "base/memory.h"
#include "checks/checks.h"
#include "config/main_cf.h"
#include "config/shared_settings.h"
#include "delivery/agent_private.h"
#include "delivery/settings.h"
#include "log/log.h"
#include "run/loop.h"
#include "run/stream.h"
#include "smtp/attempt.h"
#include "smtp/session.h"
#include "smtp/smtp.h"
#include "smtp/transaction.h"

#include <sys/socket.h>
#include <unistd.h>

enum {
    RECIPIENTS_MAX = 4,
    SAID_MAX = 32768, /* fits into the socket, so that nobody waits */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct scene {
    struct str said;
    unsigned choice;
    struct arena *arena;
    struct smtp smtp;
    struct shared_settings shared;
    struct delivery_settings delivery_settings;
    struct delivery_agent agent;
    struct deliver_request request;
    struct deliver_recipient recipients[RECIPIENTS_MAX];
    struct deliver_result results[RECIPIENTS_MAX];
    struct delivery_batch batches[RECIPIENTS_MAX];
    bool is_reported[RECIPIENTS_MAX];
    struct delivery_state state;
    struct delivery delivery;
    struct attempt attempt;
    struct smtp_session session;
};

static void forget_line(enum log_level level, struct str line, void *context)
{
    (void) level;
    (void) line;
    (void) context;
}

static struct smtp_settings *load_settings(struct arena *arena)
{
    struct main_cf *cf;
    struct failure why;
    void *settings;

    CHECK(main_cf_parse(STR_EMPTY, STR("main.cf"), STR("."), arena, &cf, &why));
    CHECK(settings_load(&lmtp_settings_table, cf, STR("lmtp"), arena, &settings, &why));
    return settings;
}

/* A delivery whose channel is gone, so that outcomes are only kept. */
static void make_delivery(struct scene *scene)
{
    size_t count = 1 + scene->choice % RECIPIENTS_MAX;

    scene->agent.settings = &scene->delivery_settings;
    for (size_t i = 0; i < count; i++)
        scene->recipients[i] = (struct deliver_recipient){ .index = i, .address = STR("user@example.test") };
    scene->request = (struct deliver_request){ .queue_id = STR("98AC3161ABF"),
                                               .sender = STR("sender@example.test"),
                                               .content = STR("Subject: x\n\n.x\n"),
                                               .size = 15,
                                               .lines = 3,
                                               .recipients = { scene->recipients, count },
                                               .content_fd = -1 };
    scene->state = (struct delivery_state){ .agent = &scene->agent,
                                            .delivery = &scene->delivery,
                                            .results = scene->results,
                                            .is_reported = scene->is_reported,
                                            .batches = scene->batches,
                                            .is_lost = true };
    scene->delivery = (struct delivery){ .loop = scene->smtp.loop,
                                         .arena = scene->arena,
                                         .request = &scene->request,
                                         .recipients = scene->recipients,
                                         .recipient_count = count,
                                         .shared = &scene->shared,
                                         .state = &scene->state };
    scene->attempt = (struct attempt){ .smtp = &scene->smtp,
                                       .delivery = &scene->delivery,
                                       .is_last_host = (scene->choice & 0x10) != 0,
                                       .has_session = true };
}

static void make_session(struct scene *scene, struct stream *stream)
{
    scene->session = (struct smtp_session){
        .smtp = &scene->smtp,
        .arena = scene->arena,
        .stream = stream,
        .host = STR("box.example.test"),
        .name_address = STR("box.example.test[127.0.0.1]"),
        .name_address_port = STR("box.example.test[127.0.0.1]:24"),
        .address = STR("127.0.0.1"),
        .uses = (scene->choice & 0x40) != 0 ? 2 : 1,
        .needs_reset = (scene->choice & 0x40) != 0,
    };
    if ((scene->choice & 0x20) != 0)
        scene->session.extensions.offered = SMTP_EXTENSION_PIPELINING | SMTP_EXTENSION_8BITMIME | SMTP_EXTENSION_DSN;
    smtp_reply_init(&scene->session.reply);
}

static void run(void *context)
{
    struct scene *scene = context;
    struct stream *stream;
    struct failure why;
    int ends[2];

    /* UNSAFE: the other end belongs to no stream, and is written at once. */
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    CHECK(send(ends[1], scene->said.data, scene->said.len, MSG_NOSIGNAL) == (ssize_t) scene->said.len);
    CHECK(shutdown(ends[1], SHUT_WR) == 0);
    CHECK(stream_create(scene->smtp.loop, ends[0], seconds(60), &stream, &why));
    make_delivery(scene);
    make_session(scene, stream);
    (void) transaction_run(&scene->session, &scene->attempt);
    CHECK(scene->state.result_count <= scene->delivery.recipient_count);
    if (scene->attempt.is_last_host && scene->attempt.trouble.text.len > 0)
        attempt_give_up(&scene->attempt);
    for (size_t i = 0; i < scene->state.result_count; i++)
        CHECK(scene->results[i].dsn.len >= 5 && scene->results[i].status <= DELIVER_BOUNCED);
    smtp_reply_done(&scene->session.reply);
    stream_destroy(&stream);
    close(ends[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct table_set_options options = { 0 };
    const struct checks_options checks = { .body_size_limit = 0 };
    struct scene *scene;

    if (size == 0 || size > SAID_MAX)
        return 0;
    log_set_sink(forget_line, NULL);
    scene = memory_alloc(sizeof(*scene));
    scene->choice = data[0];
    scene->said = str_make((const char *) data + 1, size - 1);
    scene->arena = arena_create();
    scene->smtp.loop = loop_create();
    scene->smtp.is_lmtp = true;
    scene->smtp.myhostname = STR("mail.example.test");
    scene->smtp.shared = &scene->shared;
    scene->smtp.settings = load_settings(scene->arena);
    scene->smtp.tables.set = table_set_create(&options);
    scene->smtp.tables.checks = checks_open(scene->smtp.tables.set, &checks, scene->arena);
    scene->smtp.tables.reply_filter = table_list_open(scene->smtp.tables.set, STR("lmtp_reply_filter"), STR_EMPTY, 0);
    fiber_start(scene->smtp.loop, run, scene);
    loop_run(scene->smtp.loop);
    loop_destroy(&scene->smtp.loop);
    table_set_destroy(&scene->smtp.tables.set);
    arena_destroy(&scene->arena);
    memory_free(scene);
    return 0;
}
