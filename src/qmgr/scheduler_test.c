/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/scheduler.h"

#include "unit.h"

static const struct scheduler_limits two_at_once = {
    .concurrency = 4, .initial_concurrency = 2, .recipients = 50, .failed_cohorts = 1
};

static struct instant second(int64_t n)
{
    return instant_from_seconds(n);
}

static void add(struct transport *transport, const char *nexthop, void *message, size_t place, struct list *entries)
{
    struct str hop = str_from_c(nexthop);

    destination_add(transport_destination(transport, hop, STR("user@example.com")), message, place, entries);
}

TEST(destinations_take_turns)
{
    struct scheduler *scheduler = scheduler_create(seconds(300));
    struct transport *smtp = scheduler_add_transport(scheduler, STR("smtp"), &two_at_once, NULL);
    struct list entries;
    int messages[3];
    struct entry *taken[4];

    list_init(&entries);
    for (size_t i = 0; i < 3; i++)
        add(smtp, "a.example", &messages[i], 0, &entries);
    add(smtp, "b.example", &messages[0], 1, &entries);
    taken[0] = transport_next(smtp);
    taken[1] = transport_next(smtp);
    taken[2] = transport_next(smtp);
    EXPECT_STR(destination_nexthop(taken[0]->destination), STR("a.example"));
    EXPECT_STR(destination_nexthop(taken[1]->destination), STR("b.example"));
    EXPECT_STR(destination_nexthop(taken[2]->destination), STR("a.example"));
    EXPECT(transport_next(smtp) == NULL);
    EXPECT_UINT(transport_waiting(smtp), 1);
    entry_finish(taken[0]);
    taken[3] = transport_next(smtp);
    EXPECT(taken[3] != NULL && taken[3]->message == &messages[2]);
    for (size_t i = 1; i < 4; i++)
        entry_finish(taken[i]);
    EXPECT(list_is_empty(&entries));
    scheduler_destroy(&scheduler);
}

TEST(recipients_of_one_message_share_an_entry_up_to_the_limit)
{
    struct scheduler_limits limits = two_at_once;
    struct scheduler *scheduler = scheduler_create(seconds(300));
    struct transport *smtp;
    struct list entries;
    struct entry *first, *second_entry;
    int message;

    limits.recipients = 3;
    smtp = scheduler_add_transport(scheduler, STR("smtp"), &limits, NULL);
    list_init(&entries);
    for (size_t i = 0; i < 5; i++)
        add(smtp, "a.example", &message, i, &entries);
    first = transport_next(smtp);
    second_entry = transport_next(smtp);
    EXPECT_UINT(first->count, 3);
    EXPECT_UINT(first->places[2], 2);
    EXPECT_UINT(second_entry->count, 2);
    EXPECT_UINT(second_entry->places[0], 3);
    entry_finish(first);
    entry_finish(second_entry);
    scheduler_destroy(&scheduler);
}

TEST(a_recipient_limit_of_one_makes_the_recipient_the_destination)
{
    struct scheduler_limits limits = two_at_once;
    struct scheduler *scheduler = scheduler_create(seconds(300));
    struct transport *local;

    limits.recipients = 1;
    local = scheduler_add_transport(scheduler, STR("local"), &limits, NULL);
    EXPECT(transport_destination(local, STR("here"), STR("a@here")) !=
           transport_destination(local, STR("here"), STR("b@here")));
    scheduler_destroy(&scheduler);
}

static struct entry *take(struct transport *transport)
{
    struct entry *entry = transport_next(transport);

    EXPECT(entry != NULL);
    return entry;
}

TEST(a_window_full_of_failures_makes_a_destination_dead_for_its_time)
{
    struct scheduler *scheduler = scheduler_create(seconds(300));
    struct transport *smtp = scheduler_add_transport(scheduler, STR("smtp"), &two_at_once, NULL);
    struct destination *destination = transport_destination(smtp, STR("a.example"), STR(""));
    struct list entries;
    struct str dsn, reason;
    int messages[3];

    list_init(&entries);
    for (size_t i = 0; i < 3; i++)
        destination_add(destination, &messages[i], 0, &entries);
    EXPECT_FALSE(entry_finish_failed(take(smtp), second(10), STR("4.4.1"), STR("refused")));
    EXPECT(entry_finish_failed(take(smtp), second(10), STR("4.4.1"), STR("refused")));
    EXPECT(destination_is_dead(destination, second(309), &dsn, &reason));
    EXPECT_STR(dsn, STR("4.4.1"));
    EXPECT_STR(reason, STR("refused"));
    EXPECT(destination_first_waiting(destination)->message == &messages[2]);
    EXPECT_FALSE(destination_is_dead(destination, second(310), &dsn, &reason));
    entry_drop(destination_first_waiting(destination));
    scheduler_destroy(&scheduler);
}

TEST(success_widens_the_window_up_to_the_limit)
{
    struct scheduler *scheduler = scheduler_create(seconds(300));
    struct transport *smtp = scheduler_add_transport(scheduler, STR("smtp"), &two_at_once, NULL);
    struct list entries;
    struct entry *taken[10];
    int messages[20];
    size_t busy = 0;

    list_init(&entries);
    for (size_t i = 0; i < 20; i++)
        add(smtp, "a.example", &messages[i], 0, &entries);
    for (int round = 0; round < 6; round++) {
        while ((taken[busy] = transport_next(smtp)) != NULL)
            busy++;
        entry_finish(taken[--busy]);
    }
    while ((taken[busy] = transport_next(smtp)) != NULL)
        busy++;
    EXPECT_UINT(busy, 4);
    while (busy > 0)
        entry_finish(taken[--busy]);
    while (transport_first_waiting(smtp) != NULL)
        entry_drop(transport_first_waiting(smtp));
    scheduler_destroy(&scheduler);
}

TEST(what_comes_back_goes_first_again)
{
    struct scheduler *scheduler = scheduler_create(seconds(300));
    struct transport *smtp = scheduler_add_transport(scheduler, STR("smtp"), &two_at_once, NULL);
    struct list entries;
    int messages[2];
    struct entry *entry;

    list_init(&entries);
    add(smtp, "a.example", &messages[0], 0, &entries);
    add(smtp, "a.example", &messages[1], 0, &entries);
    entry_return(take(smtp));
    entry = take(smtp);
    EXPECT(entry->message == &messages[0]);
    entry_finish(entry);
    entry_finish(take(smtp));
    scheduler_destroy(&scheduler);
}
