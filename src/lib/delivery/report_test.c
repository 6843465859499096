/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"
#include "config/shared_settings.h"
#include "delivery/agent_private.h"
#include "delivery/settings.h"

#include "unit.h"

enum { RECIPIENTS = 3 };

/* A delivery whose channel is gone, so that outcomes are only kept. */
struct scene {
    struct arena *arena;
    struct shared_settings shared;
    struct delivery_settings settings;
    struct delivery_agent agent;
    struct deliver_request request;
    struct deliver_recipient recipients[RECIPIENTS];
    struct deliver_result results[RECIPIENTS];
    struct delivery_batch batches[RECIPIENTS];
    bool is_reported[RECIPIENTS];
    struct delivery_state state;
    struct delivery delivery;
};

static struct scene *open_scene(bool soft_bounce)
{
    struct scene *scene = memory_alloc(sizeof(*scene));

    scene->arena = arena_create();
    scene->shared.soft_bounce = soft_bounce;
    scene->agent.settings = &scene->settings;
    scene->request.queue_id = STR("98AC3161ABF");
    scene->request.attempt = 4;
    for (size_t i = 0; i < RECIPIENTS; i++)
        scene->recipients[i] = (struct deliver_recipient){ .index = 10 + i, .address = STR("user@example.com") };
    scene->state = (struct delivery_state){ .agent = &scene->agent,
                                            .delivery = &scene->delivery,
                                            .results = scene->results,
                                            .is_reported = scene->is_reported,
                                            .batches = scene->batches,
                                            .is_lost = true };
    scene->delivery = (struct delivery){ .arena = scene->arena,
                                         .request = &scene->request,
                                         .recipients = scene->recipients,
                                         .recipient_count = RECIPIENTS,
                                         .shared = &scene->shared,
                                         .state = &scene->state };
    return scene;
}

static void close_scene(struct scene **scene)
{
    arena_destroy(&(*scene)->arena);
    memory_free(*scene);
    *scene = NULL;
}

TEST(a_report_becomes_the_result_of_its_recipient)
{
    struct scene *scene = open_scene(false);
    struct delivery_report report = { .dsn = DSN_STATUS(5, 1, 1),
                                      .text = STR("no such user"),
                                      .action = STR("relayed") };

    delivery_bounced(&scene->delivery, 1, &report);
    EXPECT(delivery_is_reported(&scene->delivery, 1));
    EXPECT_FALSE(delivery_is_reported(&scene->delivery, 0));
    EXPECT_UINT(scene->state.result_count, 1);
    EXPECT_UINT(scene->results[0].index, 11);
    EXPECT_UINT(scene->results[0].status, DELIVER_BOUNCED);
    EXPECT_STR(scene->results[0].dsn, STR("5.1.1"));
    EXPECT_STR(scene->results[0].reason, STR("no such user"));
    EXPECT_STR(scene->results[0].relay, STR("none"));
    EXPECT_STR(scene->results[0].action, STR("relayed"));
    close_scene(&scene);
}

