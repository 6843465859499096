/* SPDX-License-Identifier: Apache-2.0 */
#include "simulator.h"

#include "unit.h"

#include <stdio.h>

enum { NAME_SIZE = 32 };

static struct str hop_name(char text[NAME_SIZE], size_t n)
{
    return str_make(text, (size_t) snprintf(text, NAME_SIZE, "hop-%zu.example", n));
}

/* A message to count recipients; the n-th goes to hop first + n % hops. */
static size_t send_kind(struct simulator *simulator, bool is_deferred, size_t count, size_t first, size_t hops)
{
    size_t message = simulator_send_kind(simulator, is_deferred);

    for (size_t i = 0; i < count; i++) {
        char hop[NAME_SIZE], address[NAME_SIZE];
        int length = snprintf(address, sizeof address, "u%zu@example", i);

        simulator_add_recipient(simulator, message, hop_name(hop, first + i % hops),
                                str_make(address, (size_t) length));
    }
    return message;
}

static size_t send(struct simulator *simulator, size_t count, size_t first, size_t hops)
{
    return send_kind(simulator, false, count, first, hops);
}

static void step_many(struct simulator *simulator, size_t count)
{
    for (size_t i = 0; i < count; i++)
        EXPECT(simulator_step(simulator));
}

static uint64_t slots_until(const struct simulator *simulator, size_t message)
{
    const struct simulated_message *known = simulator_message(simulator, message);

    return known->first - known->entered;
}

/* ---- a small message behind a mailing ---- */

enum { MAILING = 100000 };

/*
 * Messages of one recipient come one after the other at any time while the mailing is under way. Each has its delivery
 * after cost other slots at most; where a full window holds it back too, after cost other slots of its own hop.
 */
static void expect_small_messages_pass(const struct scheduler_limits *limits, size_t agents, size_t hops,
                                       bool is_hop_shared)
{
    struct simulator *simulator = simulator_create(limits, agents);
    size_t mailing = send(simulator, MAILING, 0, hops);

    for (size_t i = 0; i < 100; i++) {
        size_t hop = is_hop_shared ? i % hops : hops + i;
        uint64_t hop_slots;
        char name[NAME_SIZE];
        size_t small;

        step_many(simulator, i % 17);
        small = send(simulator, 1, hop, 1);
        hop_slots = simulator_hop_slots(simulator, hop_name(name, hop));
        while (simulator_message(simulator, small)->first == 0)
            EXPECT(simulator_step(simulator));
        if (is_hop_shared)
            EXPECT(simulator_hop_slots(simulator, hop_name(name, hop)) - hop_slots <= limits->slot_cost + 1);
        else
            EXPECT(slots_until(simulator, small) <= limits->slot_cost + 1);
    }
    simulator_run(simulator);
    EXPECT(simulator_message(simulator, mailing)->slots >= MAILING / limits->recipients);
    simulator_destroy(&simulator);
}

TEST(a_small_message_waits_for_no_more_slots_than_the_cost_behind_a_mailing_to_as_many_destinations)
{
    struct scheduler_limits limits = simulator_default_limits();

    limits.recipients = 1;
    expect_small_messages_pass(&limits, 1, MAILING, false);
    expect_small_messages_pass(&limits, 100, MAILING, false);
}

TEST(a_small_message_waits_for_no_more_slots_than_the_cost_behind_a_mailing_to_some_destinations)
{
    struct scheduler_limits limits = simulator_default_limits();

    limits.recipients = 2;
    expect_small_messages_pass(&limits, 1, 100, false);
    expect_small_messages_pass(&limits, 100, 100, false);
    expect_small_messages_pass(&limits, 1, 100, true);
    expect_small_messages_pass(&limits, 100, 100, true);
    limits.slot_cost = 20;
    expect_small_messages_pass(&limits, 100, 100, false);
    expect_small_messages_pass(&limits, 100, 100, true);
}

TEST(a_small_message_waits_for_no_more_slots_than_the_cost_behind_a_mailing_to_its_own_destination)
{
    struct scheduler_limits limits = simulator_default_limits();

    expect_small_messages_pass(&limits, 1, 1, true);
    expect_small_messages_pass(&limits, 100, 1, true);
}

