/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/settings.h"

static const struct setting rows[] = {
    SETTING_TIME(
        struct qmgr_settings, minimal_backoff_time, "minimal_backoff_time", "300s", 1, 0, 's',
        "The least time between two attempts of a deferred message, and how long a dead destination is left alone."),
    SETTING_TIME(struct qmgr_settings, maximal_backoff_time, "maximal_backoff_time", "4000s", 1, 0, 's',
                 "The most time between two attempts of a deferred message."),
    SETTING_TIME(struct qmgr_settings, maximal_queue_lifetime, "maximal_queue_lifetime", "5d", 0, 8640000, 'd',
                 "A message that could not be delivered for so long is returned."),
    SETTING_TIME(struct qmgr_settings, bounce_queue_lifetime, "bounce_queue_lifetime", "5d", 0, 8640000, 'd',
                 "The same for messages with the null sender."),
    SETTING_TIME(struct qmgr_settings, delay_warning_time, "delay_warning_time", "0h", 0, 0, 'h',
                 "The sender is warned when a message is delayed for so long; 0: never."),
    SETTING_TIME(struct qmgr_settings, queue_run_delay, "queue_run_delay", "300s", 1, 0, 's',
                 "The most time until a file that appeared in deferred/ is noticed."),
    SETTING_TIME(struct qmgr_settings, transport_retry_time, "transport_retry_time", "60s", 5, 0, 's',
                 "How long a delivery transport that cannot be reached is left alone."),
    SETTING_INTEGER(struct qmgr_settings, message_active_limit, "qmgr_message_active_limit", "20000", 1, 0,
                    "The most messages in the active queue."),
    SETTING_INTEGER(struct qmgr_settings, message_recipient_limit, "qmgr_message_recipient_limit", "20000", 1, 0,
                    "The most recipients of active messages in memory."),
    SETTING_LIST(struct qmgr_settings, defer_transports, "defer_transports", "",
                 "Transports whose mail is deferred until the queue is flushed by name."),
    SETTING_INTEGER(
        struct qmgr_settings, default_concurrency_limit, "default_destination_concurrency_limit", "20", 0, 0,
        "Deliveries at one time to a destination, where TRANSPORT_destination_concurrency_limit does not say."),
    SETTING_INTEGER(struct qmgr_settings, default_recipient_limit, "default_destination_recipient_limit", "50", 0, 0,
                    "Recipients in one delivery, where TRANSPORT_destination_recipient_limit does not say."),
    SETTING_INTEGER(struct qmgr_settings, default_failed_cohort_limit,
                    "default_destination_concurrency_failed_cohort_limit", "1", 0, 0,
                    "So many windows full of failed connections make a destination dead; 0: never."),
    SETTING_INTEGER(struct qmgr_settings, initial_concurrency, "initial_destination_concurrency", "5", 1, 0,
                    "Deliveries at one time to a destination that nothing is known of yet."),
    SETTING_INTEGER(struct qmgr_settings, local_concurrency_limit, "local_destination_concurrency_limit", "2", 0, 0,
                    "Deliveries at one time to one local recipient."),
    SETTING_INTEGER(struct qmgr_settings, local_recipient_limit, "local_destination_recipient_limit", "1", 0, 0,
                    "Recipients in one local delivery; 1 makes the recipient, not the domain, the destination."),
    SETTING_TIME(struct qmgr_settings, ipc_timeout, "qmgr_ipc_timeout", "60s", 1, 0, 's',
                 "The time to hand a request to an agent, or to ask an internal service."),
    SETTING_TIME(struct qmgr_settings, clog_warn_time, "qmgr_clog_warn_time", "300s", 0, 0, 's',
                 "The least time between warnings that one destination clogs the active queue."),
    SETTING_SIZE(struct qmgr_settings, spool_inline_limit, "spool_inline_limit", "65536", 4096, 131072,
                 "Bytes of a message, envelope included, up to which it is a frame of the journal and is handed to "
                 "agents in the request."),
    SETTING_TIME(struct qmgr_settings, spool_segment_age, "spool_segment_age", "30s", 1, 0, 's',
                 "A message that is still in the journal after so long gets a file of its own."),
};

const struct settings_table qmgr_settings_table = SETTINGS_TABLE("qmgr", struct qmgr_settings, rows);
