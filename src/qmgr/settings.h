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
    struct duration queue_run_delay;
    struct duration transport_retry_time;
    int message_active_limit;
    int message_recipient_limit;
    struct strlist defer_transports;
    int default_concurrency_limit;
    int default_recipient_limit;
    int default_failed_cohort_limit;
    int initial_concurrency;
    int local_concurrency_limit;
    int local_recipient_limit;
    struct duration ipc_timeout;
    struct duration clog_warn_time;

    /* the journal */
    int64_t spool_inline_limit;
    struct duration spool_segment_age;
};

extern const struct settings_table qmgr_settings_table;

#endif
