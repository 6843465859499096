/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/scheduler.h"

#include "unit.h"

enum { MESSAGES = 40 };

/* Messages are one character in the orders below: 1, 2, ... */
struct bench {
    struct scheduler *scheduler;
    struct transport *transport;
    struct list entries;
    struct mailing mailings[MESSAGES];
    char names[MESSAGES];
};

static struct instant second(int64_t n)
{
    return instant_from_seconds(n);
}

static struct scheduler_limits usual_limits(void)
{
    return (struct scheduler_limits){
        .concurrency = 4,
        .initial_concurrency = 2,
        .recipients = 50,
        .failed_cohorts = 1,
        .positive = { 1, FEEDBACK_CONSTANT },
        .negative = { 1, FEEDBACK_CONSTANT },
    };
}

static void set_up(struct bench *bench, const struct scheduler_limits *limits)
{
    static const char names[] = "123456789abcdefghijklmnopqrstuvwxyzABCDE";

    bench->scheduler = scheduler_create(seconds(300), 2);
    bench->transport = scheduler_add_transport(bench->scheduler, STR("smtp"), limits, NULL);
    list_init(&bench->entries);
    for (size_t i = 0; i < MESSAGES; i++) {
        bench->names[i] = names[i];
        mailing_init(bench->scheduler, &bench->mailings[i], false, second(1));
    }
}

static void tear_down(struct bench *bench)
{
    for (size_t i = 0; i < MESSAGES; i++)
        mailing_set_unread(&bench->mailings[i], 0);
    while (transport_first_waiting(bench->transport) != NULL)
        entry_drop(transport_first_waiting(bench->transport));
    EXPECT(list_is_empty(&bench->entries));
    for (size_t i = 0; i < MESSAGES; i++)
        EXPECT(list_is_empty(&bench->mailings[i].jobs));
    scheduler_destroy(&bench->scheduler);
}

static struct destination *destination_of(struct bench *bench, const char *nexthop, const char *address)
{
    return transport_destination(bench->transport, str_from_c(nexthop), str_from_c(address));
}

/* The n-th message (from 1) gets one more recipient at the hop. */
static void add(struct bench *bench, size_t n, const char *nexthop, size_t place)
{
    destination_add(destination_of(bench, nexthop, "u@example.com"), &bench->mailings[n - 1], &bench->names[n - 1],
                    place, &bench->entries);
}

/* count recipients, each an entry of its own at the one destination. */
static void add_many(struct bench *bench, size_t n, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < transport_limits(bench->transport)->recipients; j++)
            add(bench, n, "a.example", i * 100 + j);
}

static struct entry *take_at(struct bench *bench, struct instant now)
{
    struct entry *entry = transport_next(bench->transport, now);

    EXPECT(entry != NULL);
    return entry;
}

static struct entry *take(struct bench *bench)
{
    return take_at(bench, second(1));
}

static char name_of(const struct entry *entry)
{
    return *(const char *) entry->message;
}

/* What goes if one delivery goes after the other. */
static void expect_order(struct bench *bench, const char *order)
{
    char seen[200] = "";
    size_t count = 0;
    struct entry *entry;

    while (count < sizeof seen - 1 && (entry = transport_next(bench->transport, second(1))) != NULL) {
        seen[count++] = name_of(entry);
        entry_finish(entry, second(1));
    }
    EXPECT_TEXT(seen, order);
}

TEST(messages_go_in_the_order_they_came_and_a_full_window_lets_the_others_pass)
{
    const struct scheduler_limits limits = usual_limits();
    struct bench bench;
    struct entry *taken[4];

    set_up(&bench, &limits);
    for (size_t i = 1; i <= 3; i++)
        add(&bench, i, "a.example", 0);
    add(&bench, 1, "b.example", 1);
    taken[0] = take(&bench);
    taken[1] = take(&bench);
    taken[2] = take(&bench);
    EXPECT_STR(destination_nexthop(taken[0]->destination), STR("a.example"));
    EXPECT_STR(destination_nexthop(taken[1]->destination), STR("b.example"));
    EXPECT(name_of(taken[2]) == '2');
    EXPECT(transport_next(bench.transport, second(1)) == NULL);
    EXPECT_UINT(transport_waiting(bench.transport), 1);
    entry_finish(taken[0], second(1));
    taken[3] = take(&bench);
    EXPECT(name_of(taken[3]) == '3');
    for (size_t i = 1; i < 4; i++)
        entry_finish(taken[i], second(1));
    tear_down(&bench);
}

