/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/transport_settings.h"

#include "config/settings.h"
#include "log/log.h"
#include "protocol/deliver.h"

struct reader {
    const struct main_cf *cf;
    struct str transport;
    struct arena *arena;
};

/* local's have defaults of their own, which are settings of the program. */
static bool has_own_default(struct str transport, const char *suffix)
{
    return str_equal(transport, STR("local")) && (str_equal(str_from_c(suffix), STR("_destination_recipient_limit")) ||
                                                  str_equal(str_from_c(suffix), STR("_destination_concurrency_limit")));
}

static const char *default_of(const struct reader *reader, const char *suffix, const char *own)
{
    if (has_own_default(reader->transport, suffix))
        return own;
    if (str_equal(str_from_c(suffix), STR("_initial_destination_concurrency")))
        return "$initial_destination_concurrency";
    return arena_printf(reader->arena, "$default%s", suffix).data;
}

static struct str name_of(const struct reader *reader, const char *suffix)
{
    return arena_printf(reader->arena, "%.*s%s", STR_ARG(reader->transport), suffix);
}

/* builtin: what stands when the administrator's value is of no use; own: of local, where it differs. */
static unsigned number(const struct reader *reader, const char *suffix, int minimum, int builtin, const char *own)
{
    struct failure why;
    int value;

    if (!settings_get_integer(reader->cf, name_of(reader, suffix), default_of(reader, suffix, own), minimum, INT_MAX,
                              &value, &why)) {
        log_warning("%s", why.text);
        value = builtin;
    }
    return (unsigned) value;
}

static struct duration delay(const struct reader *reader, const char *suffix, int builtin)
{
    struct duration value;
    struct failure why;

    if (settings_get_time(reader->cf, name_of(reader, suffix), default_of(reader, suffix, NULL), 's', &value, &why))
        return value;
    log_warning("%s", why.text);
    return seconds(builtin);
}

static struct feedback feedback(const struct reader *reader, const char *suffix)
{
    struct feedback value = { 1, FEEDBACK_CONSTANT };
    struct failure why;
    struct str text;

    if (!settings_get_string(reader->cf, name_of(reader, suffix), default_of(reader, suffix, NULL), reader->arena,
                             &text, &why))
        log_warning("%s", why.text);
    else if (!feedback_parse(text, &value, &why))
        log_warning("%.*s: %s", STR_ARG(name_of(reader, suffix)), why.text);
    return value;
}

void transport_settings_load(const struct main_cf *cf, struct str transport, struct transport_settings *settings_out)
{
    struct arena *arena = arena_create();
    struct reader reader = { cf, transport, arena };
    struct scheduler_limits *limits = &settings_out->limits;

    limits->concurrency = number(&reader, "_destination_concurrency_limit", 0, 20, "2");
    limits->initial_concurrency = number(&reader, "_initial_destination_concurrency", 1, 5, NULL);
    limits->recipients = number(&reader, "_destination_recipient_limit", 0, 50, "1");
    if (limits->recipients == 0 || limits->recipients > DELIVER_RECIPIENTS_MAXIMUM)
        limits->recipients = DELIVER_RECIPIENTS_MAXIMUM;
    limits->failed_cohorts = number(&reader, "_destination_concurrency_failed_cohort_limit", 0, 1, NULL);
    limits->positive = feedback(&reader, "_destination_concurrency_positive_feedback");
    limits->negative = feedback(&reader, "_destination_concurrency_negative_feedback");
    limits->destination_delay = delay(&reader, "_destination_rate_delay", 0);
    limits->transport_delay = delay(&reader, "_transport_rate_delay", 0);
    limits->slot_cost = number(&reader, "_delivery_slot_cost", 0, 5, NULL);
    limits->slot_loan = number(&reader, "_delivery_slot_loan", 0, 3, NULL);
    limits->slot_discount = number(&reader, "_delivery_slot_discount", 0, 50, NULL);
    limits->minimum_slots = number(&reader, "_minimum_delivery_slots", 0, 3, NULL);
    settings_out->recipient_limit = number(&reader, "_recipient_limit", 0, 20000, NULL);
    settings_out->extra_recipient_limit = number(&reader, "_extra_recipient_limit", 0, 1000, NULL);
    settings_out->refill_limit = number(&reader, "_recipient_refill_limit", 1, 100, NULL);
    settings_out->refill_delay = delay(&reader, "_recipient_refill_delay", 5);
    arena_destroy(&arena);
}