/* The mailing's recipients are read into memory in portions of 1,000. */
TEST(a_small_message_passes_a_mailing_that_is_not_in_memory)
{
    struct scheduler_limits limits = simulator_default_limits();
    struct simulator *simulator = simulator_create(&limits, 10);
    size_t mailing = simulator_send(simulator);
    size_t next = 0;

    limits.recipients = 50;
    for (size_t portion = 0; portion < 20; portion++) {
        simulator_set_unread(simulator, mailing, 19000 - portion * 1000);
        for (size_t i = 0; i < 1000; i++) {
            char hop[NAME_SIZE];

            simulator_add_recipient(simulator, mailing, hop_name(hop, next++ % 10), STR("u@example"));
        }
        for (size_t i = 0; i < 2; i++) {
            size_t small;

            step_many(simulator, 8);
            small = send(simulator, 1, 11, 1);
            while (simulator_message(simulator, small)->first == 0)
                EXPECT(simulator_step(simulator));
            EXPECT(slots_until(simulator, small) <= limits.slot_cost + 1);
        }
    }
    simulator_run(simulator);
    simulator_destroy(&simulator);
}

TEST(of_many_small_messages_that_come_at_once_each_waits_for_those_before_it_and_the_cost_of_each)
{
    const struct scheduler_limits limits = simulator_default_limits();
    struct simulator *simulator = simulator_create(&limits, 1);
    size_t first;

    send(simulator, MAILING, 0, 10);
    first = send(simulator, 1, 11, 1);
    for (size_t i = 1; i < 200; i++)
        send(simulator, 1, 11 + i, 1);
    simulator_run(simulator);
    for (size_t i = 0; i < 200; i++)
        EXPECT(slots_until(simulator, first + i) <= i * (limits.slot_cost + 1) + 1);
    simulator_destroy(&simulator);
}

/* ---- new mail and a backlog ---- */

TEST(new_mail_never_waits_behind_a_backlog_of_deferred_mail)
{
    const struct scheduler_limits limits = simulator_default_limits();
    struct simulator *simulator = simulator_create(&limits, 10);
    uint64_t deferred_slots = 0;
    uint64_t before;

    /* A long time without a backlog is no debt. */
    for (size_t i = 0; i < 3000; i++)
        send(simulator, 1, i % 100, 1);
    simulator_run(simulator);
    before = simulator_slots(simulator);
    for (size_t i = 0; i < 20000; i++)
        send_kind(simulator, true, 1, i % 100, 1);
    /* Now and then one: it is next but one at the latest. */
    for (size_t i = 0; i < 100; i++) {
        size_t fresh;

        step_many(simulator, i % 13);
        fresh = send(simulator, 1, 200 + i, 1);
        while (simulator_message(simulator, fresh)->first == 0)
            EXPECT(simulator_step(simulator));
        EXPECT(slots_until(simulator, fresh) <= 2);
    }
    /* More of it than can be delivered: the backlog still moves. */
    for (size_t i = 0; i < 3000; i++) {
        send(simulator, 1, 400 + i % 100, 1);
        send(simulator, 1, 400 + i % 100, 1);
        EXPECT(simulator_step(simulator));
    }
    for (size_t i = 3000; i < 23000; i++)
        deferred_slots += simulator_message(simulator, i)->slots;
    EXPECT(deferred_slots >= 1000);
    EXPECT(simulator_slots(simulator) - before - deferred_slots >= 2000);
    simulator_run(simulator);
    simulator_destroy(&simulator);
}

/* ---- what it costs the mailing ---- */

/* Messages of such sizes, over and over, at least one always waiting, until the mailing is through. */
static void expect_mailing_slowed(unsigned cost, size_t entries, const size_t *sizes, size_t size_count)
{
    struct scheduler_limits limits = simulator_default_limits();
    struct simulator *simulator;
    const struct simulated_message *known;
    size_t mailing;
    size_t sent = 0;
    uint64_t bound = entries * cost / (cost - 1) + 1;

    limits.slot_cost = cost;
    limits.recipients = 1;
    simulator = simulator_create(&limits, 1);
    mailing = send(simulator, entries, 0, entries);
    known = simulator_message(simulator, mailing);
    while (known->slots < entries && simulator_slots(simulator) <= 2 * bound) {
        if (sent < simulator_slots(simulator) + 20)
            send(simulator, sizes[sent % size_count], entries, 1000);
        sent++;
        EXPECT(simulator_step(simulator));
    }
    EXPECT_UINT(known->slots, entries);
    EXPECT(known->last <= bound);
    /* The others had what could be had: the bound is no accident. */
    EXPECT(size_count > 1 || known->last * 10 >= (entries + entries / cost) * 9);
    simulator_run(simulator);
    simulator_destroy(&simulator);
}