TEST(destinations_of_one_message_take_turns)
{
    struct scheduler_limits limits = usual_limits();
    struct bench bench;
    char seen[7] = "";

    limits.recipients = 2;
    limits.initial_concurrency = 4;
    set_up(&bench, &limits);
    for (size_t i = 0; i < 6; i++)
        add(&bench, 1, "a.example", i);
    add(&bench, 1, "b.example", 6);
    add(&bench, 1, "c.example", 7);
    for (size_t i = 0; i < 5; i++) {
        struct entry *entry = take(&bench);

        seen[i] = destination_nexthop(entry->destination).data[0];
        entry_finish(entry, second(1));
    }
    EXPECT_TEXT(seen, "abcaa");
    tear_down(&bench);
}

TEST(recipients_of_one_message_share_an_entry_up_to_the_limit)
{
    struct scheduler_limits limits = usual_limits();
    struct bench bench;
    struct entry *first, *second_entry;

    limits.recipients = 3;
    set_up(&bench, &limits);
    for (size_t i = 0; i < 5; i++)
        add(&bench, 1, "a.example", i);
    first = take(&bench);
    second_entry = take(&bench);
    EXPECT_UINT(first->count, 3);
    EXPECT_UINT(first->places[2], 2);
    EXPECT_UINT(second_entry->count, 2);
    EXPECT_UINT(second_entry->places[0], 3);
    entry_finish(first, second(1));
    entry_finish(second_entry, second(1));
    tear_down(&bench);
}

TEST(parts_of_one_message_share_its_turn_and_not_an_entry)
{
    const struct scheduler_limits limits = usual_limits();
    struct bench bench;
    char part = 'x';

    set_up(&bench, &limits);
    add(&bench, 1, "a.example", 0);
    add(&bench, 2, "a.example", 0);
    destination_add(destination_of(&bench, "a.example", ""), &bench.mailings[0], &part, 0, &bench.entries);
    expect_order(&bench, "1x2");
    tear_down(&bench);
}

TEST(a_recipient_that_goes_alone_is_joined_by_no_other)
{
    struct scheduler_limits limits = usual_limits();
    struct bench bench;
    struct entry *shared, *alone;

    set_up(&bench, &limits);
    add(&bench, 1, "here", 0);
    destination_add_alone(destination_of(&bench, "here", "u@example.com"), &bench.mailings[0], &bench.names[0], 1,
                          &bench.entries);
    add(&bench, 1, "here", 2);
    shared = take(&bench);
    alone = take(&bench);
    EXPECT_UINT(shared->count, 2);
    EXPECT_UINT(shared->places[1], 2);
    EXPECT_UINT(alone->count, 1);
    EXPECT_UINT(alone->places[0], 1);
    entry_finish(shared, second(1));
    entry_finish(alone, second(1));
    tear_down(&bench);
}

TEST(a_recipient_limit_of_one_makes_the_recipient_the_destination)
{
    struct scheduler_limits limits = usual_limits();
    struct bench bench;

    limits.recipients = 1;
    set_up(&bench, &limits);
    EXPECT(destination_of(&bench, "here", "a@here") != destination_of(&bench, "here", "b@here"));
    tear_down(&bench);
}

TEST(what_others_have_in_hand_counts_in_the_window)
{
    struct scheduler_limits limits = usual_limits();
    struct destination *destination;
    struct entry *entry;
    struct bench bench;

    limits.destination_delay = seconds(5);
    set_up(&bench, &limits);
    destination = destination_of(&bench, "a.example", "");
    destination_occupy(destination);
    add(&bench, 1, "a.example", 0);
    EXPECT_FALSE(transport_is_ready(bench.transport, second(1)));
    add(&bench, 2, "b.example", 0);
    EXPECT(transport_is_ready(bench.transport, second(1)));
    /* Its end is the end of a delivery like any other: the pause begins there. */
    destination_vacate(destination, second(2));
    entry = transport_next(bench.transport, second(2));
    EXPECT(entry != NULL && entry->destination != destination);
    EXPECT(transport_next(bench.transport, second(2)) == NULL);
    entry_finish(entry, second(2));
    entry = transport_next(bench.transport, second(7));
    EXPECT(entry != NULL && entry->destination == destination);
    entry_finish(entry, second(7));
    EXPECT(transport_next(bench.transport, second(12)) == NULL);
    tear_down(&bench);
}

