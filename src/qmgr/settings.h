/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_SETTINGS_H
#define QMGR_SETTINGS_H

#include "config/settings.h"

/* settings - the queue manager's parameters. */
struct qmgr_settings {
    struct duration minimal_backoff_time;
    struct duration maximal_backoff_time;
    struct duration maximal_queue_lifetime;
    struct duration bounce_queue_lifetime;
    struct duration delay_warning_time;
    bool confirm_delay_cleared;
    struct duration queue_run_delay;
    struct str fast_flush_domains;
    struct duration transport_retry_time;
    int message_active_limit;
    int message_recipient_limit;
    int probe_limit;
    struct str probe_sender;
    struct duration probe_sender_ttl;
    struct strlist defer_transports;
    int message_recipient_minimum;
    bool feedback_debug;
    struct str default_filter_nexthop;

    /* What holds for a transport without values of its own: read by transport_settings.c, here for the check. */
    int default_concurrency_limit;
    int default_recipient_limit;
    int default_failed_cohort_limit;
    struct str default_positive_feedback;
    struct str default_negative_feedback;
    struct duration default_destination_delay;
    struct duration default_transport_delay;
    int default_slot_cost;
    int default_slot_loan;
    int default_slot_discount;
    int default_minimum_slots;
    int default_in_memory_limit;
    int default_extra_in_memory_limit;
    int default_refill_limit;
    struct duration default_refill_delay;
    int initial_concurrency;
    int local_concurrency_limit;
    int local_recipient_limit;
    struct duration ipc_timeout;
    struct duration daemon_timeout;
    struct duration clog_warn_time;

    /* the journal */
    int64_t spool_inline_limit;
    struct duration spool_segment_age;
};

extern const struct settings_table qmgr_settings_table;

#endif
