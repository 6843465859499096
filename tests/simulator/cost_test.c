/* SPDX-License-Identifier: Apache-2.0 */
#include "simulator.h"

#include "unit.h"

#include <stdio.h>

/* Comparisons a message for so many messages queued at once for so many destinations. */
static double steps_each(size_t messages, size_t destinations, size_t agents, unsigned recipients)
{
    struct scheduler_limits limits = simulator_default_limits();
    struct simulator *simulator;
    double steps;

    limits.recipients = recipients;
    simulator = simulator_create(&limits, agents);
    for (size_t i = 0; i < messages; i++) {
        size_t message = simulator_send(simulator);
        /* Most have one recipient, some a few. */
        size_t count = i % 10 == 0 ? 5 : 1;

        for (size_t j = 0; j < count; j++) {
            char hop[32], address[32];
            int hop_length = snprintf(hop, sizeof hop, "hop-%zu", (i * 7919 + j) % destinations);
            int length = snprintf(address, sizeof address, "u%zu", i % destinations);

            simulator_add_recipient(simulator, message, str_make(hop, (size_t) hop_length),
                                    str_make(address, (size_t) length));
        }
    }
    simulator_run(simulator);
    steps = (double) simulator_steps(simulator) / (double) messages;
    simulator_destroy(&simulator);
    return steps;
}

/* A hundred times as many: the logarithm of it may show, no more. */
static void expect_linear(size_t destinations, size_t more_destinations, size_t agents, unsigned recipients)
{
    double few = steps_each(1000, destinations, agents, recipients);
    double many = steps_each(100000, more_destinations, agents, recipients);

    printf("%zu agents: 1,000 messages to %zu destinations: %.0f steps each; 100,000 to %zu: %.0f\n", agents,
           destinations, few, more_destinations, many);
    EXPECT(many <= few * 2 + 10);
    EXPECT(many <= 200);
}

TEST(a_hundred_thousand_messages_to_ten_thousand_destinations_cost_no_more_each_than_a_thousand)
{
    expect_linear(100, 10000, 100, 50);
    expect_linear(1000, 10000, 1000, 50);
}

TEST(a_hundred_thousand_messages_to_one_destination_cost_no_more_each_than_a_thousand)
{
    expect_linear(1, 1, 100, 50);
    expect_linear(2, 2, 10, 50);
}

TEST(a_hundred_thousand_messages_whose_recipients_are_destinations_cost_no_more_each_than_a_thousand)
{
    expect_linear(100, 10000, 100, 1);
}

/* One after the other from a mailing, each recipient a destination of its own. */
TEST(a_recipient_of_a_large_mailing_costs_no_more_than_one_of_a_small_one)
{
    double each[2];
    size_t sizes[2] = { 1000, 100000 };

    for (size_t n = 0; n < 2; n++) {
        struct scheduler_limits limits = simulator_default_limits();
        struct simulator *simulator;
        size_t message;

        limits.recipients = 1;
        simulator = simulator_create(&limits, 100);
        message = simulator_send(simulator);
        for (size_t i = 0; i < sizes[n]; i++) {
            char address[32];
            int length = snprintf(address, sizeof address, "u%zu", i);

            simulator_add_recipient(simulator, message, STR("here"), str_make(address, (size_t) length));
        }
        simulator_run(simulator);
        each[n] = (double) simulator_steps(simulator) / (double) sizes[n];
        simulator_destroy(&simulator);
    }
    printf("mailings: 1,000 recipients %.0f steps each; 100,000: %.0f\n", each[0], each[1]);
    EXPECT(each[1] <= each[0] * 2 + 10);
}