TEST(a_destination_lives_as_long_as_others_have_something_in_hand_for_it)
{
    struct scheduler_limits limits = usual_limits();
    struct bench bench;

    set_up(&bench, &limits);
    for (size_t i = 0; i < limits.initial_concurrency; i++)
        destination_occupy(destination_of(&bench, "a.example", ""));
    EXPECT_UINT(destination_entries(destination_of(&bench, "a.example", "")), limits.initial_concurrency);
    add(&bench, 1, "a.example", 0);
    EXPECT_FALSE(transport_is_ready(bench.transport, second(1)));
    destination_vacate(destination_of(&bench, "a.example", ""), second(1));
    EXPECT(transport_is_ready(bench.transport, second(1)));
    expect_order(&bench, "1");
    destination_vacate(destination_of(&bench, "a.example", ""), second(1));
    EXPECT_UINT(destination_entries(destination_of(&bench, "a.example", "")), 0);
    tear_down(&bench);
}

/* What stock does with a message of 40 deliveries and six messages of one behind it. */
TEST(small_messages_overtake_one_by_one_for_each_slot_that_the_large_one_earns)
{
    struct scheduler_limits limits = usual_limits();
    struct bench bench;

    limits.recipients = 2;
    limits.slot_cost = 5;
    limits.slot_loan = 3;
    limits.slot_discount = 50;
    limits.minimum_slots = 3;
    set_up(&bench, &limits);
    add_many(&bench, 1, 20);
    for (size_t i = 2; i <= 7; i++)
        add(&bench, i, "a.example", 0);
    expect_order(&bench, "21111131111141111151111167");
    tear_down(&bench);
}

TEST(what_is_advanced_is_earned_before_the_next_overtakes)
{
    struct scheduler_limits limits = usual_limits();
    struct bench bench;

    limits.recipients = 1;
    limits.slot_cost = 2;
    limits.slot_discount = 50;
    set_up(&bench, &limits);
    add_many(&bench, 1, 10);
    add_many(&bench, 2, 2);
    add_many(&bench, 3, 2);
    expect_order(&bench, "11221111331111");
    tear_down(&bench);
    limits.slot_discount = 0;
    set_up(&bench, &limits);
    add_many(&bench, 1, 12);
    add_many(&bench, 2, 2);
    add_many(&bench, 3, 2);
    expect_order(&bench, "1111221111331111");
    tear_down(&bench);
}

TEST(nothing_overtakes_at_no_cost_or_a_message_too_small)
{
    struct scheduler_limits limits = usual_limits();
    struct bench bench;

    limits.recipients = 1;
    set_up(&bench, &limits);
    add_many(&bench, 1, 10);
    add(&bench, 2, "a.example", 0);
    expect_order(&bench, "11111111112");
    tear_down(&bench);
    limits.slot_cost = 5;
    limits.slot_loan = 3;
    limits.minimum_slots = 3;
    set_up(&bench, &limits);
    add_many(&bench, 1, 14);
    add(&bench, 2, "a.example", 0);
    expect_order(&bench, "111111111111112");
    tear_down(&bench);
}

TEST(who_overtook_is_overtaken_in_turn_at_its_own_cost)
{
    struct scheduler_limits limits = usual_limits();
    struct bench bench;

    limits.recipients = 1;
    limits.slot_cost = 2;
    limits.slot_loan = 100;
    limits.slot_discount = 0;
    limits.minimum_slots = 1;
    set_up(&bench, &limits);
    add_many(&bench, 1, 8);
    add_many(&bench, 2, 4);
    expect_order(&bench, "222211111111");
    add_many(&bench, 3, 16);
    add_many(&bench, 4, 4);
    add_many(&bench, 5, 1);
    /* The one with the longest wait for each of its deliveries is first; then the large one earns back what it gave. */
    expect_order(&bench, "533444433333333333333");
    tear_down(&bench);
}