TEST(a_mailing_is_slowed_by_no_more_than_k_to_k_minus_one)
{
    static const size_t one[] = { 1 };
    static const size_t many[] = { 1, 3, 1, 40, 1, 2, 200, 1, 15, 7, 90, 1 };
    static const unsigned costs[] = { 2, 5, 50 };

    for (size_t i = 0; i < ARRAY_COUNT(costs); i++) {
        expect_mailing_slowed(costs[i], 2000, one, ARRAY_COUNT(one));
        expect_mailing_slowed(costs[i], 2000, many, ARRAY_COUNT(many));
    }
}

/* ---- destinations in trouble ---- */

/* So many messages, one after the other to each of 1,000 hops, by 100 agents. */
static struct simulator *run_thousand_hops(size_t agents, size_t each, struct duration bad_takes, bool is_dead)
{
    const struct scheduler_limits limits = simulator_default_limits();
    struct simulator *simulator = simulator_create(&limits, agents);
    char hop[NAME_SIZE];

    simulator_set_hop(simulator, hop_name(hop, 7), bad_takes, is_dead);
    for (size_t i = 0; i < each; i++)
        for (size_t j = 0; j < 1000; j++)
            send(simulator, 1, j, 1);
    simulator_run(simulator);
    return simulator;
}

TEST(a_dead_destination_costs_the_others_nothing_but_its_first_attempts)
{
    struct simulator *well = run_thousand_hops(100, 20, seconds(1), false);
    struct simulator *sick = run_thousand_hops(100, 20, seconds(30), true);
    struct duration longest = { 0 };
    char hop[NAME_SIZE];
    uint64_t attempts = simulator_hop_slots(sick, hop_name(hop, 7));

    EXPECT(attempts <= simulator_default_limits().initial_concurrency);
    for (size_t i = 0; i < 20000; i++) {
        struct duration later =
            instant_since(simulator_message(sick, i)->finished, simulator_message(well, i)->finished);

        if (i % 1000 != 7 && later.us > longest.us)
            longest = later;
    }
    /* What five agents of a hundred could not do in thirty seconds, shared by all hundred: less than two seconds. */
    EXPECT(longest.us <= seconds(2).us);
    for (size_t i = 7; i < 20000; i += 1000)
        EXPECT(simulator_message(sick, i)->deferred == 1 || simulator_message(sick, i)->slots == 1);
    simulator_destroy(&well);
    simulator_destroy(&sick);
}

/* When the last message of a hop in good health was through. */
static struct duration time_of_the_others(const struct simulator *simulator, size_t messages)
{
    struct instant last = { 0 };

    for (size_t i = 0; i < messages; i++) {
        struct instant at = simulator_message(simulator, i)->finished;

        if (i % 1000 != 7 && instant_is_before(last, at))
            last = at;
    }
    return instant_since(last, instant_from_seconds(1000000));
}

/* With an agent for each hop, and with Postfix's hundred, which one hop alone may take a fifth of. */
TEST(a_slow_destination_among_a_thousand_costs_less_than_a_twentieth_of_the_throughput)
{
    static const size_t agents[] = { 1000, 100 };

    for (size_t i = 0; i < ARRAY_COUNT(agents); i++) {
        struct simulator *well = run_thousand_hops(agents[i], 100, seconds(1), false);
        struct simulator *sick = run_thousand_hops(agents[i], 100, seconds(10), false);
        struct duration time_well = time_of_the_others(well, 100000);
        struct duration time_sick = time_of_the_others(sick, 100000);

        printf("%zu agents: %lld s, with a slow hop %lld s\n", agents[i], (long long) (time_well.us / 1000000),
               (long long) (time_sick.us / 1000000));
        EXPECT(time_sick.us * 20 <= time_well.us * 21);
        simulator_destroy(&well);
        simulator_destroy(&sick);
    }
}

TEST(a_rate_limited_destination_gets_one_delivery_a_period_and_no_agent_waits_with_it)
{
    struct scheduler_limits limits = simulator_default_limits();
    struct simulator *simulator;
    struct duration took;

    limits.destination_delay = seconds(60);
    limits.failed_cohorts = 10;
    simulator = simulator_create(&limits, 2);
    for (size_t i = 0; i < 30; i++) {
        send(simulator, 1, 0, 1);
        send(simulator, 1, i + 1, 1);
    }
    simulator_run(simulator);
    took = instant_since(simulator_now(simulator), instant_from_seconds(1000000));
    EXPECT(took.us >= seconds(29 * 61).us && took.us <= seconds(30 * 61).us);
    for (size_t i = 1; i < 60; i += 2)
        EXPECT(instant_since(simulator_message(simulator, i)->finished, instant_from_seconds(1000000)).us <=
               seconds(60).us);
    simulator_destroy(&simulator);
}
