/* SPDX-License-Identifier: Apache-2.0 */
/* cleanup - takes every new message, puts envelope and header in order, and makes it durable in the queue. */

#include "cleanup/service.h"
#include "cleanup/session.h"
#include "daemon/daemon.h"
#include "protocol/cleanup.h"

static void stop(void *context)
{
    service_finish(context);
}

static const struct daemon_operation operations[] = {
    { &cleanup_open_message, NULL, session_run },
    { NULL, NULL, NULL },
};

static const char *const calls[] = { "rewrite", "qmgr", "proxymap", NULL };

int main(int argc, char **argv)
{
    static const struct daemon_program program = {
        .name = "cleanup",
        .shape = DAEMON_EVENT,
        .user = DAEMON_AS_MAIL_OWNER,
        .settings = &cleanup_settings_table,
        .open = service_open,
        .start = service_start,
        .stop = stop,
        .protocol = &cleanup_protocol,
        .operations = operations,
        .calls = calls,
        .seccomp = "queue",
    };

    return daemon_run(&program, argc, argv);
}