TEST(what_an_overtaker_does_not_use_is_given_back)
{
    struct scheduler_limits limits = usual_limits();
    struct bench bench;

    limits.recipients = 1;
    limits.slot_cost = 2;
    limits.slot_loan = 100;
    limits.minimum_slots = 1;
    set_up(&bench, &limits);
    add_many(&bench, 1, 10);
    add_many(&bench, 2, 3);
    {
        struct entry *entry = take(&bench);

        EXPECT(name_of(entry) == '2');
        while (entry->message_node.next != entry->message_node.previous && bench.mailings[1].jobs.next != NULL &&
               transport_waiting(bench.transport) > 10)
            entry_drop(CONTAINER_OF(bench.entries.previous, struct entry, message_node));
        entry_finish(entry, second(1));
    }
    add_many(&bench, 3, 1);
    expect_order(&bench, "11311111111");
    tear_down(&bench);
}

TEST(a_message_at_a_full_destination_neither_blocks_nor_overtakes)
{
    struct scheduler_limits limits = usual_limits();
    struct bench bench;
    struct entry *held;

    limits.concurrency = 1;
    limits.recipients = 1;
    limits.slot_cost = 2;
    limits.slot_loan = 3;
    limits.minimum_slots = 1;
    set_up(&bench, &limits);
    add(&bench, 1, "slow.example", 0);
    held = take(&bench);
    for (size_t i = 2; i < 30; i++) {
        bench.mailings[i - 1].entered = second(0);
        destination_add(destination_of(&bench, "slow.example", "u@example.com"), &bench.mailings[i - 1],
                        &bench.names[i - 1], 0, &bench.entries);
    }
    add_many(&bench, 30, 6);
    add_many(&bench, 31, 1);
    expect_order(&bench, "vuuuuuu");
    entry_finish(held, second(1));
    tear_down(&bench);
}

TEST(a_window_full_of_failures_makes_a_destination_dead_for_its_time)
{
    const struct scheduler_limits limits = usual_limits();
    struct bench bench;
    struct destination *destination;
    struct str dsn, reason;

    set_up(&bench, &limits);
    for (size_t i = 1; i <= 3; i++)
        add(&bench, i, "a.example", 0);
    destination = destination_of(&bench, "a.example", "u@example.com");
    {
        struct entry *first = take(&bench);
        struct entry *other = take(&bench);

        EXPECT_FALSE(entry_finish_failed(first, second(10), STR("4.4.1"), STR("refused")));
        EXPECT(entry_finish_failed(other, second(10), STR("4.4.1"), STR("refused")));
    }
    EXPECT(destination_is_dead(destination, second(309), &dsn, &reason));
    EXPECT_STR(dsn, STR("4.4.1"));
    EXPECT_STR(reason, STR("refused"));
    EXPECT(name_of(destination_first_waiting(destination)) == '3');
    EXPECT_FALSE(destination_is_dead(destination, second(310), &dsn, &reason));
    tear_down(&bench);
}

static void kill_destination(struct bench *bench, const char *nexthop, struct instant now)
{
    add(bench, 1, nexthop, 0);
    EXPECT(entry_finish_failed(take_at(bench, now), now, STR("4.4.1"), STR("refused")));
}

TEST(only_so_many_dead_destinations_are_remembered)
{
    struct scheduler_limits limits = usual_limits();
    struct bench bench;
    struct str dsn, reason;

    limits.initial_concurrency = 1;
    set_up(&bench, &limits);
    kill_destination(&bench, "a.example", second(1));
    kill_destination(&bench, "b.example", second(2));
    kill_destination(&bench, "c.example", second(3));
    EXPECT_FALSE(destination_is_dead(destination_of(&bench, "a.example", ""), second(4), &dsn, &reason));
    EXPECT(destination_is_dead(destination_of(&bench, "b.example", ""), second(4), &dsn, &reason));
    EXPECT(destination_is_dead(destination_of(&bench, "c.example", ""), second(4), &dsn, &reason));
    scheduler_revive(bench.scheduler);
    EXPECT_FALSE(destination_is_dead(destination_of(&bench, "c.example", ""), second(4), &dsn, &reason));
    tear_down(&bench);
}

