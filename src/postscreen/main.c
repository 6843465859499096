/* SPDX-License-Identifier: Apache-2.0 */
/* postscreen - stands at the door: tests clients before they cost an smtpd anything, and hands over those that pass. */

#include "daemon/daemon.h"
#include "postscreen/client.h"
#include "postscreen/postscreen.h"

enum { CONNECTIONS_MAXIMUM = 25000 };

static bool open_service(struct daemon *daemon, struct failure *why)
{
    struct postscreen *postscreen;

    if (!postscreen_open(daemon, &postscreen, why))
        return false;
    daemon_keep(daemon, postscreen);
    return true;
}

static void *start_service(struct daemon *daemon)
{
    struct postscreen *postscreen = daemon_kept(daemon);

    postscreen_start(postscreen);
    return postscreen;
}

static void drain_service(void *context)
{
    postscreen_drain(context);
}

static void stop_service(void *context)
{
    postscreen_stop(context);
}

static void serve(struct daemon_session *connection)
{
    client_run(connection->context, connection);
}

int main(int argc, char **argv)
{
    static const char *const calls[] = { "smtpd", "dnsblog", "tlsproxy", "proxymap", NULL };
    static const struct daemon_program program = {
        .name = "postscreen",
        .shape = DAEMON_EVENT,
        .user = DAEMON_AS_NET_OWNER,
        .settings = &postscreen_settings_table,
        .open = open_service,
        .start = start_service,
        .drain = drain_service,
        .stop = stop_service,
        .session = serve,
        .calls = calls,
        .seccomp = "lookup",
        .is_singleton = true,
        .session_limit = CONNECTIONS_MAXIMUM,
    };

    return daemon_run(&program, argc, argv);
}