TEST(the_class_of_the_status_follows_the_outcome)
{
    static const struct {
        void (*report)(struct delivery *delivery, size_t recipient, const struct delivery_report *report);
        bool soft_bounce;
        enum deliver_status status;
        const char *dsn;
    } rows[] = {
        { delivery_sent, false, DELIVER_SENT, "2.2.2" },        { delivery_deferred, false, DELIVER_DEFERRED, "4.2.2" },
        { delivery_bounced, false, DELIVER_BOUNCED, "5.2.2" },  { delivery_bounced, true, DELIVER_DEFERRED, "4.2.2" },
        { delivery_deferred, true, DELIVER_DEFERRED, "4.2.2" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct scene *scene = open_scene(rows[i].soft_bounce);
        struct delivery_report report = { .dsn = DSN_STATUS(5, 2, 2), .text = STR("text") };

        rows[i].report(&scene->delivery, 0, &report);
        EXPECT_UINT(scene->results[0].status, rows[i].status);
        EXPECT_STR(scene->results[0].dsn, str_from_c(rows[i].dsn));
        close_scene(&scene);
    }
}

TEST(a_trial_tells_what_would_be_without_soft_bounce)
{
    struct scene *scene = open_scene(true);
    struct delivery_report report = { .dsn = DSN_STATUS(5, 1, 1), .text = STR("unknown user") };

    scene->request.flags = DELIVER_FLAG_VERIFY;
    delivery_bounced(&scene->delivery, 0, &report);
    EXPECT_UINT(scene->results[0].status, DELIVER_BOUNCED);
    EXPECT_STR(scene->results[0].dsn, STR("5.1.1"));
    close_scene(&scene);
}

TEST(text_is_cut_to_what_the_queue_manager_takes)
{
    struct scene *scene = open_scene(false);
    char *text = memory_alloc(5000);
    struct delivery_report report = { .dsn = DSN_STATUS(4, 0, 0), .text = str_make(text, 5000), .is_logged = true };

    memset(text, 'x', 5000);
    report.relay = report.text;
    delivery_deferred(&scene->delivery, 0, &report);
    EXPECT_UINT(scene->results[0].reason.len, 4096);
    EXPECT_UINT(scene->results[0].relay.len, 1024);
    memory_free(text);
    close_scene(&scene);
}

/* Beside the recipient's own result, in its batch and no other. */
TEST(members_go_with_their_recipient)
{
    struct scene *scene = open_scene(true);
    struct delivery_report report = { .dsn = DSN_STATUS(5, 1, 1), .text = STR("no such user "), .is_logged = true };
    const struct deliver_result *members;
    struct deliver_outcome outcome;

    scene->state.delivery = &scene->delivery;
    for (size_t i = 0; i < DELIVER_MEMBERS_MAXIMUM + 5; i++) {
        report.address = arena_printf(scene->arena, "member%zu@example.com", i);
        delivery_member(&scene->delivery, 1, DELIVER_BOUNCED, &report);
    }
    delivery_bounced(&scene->delivery, 1, &report);
    delivery_sync(&scene->delivery);
    outcome = delivery_batch_outcome(&scene->state, 0);
    EXPECT_UINT(outcome.results.count, 1);
    EXPECT_UINT(outcome.members.count, DELIVER_MEMBERS_MAXIMUM);
    members = outcome.members.items;
    EXPECT_UINT(members[7].index, 11);
    EXPECT_STR(members[7].address, STR("member7@example.com"));
    EXPECT_STR(members[7].reason, STR("no such user"));
    EXPECT_UINT(members[7].status, DELIVER_DEFERRED);
    EXPECT_STR(members[7].dsn, STR("4.1.1"));
    delivery_sent(&scene->delivery, 2, &report);
    delivery_sync(&scene->delivery);
    EXPECT_UINT(delivery_batch_outcome(&scene->state, 1).members.count, 0);
    close_scene(&scene);
}

TEST(a_sync_makes_one_batch_of_what_is_new)
{
    struct scene *scene = open_scene(false);
    struct delivery_report report = { .dsn = DSN_STATUS(2, 0, 0), .text = STR("ok"), .is_logged = true };
    struct deliver_outcome outcome;

    delivery_sent(&scene->delivery, 0, &report);
    delivery_sent(&scene->delivery, 2, &report);
    delivery_sync(&scene->delivery);
    delivery_sync(&scene->delivery);
    EXPECT_UINT(scene->state.batch_count, 1);
    delivery_sent(&scene->delivery, 1, &report);
    delivery_sync(&scene->delivery);
    EXPECT_UINT(scene->state.batch_count, 2);
    outcome = delivery_batch_outcome(&scene->state, 0);
    EXPECT_STR(outcome.queue_id, STR("98AC3161ABF"));
    EXPECT_UINT(outcome.attempt, 4);
    EXPECT_UINT(outcome.number, 1);
    EXPECT_UINT(outcome.results.count, 2);
    outcome = delivery_batch_outcome(&scene->state, 1);
    EXPECT_UINT(outcome.number, 2);
    EXPECT_UINT(((struct deliver_result *) outcome.results.items)->index, 11);
    close_scene(&scene);
}

TEST(a_dead_hop_is_told_with_its_reason)
{
    struct scene *scene = open_scene(false);

    delivery_hop_failed(&scene->delivery, DSN_STATUS(4, 4, 1), STR("connection refused"));
    EXPECT_STR(scene->state.done.hop_dsn, STR("4.4.1"));
    EXPECT_STR(scene->state.done.hop_reason, STR("connection refused"));
    close_scene(&scene);
}