TEST(success_widens_the_window_up_to_the_limit)
{
    const struct scheduler_limits limits = usual_limits();
    struct bench bench;
    struct entry *taken[30];
    size_t busy = 0;

    set_up(&bench, &limits);
    for (size_t i = 1; i <= 20; i++)
        add(&bench, i, "a.example", 0);
    for (int round = 0; round < 6; round++) {
        while ((taken[busy] = transport_next(bench.transport, second(1))) != NULL)
            busy++;
        entry_finish(taken[--busy], second(1));
    }
    while ((taken[busy] = transport_next(bench.transport, second(1))) != NULL)
        busy++;
    EXPECT_UINT(busy, 4);
    while (busy > 0)
        entry_finish(taken[--busy], second(1));
    tear_down(&bench);
}

TEST(what_comes_back_goes_first_again)
{
    const struct scheduler_limits limits = usual_limits();
    struct bench bench;
    struct entry *entry;

    set_up(&bench, &limits);
    add(&bench, 1, "a.example", 0);
    add(&bench, 2, "a.example", 0);
    entry_return(take(&bench));
    entry = take(&bench);
    EXPECT(name_of(entry) == '1');
    entry_finish(entry, second(1));
    entry_finish(take(&bench), second(1));
    tear_down(&bench);
}

TEST(a_delay_of_a_destination_is_between_the_end_of_one_and_the_start_of_the_next)
{
    struct scheduler_limits limits = usual_limits();
    struct bench bench;
    struct entry *entry;
    struct instant when;

    limits.destination_delay = seconds(10);
    set_up(&bench, &limits);
    add(&bench, 1, "a.example", 0);
    add(&bench, 2, "a.example", 0);
    add(&bench, 3, "b.example", 0);
    entry = take(&bench);
    entry_finish(take(&bench), second(2));
    EXPECT(transport_next(bench.transport, second(3)) == NULL);
    entry_finish(entry, second(5));
    EXPECT(transport_wakes(bench.transport, second(14), &when));
    EXPECT_INT(when.us, second(12).us);
    EXPECT_FALSE(transport_is_ready(bench.transport, second(14)));
    EXPECT(transport_wakes(bench.transport, second(14), &when));
    EXPECT_INT(when.us, second(15).us);
    entry = take_at(&bench, second(15));
    EXPECT(name_of(entry) == '2');
    entry_finish(entry, second(15));
    tear_down(&bench);
}

TEST(a_delay_of_a_transport_is_between_the_starts_of_any_two)
{
    struct scheduler_limits limits = usual_limits();
    struct bench bench;
    struct entry *entry;
    struct instant when;

    limits.transport_delay = seconds(20);
    set_up(&bench, &limits);
    EXPECT_FALSE(transport_wakes(bench.transport, second(119), &when));
    add(&bench, 1, "a.example", 0);
    add(&bench, 2, "b.example", 0);
    entry = take_at(&bench, second(100));
    EXPECT(transport_next(bench.transport, second(119)) == NULL);
    EXPECT(transport_wakes(bench.transport, second(119), &when));
    EXPECT_INT(when.us, second(120).us);
    EXPECT_FALSE(transport_wakes(bench.transport, second(120), &when));
    entry_finish(take_at(&bench, second(120)), second(121));
    entry_finish(entry, second(121));
    tear_down(&bench);
}

TEST(recipients_that_are_not_read_yet_count_for_the_size_of_a_message)
{
    struct scheduler_limits limits = usual_limits();
    struct bench bench;

    limits.recipients = 1;
    limits.slot_cost = 2;
    limits.slot_loan = 3;
    limits.minimum_slots = 3;
    set_up(&bench, &limits);
    mailing_set_unread(&bench.mailings[0], 100);
    add_many(&bench, 1, 2);
    mailing_set_unread(&bench.mailings[1], 100);
    add_many(&bench, 2, 1);
    add_many(&bench, 3, 1);
    expect_order(&bench, "3112");
    tear_down(&bench);
}

TEST(new_mail_goes_in_turns_with_deferred_mail_that_was_there_before)
{
    struct scheduler_limits limits = usual_limits();
    struct bench bench;

    limits.recipients = 1;
    set_up(&bench, &limits);
    for (size_t i = 0; i < 8; i++)
        bench.mailings[i].is_deferred = true;
    for (size_t i = 1; i <= 12; i++)
        add(&bench, i, "a.example", 0);
    expect_order(&bench, "91ab2c345678");
    tear_down(&bench);
}

