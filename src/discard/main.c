/* SPDX-License-Identifier: Apache-2.0 */
/* discard - says that every recipient was delivered and drops the message; the next hop is the reason that is logged.
 */

#include "delivery/agent.h"

static void discard(struct delivery *delivery, void *context)
{
    struct delivery_report report = { .relay = STR("none") };

    (void) context;
    report.dsn = dsn_split_text(delivery->request->nexthop, DSN_STATUS(2, 0, 0), true, &report.text);
    for (size_t i = 0; i < delivery->recipient_count; i++)
        delivery_sent(delivery, i, &report);
}

int main(int argc, char **argv)
{
    static const struct delivery_program program = {
        .name = "discard",
        .shape = DAEMON_EVENT,
        .user = DAEMON_AS_MAIL_OWNER,
        .capacity = 1000,
        .seccomp = "queue",
        .deliver = discard,
    };

    return delivery_agent_main(&program, argc, argv);
}
