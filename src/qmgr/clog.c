/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/clog.h"

#include "log/log.h"

/* A destination may hold so great a part of the active queue. */
enum { FAIR_PART = 5 };

/* What the advice depends on: which limit holds the deliveries back. */
static void advise(const struct destination *destination, const struct qmgr_settings *settings)
{
    const struct transport *transport = destination_transport(destination);
    const struct scheduler_limits *limits = transport_limits(transport);

    if (destination_window(destination)->size >= (unsigned) settings->message_active_limit / FAIR_PART) {
        log_warning("you may need to increase the main.cf qmgr_message_active_limit from %d",
                    settings->message_active_limit);
    } else if (limits->recipients == 1) {
        log_warning("you may need to increase the main.cf %.*s_destination_concurrency_limit from %u",
                    STR_ARG(transport_name(transport)), limits->concurrency);
    } else {
        log_warning("you may need to reduce %.*s connect and helo timeouts", STR_ARG(transport_name(transport)));
        log_warning("so that Merpati quickly skips unavailable hosts");
        log_warning("you may need to increase the main.cf minimal_backoff_time and maximal_backoff_time");
        log_warning("so that Merpati wastes less time on undeliverable mail");
        log_warning("you may need to increase the master.cf %.*s process limit", STR_ARG(transport_name(transport)));
    }
}

void clog_look(struct destination *destination, const struct qmgr_settings *settings, size_t active_messages,
               struct instant now)
{
    size_t fair = (size_t) settings->message_active_limit / FAIR_PART;

    if (settings->clog_warn_time.us <= 0 ||
        !destination_clogs(destination, fair > 0 ? fair : 1, settings->clog_warn_time, now))
        return;
    log_warning("mail for %.*s is using up %zu of %zu active queue entries", STR_ARG(destination_nexthop(destination)),
                destination_entries(destination), active_messages);
    advise(destination, settings);
    log_warning("please avoid flushing the whole queue when you have");
    log_warning("lots of deferred mail, that is bad for performance");
    log_warning("to turn off these warnings specify: qmgr_clog_warn_time = 0");
}