TEST(new_mail_overtakes_before_deferred_mail_does)
{
    struct scheduler_limits limits = usual_limits();
    struct bench bench;

    limits.recipients = 1;
    limits.slot_cost = 2;
    limits.slot_loan = 3;
    limits.minimum_slots = 1;
    set_up(&bench, &limits);
    add_many(&bench, 1, 10);
    for (size_t i = 2; i <= 4; i++) {
        bench.mailings[i - 1].is_deferred = true;
        bench.mailings[i - 1].entered = second(0);
        add_many(&bench, i, 1);
    }
    add_many(&bench, 5, 1);
    expect_order(&bench, "51121131141111");
    tear_down(&bench);
}

TEST(a_destination_clogs_when_it_has_had_too_much_for_the_period)
{
    const struct scheduler_limits limits = usual_limits();
    struct bench bench;
    struct destination *destination;

    set_up(&bench, &limits);
    for (size_t i = 1; i <= 5; i++)
        add(&bench, i, "a.example", 0);
    destination = destination_of(&bench, "a.example", "u@example.com");
    EXPECT_FALSE(destination_clogs(destination, 5, seconds(300), second(1000)));
    EXPECT_FALSE(destination_clogs(destination, 4, seconds(300), second(1000)));
    EXPECT_FALSE(destination_clogs(destination, 4, seconds(300), second(1299)));
    EXPECT(destination_clogs(destination, 4, seconds(300), second(1300)));
    EXPECT_FALSE(destination_clogs(destination, 4, seconds(300), second(1301)));
    EXPECT(destination_clogs(destination, 4, seconds(300), second(1600)));
    entry_finish(take(&bench), second(1));
    EXPECT_FALSE(destination_clogs(destination, 4, seconds(300), second(2000)));
    tear_down(&bench);
}

TEST(more_goes_to_a_destination_while_something_waits_and_for_a_second_after_a_delivery)
{
    const struct scheduler_limits limits = usual_limits();
    struct bench bench;
    struct entry *first, *second_entry, *third;

    set_up(&bench, &limits);
    for (size_t i = 1; i <= 3; i++)
        add(&bench, i, "a.example", 0);
    first = take(&bench);
    EXPECT(destination_has_more(first->destination, second(1)));
    second_entry = take(&bench);
    EXPECT(destination_has_more(second_entry->destination, second(1)));
    entry_finish(first, second(1));
    third = take(&bench);
    EXPECT_UINT(transport_waiting(bench.transport), 0);
    EXPECT(destination_has_more(third->destination, instant_add(second(1), milliseconds(900))));
    EXPECT_FALSE(destination_has_more(third->destination, second(2)));
    entry_finish(second_entry, second(3));
    entry_finish(third, second(3));
    add(&bench, 4, "a.example", 0);
    first = take_at(&bench, second(3));
    EXPECT(destination_has_more(first->destination, instant_add(second(3), milliseconds(900))));
    EXPECT_FALSE(destination_has_more(first->destination, second(4)));
    entry_finish(first, second(4));
    tear_down(&bench);
}

TEST(a_destination_without_deliveries_has_a_new_window_and_is_forgotten_when_another_has_been_without_for_a_second)
{
    const struct scheduler_limits limits = usual_limits();
    struct bench bench;

    set_up(&bench, &limits);
    add(&bench, 1, "a.example", 0);
    add(&bench, 2, "a.example", 0);
    entry_finish(take(&bench), second(1));
    EXPECT_UINT(destination_window(destination_of(&bench, "a.example", ""))->size, 3);
    entry_finish(take(&bench), second(1));
    EXPECT_UINT(destination_window(destination_of(&bench, "a.example", ""))->size, 2);
    expect_order(&bench, "");
    for (size_t i = 1; i <= 3; i++) {
        add(&bench, i, i < 3 ? "b.example" : "c.example", 0);
        entry_finish(take(&bench), second(1));
    }
    EXPECT_UINT(transport_destinations(bench.transport), 3);
    add(&bench, 1, "c.example", 0);
    entry_finish(take(&bench), second(2));
    EXPECT_UINT(transport_destinations(bench.transport), 1);
    tear_down(&bench);
}
