/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/transport_settings.h"

#include "config/main_cf.h"
#include "qmgr/settings.h"
#include "unit.h"

static struct transport_settings load(const char *text, const char *transport)
{
    struct arena *arena = arena_create();
    struct transport_settings settings;
    struct failure why;
    struct main_cf *cf;
    void *own;

    EXPECT(main_cf_parse(str_from_c(text), STR("main.cf"), STR("/etc/x"), arena, &cf, &why));
    main_cf_set_program(cf, STR("qmgr"), STR_EMPTY);
    EXPECT(settings_load(&qmgr_settings_table, cf, STR_EMPTY, arena, &own, &why));
    transport_settings_load(cf, str_from_c(transport), &settings);
    arena_destroy(&arena);
    return settings;
}

static const char all[] = "default_destination_concurrency_limit = 11\n"
                          "default_destination_recipient_limit = 12\n"
                          "default_destination_concurrency_failed_cohort_limit = 13\n"
                          "default_destination_concurrency_positive_feedback = 1/4\n"
                          "default_destination_concurrency_negative_feedback = 1/8\n"
                          "default_destination_rate_delay = 14s\n"
                          "default_transport_rate_delay = 15s\n"
                          "default_delivery_slot_cost = 16\n"
                          "default_delivery_slot_loan = 17\n"
                          "default_delivery_slot_discount = 18\n"
                          "default_minimum_delivery_slots = 19\n"
                          "default_recipient_limit = 20\n"
                          "default_extra_recipient_limit = 21\n"
                          "default_recipient_refill_limit = 22\n"
                          "default_recipient_refill_delay = 23s\n";

static struct str named(struct arena *arena, const char *name)
{
    struct str rest = str_from_c(all);
    struct str text = STR_EMPTY;
    struct str line, tail;

    while (str_cut(rest, '\n', &line, &tail)) {
        text = arena_printf(arena, "%.*s%s%.*s\n", STR_ARG(text), name, STR_ARG(str_from(line, strlen("default"))));
        rest = tail;
    }
    return text;
}

static void expect_all(const struct transport_settings *settings)
{
    const struct scheduler_limits *limits = &settings->limits;

    EXPECT_UINT(limits->concurrency, 11);
    EXPECT_UINT(limits->recipients, 12);
    EXPECT_UINT(limits->failed_cohorts, 13);
    EXPECT(feedback_value(&limits->positive, 1) == 0.25);
    EXPECT(feedback_value(&limits->negative, 1) == 0.125);
    EXPECT_INT(limits->destination_delay.us, seconds(14).us);
    EXPECT_INT(limits->transport_delay.us, seconds(15).us);
    EXPECT_UINT(limits->slot_cost, 16);
    EXPECT_UINT(limits->slot_loan, 17);
    EXPECT_UINT(limits->slot_discount, 18);
    EXPECT_UINT(limits->minimum_slots, 19);
    EXPECT_UINT(settings->recipient_limit, 20);
    EXPECT_UINT(settings->extra_recipient_limit, 21);
    EXPECT_UINT(settings->refill_limit, 22);
    EXPECT_INT(settings->refill_delay.us, seconds(23).us);
}

TEST(each_parameter_is_the_transports_own_or_the_default_of_all)
{
    struct arena *arena = arena_create();
    struct str own = named(arena, "slow");
    struct str common = named(arena, "default");
    struct transport_settings settings = load(
        arena_c(arena, arena_printf(arena, "%.*sslow_initial_destination_concurrency = 10\n", STR_ARG(own))), "slow");

    expect_all(&settings);
    EXPECT_UINT(settings.limits.initial_concurrency, 10);
    settings =
        load(arena_c(arena, arena_printf(arena, "%.*sinitial_destination_concurrency = 9\n", STR_ARG(common))), "slow");
    expect_all(&settings);
    EXPECT_UINT(settings.limits.initial_concurrency, 9);
    settings = load(arena_c(arena, own), "other");
    EXPECT_UINT(settings.limits.concurrency, 20);
    EXPECT_UINT(settings.refill_limit, 100);
    arena_destroy(&arena);
}

TEST(what_nobody_set_is_postfix_default)
{
    struct transport_settings settings = load("", "smtp");
    const struct scheduler_limits *limits = &settings.limits;

    EXPECT_UINT(limits->concurrency, 20);
    EXPECT_UINT(limits->initial_concurrency, 5);
    EXPECT_UINT(limits->recipients, 50);
    EXPECT_UINT(limits->failed_cohorts, 1);
    EXPECT(feedback_value(&limits->positive, 10) == 1 && feedback_value(&limits->negative, 10) == 1);
    EXPECT_INT(limits->destination_delay.us + limits->transport_delay.us, 0);
    EXPECT_UINT(limits->slot_cost, 5);
    EXPECT_UINT(limits->slot_loan, 3);
    EXPECT_UINT(limits->slot_discount, 50);
    EXPECT_UINT(limits->minimum_slots, 3);
    EXPECT_UINT(settings.recipient_limit, 20000);
    EXPECT_UINT(settings.extra_recipient_limit, 1000);
    EXPECT_UINT(settings.refill_limit, 100);
    EXPECT_INT(settings.refill_delay.us, seconds(5).us);
}

TEST(locals_recipients_are_destinations_whatever_the_default_of_all)
{
    struct transport_settings settings =
        load("default_destination_recipient_limit = 7\ndefault_destination_concurrency_limit = 8\n", "local");

    EXPECT_UINT(settings.limits.recipients, 1);
    EXPECT_UINT(settings.limits.concurrency, 2);
    settings = load("local_destination_recipient_limit = 7\nlocal_destination_concurrency_limit = 8\n", "local");
    EXPECT_UINT(settings.limits.recipients, 7);
    EXPECT_UINT(settings.limits.concurrency, 8);
}

TEST(a_value_of_no_use_leaves_the_default)
{
    struct transport_settings settings = load("smtp_delivery_slot_cost = many\n"
                                              "smtp_recipient_refill_limit = 0\n"
                                              "smtp_destination_rate_delay = soon\n"
                                              "smtp_destination_concurrency_positive_feedback = 2\n",
                                              "smtp");

    EXPECT_UINT(settings.limits.slot_cost, 5);
    EXPECT_UINT(settings.refill_limit, 100);
    EXPECT_INT(settings.limits.destination_delay.us, 0);
    EXPECT(feedback_value(&settings.limits.positive, 1) == 1);
}
