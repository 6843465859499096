/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/resolver.h"

#include "os/fd.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/socket.h"
#include "unit.h"

#include <stdio.h>
#include <unistd.h>

/* A rewrite service that counts what it is asked, and a resolver in front of it. */
struct stage {
    struct loop *loop;
    struct arena *arena;
    char path[200];
    int listen_fd;
    struct listener *listener;
    struct endpoint *endpoint;
    struct resolver *resolver;
    uint64_t generation;
    unsigned asked; /* addresses */
    struct str sender;
};

static void answer(struct call *call, void *context)
{
    struct stage *stage = context;
    struct arena *arena = arena_create();
    struct failure why;
    void *message;

    if (call_expect(call, &resolve_request_message, arena, seconds(10), &message, &why)) {
        const struct resolve_request *request = message;
        struct resolved_address *items = arena_new_array(arena, request->addresses.count, struct resolved_address);
        struct resolve_reply reply = { stage->generation, { items, request->addresses.count } };

        stage->sender = arena_str(stage->arena, request->sender);
        for (size_t i = 0; i < request->addresses.count; i++) {
            struct str address = request->addresses.items[i];
            bool is_broken = str_equal(address, STR("broken"));

            stage->asked++;
            items[i] = (struct resolved_address){ .status = is_broken ? RESOLVE_DEFER : RESOLVE_OK,
                                                  .transport = STR("smtp"),
                                                  .nexthop = str_part(address, 2, address.len),
                                                  .recipient = address };
        }
        EXPECT(call_send(call, &resolve_reply_message, &reply, seconds(10), &why));
    }
    arena_destroy(&arena);
}

static void serve(void *context)
{
    struct stage *stage = context;
    struct failure why;
    int fd;

    EXPECT(listener_accept(stage->listener, seconds(10), &fd, NULL, &why));
    (void) !channel_serve(stage->loop, fd, &rewrite_protocol, answer, stage, NULL, &why);
}

/* How many of the two addresses the service was asked for. */
static unsigned ask_two(struct stage *stage, const char *sender, const char *first, const char *second, int64_t now)
{
    const struct str addresses[] = { str_from_c(first), str_from_c(second) };
    struct resolved_address answers[2];
    unsigned before = stage->asked;
    bool is_known =
        resolver_recall(stage->resolver, str_from_c(sender), addresses, 2, instant_from_seconds(now), answers);
    struct failure why;

    for (size_t i = 0; is_known && i < 2; i++)
        EXPECT_STR(answers[i].recipient, addresses[i]);
    EXPECT(resolver_ask(stage->resolver, str_from_c(sender), addresses, 2, instant_from_seconds(now), stage->arena,
                        answers, &why));
    for (size_t i = 0; i < 2; i++) {
        EXPECT_STR(answers[i].recipient, addresses[i]);
        EXPECT_STR(answers[i].transport, STR("smtp"));
    }
    EXPECT_INT(is_known, stage->asked == before);
    return stage->asked - before;
}

static void play(bool is_sender_dependent, void (*scene)(void *context))
{
    struct stage stage = { .loop = loop_create(), .arena = arena_create(), .generation = 7 };
    struct failure why;

    (void) snprintf(stage.path, sizeof stage.path, "%s/rewrite", unit_directory());
    EXPECT(socket_listen_unix(stage.path, 10, &stage.listen_fd, &why));
    EXPECT(listener_create(stage.loop, stage.listen_fd, &stage.listener, &why));
    stage.endpoint = endpoint_create(stage.loop, stage.path, &rewrite_protocol, seconds(10));
    stage.resolver = resolver_create(stage.endpoint, is_sender_dependent, seconds(10));
    fiber_start(stage.loop, serve, &stage);
    fiber_run(stage.loop, scene, &stage);
    listener_destroy(&stage.listener);
    fd_close(&stage.listen_fd);
    (void) unlink(stage.path);
    loop_destroy(&stage.loop);
    arena_destroy(&stage.arena);
}

static void end(struct stage *stage)
{
    resolver_destroy(&stage->resolver);
    endpoint_destroy(&stage->endpoint);
}

static void ask_again(void *context)
{
    struct stage *stage = context;
    EXPECT_UINT(ask_two(stage, "s@x.test", "a@b.test", "c@d.test", 1000), 2);
    EXPECT_UINT(ask_two(stage, "t@x.test", "a@b.test", "c@d.test", 1001), 0);
    EXPECT_UINT(ask_two(stage, "s@x.test", "e@f.test", "c@d.test", 1030), 1);
    EXPECT_UINT(stage->sender.len, 0);
    end(stage);
}

TEST(what_was_answered_is_not_asked_again)
{
    play(false, ask_again);
}

static void ask_late(void *context)
{
    struct stage *stage = context;
    EXPECT_UINT(ask_two(stage, "s@x.test", "a@b.test", "c@d.test", 1000), 2);
    EXPECT_UINT(ask_two(stage, "s@x.test", "a@b.test", "c@d.test", 1061), 2);
    stage->generation++;
    EXPECT_UINT(ask_two(stage, "s@x.test", "a@b.test", "new@d.test", 1062), 1);
    EXPECT_UINT(ask_two(stage, "s@x.test", "a@b.test", "new@d.test", 1063), 1);
    EXPECT_UINT(ask_two(stage, "s@x.test", "a@b.test", "new@d.test", 1064), 0);
    end(stage);
}

TEST(answers_are_forgotten_after_a_minute_and_with_another_generation_of_tables)
{
    play(false, ask_late);
}

static void ask_for_senders(void *context)
{
    struct stage *stage = context;
    EXPECT_UINT(ask_two(stage, "s@x.test", "a@b.test", "c@d.test", 1000), 2);
    EXPECT_UINT(ask_two(stage, "t@x.test", "a@b.test", "c@d.test", 1001), 2);
    EXPECT_STR(stage->sender, STR("t@x.test"));
    EXPECT_UINT(ask_two(stage, "s@x.test", "a@b.test", "c@d.test", 1002), 0);
    end(stage);
}

TEST(with_tables_by_sender_each_sender_has_answers_of_its_own)
{
    play(true, ask_for_senders);
}

static void ask_broken(void *context)
{
    struct stage *stage = context;
    EXPECT_UINT(ask_two(stage, "s@x.test", "broken", "c@d.test", 1000), 2);
    EXPECT_UINT(ask_two(stage, "s@x.test", "broken", "c@d.test", 1001), 1);
    end(stage);
}

TEST(a_failure_is_asked_again)
{
    play(false, ask_broken);
}
