/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error - bounces every recipient, with the next hop as the reason: "5.1.6 Has moved". Run as the service "retry"
 * (or any other name but "error" and error_service_name) it defers them.
 */

#include "config/shared_settings.h"
#include "delivery/agent.h"

static bool may_bounce(const struct delivery *delivery)
{
    struct str service = str_from_c(daemon_service(delivery->daemon));

    return str_equal(service, STR("error")) || str_equal(service, delivery->shared->error_service_name);
}

static void refuse(struct delivery *delivery, void *context)
{
    bool is_final = may_bounce(delivery);
    struct delivery_report report = { .relay = STR("none") };

    (void) context;
    report.dsn = dsn_split_text(delivery->request->nexthop, DSN_STATUS(is_final ? 5 : 4, 0, 0), true, &report.text);
    for (size_t i = 0; i < delivery->recipient_count; i++) {
        if (is_final)
            delivery_bounced(delivery, i, &report);
        else
            delivery_deferred(delivery, i, &report);
    }
}

int main(int argc, char **argv)
{
    static const struct delivery_program program = {
        .name = "error",
        .shape = DAEMON_EVENT,
        .user = DAEMON_AS_MAIL_OWNER,
        .capacity = 1000,
        .seccomp = "queue",
        .deliver = refuse,
    };

    return delivery_agent_main(&program, argc, argv);
}
