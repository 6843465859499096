/* SPDX-License-Identifier: Apache-2.0 */
/* smtpd - takes mail from the network: speaks SMTP, judges clients and recipients, hands messages to cleanup. */

#include "daemon/daemon.h"
#include "smtpd/session.h"
#include "smtpd/settings.h"
#include "smtpd/smtpd.h"

static bool open_service(struct daemon *daemon, struct failure *why)
{
    struct smtpd *smtpd;

    if (!smtpd_open(daemon, &smtpd, why))
        return false;
    daemon_keep(daemon, smtpd);
    return true;
}

static void *start_service(struct daemon *daemon)
{
    struct smtpd *smtpd = daemon_kept(daemon);

    smtpd_start(smtpd);
    return smtpd;
}

static void stop_service(void *context)
{
    smtpd_stop(context);
}

static void serve(struct daemon_session *connection)
{
    session_run(connection->context, connection);
}

int main(int argc, char **argv)
{
    static const char *const calls[] = { "cleanup", "rewrite", "flush",  "proxymap", "verify",
                                         "anvil",   "sasl",    "tlsmgr", NULL };
    static const struct daemon_program program = {
        .name = "smtpd",
        .shape = DAEMON_EVENT,
        .user = DAEMON_AS_NET_OWNER,
        .settings = &smtpd_settings_table,
        .open = open_service,
        .start = start_service,
        .stop = stop_service,
        .session = serve,
        .calls = calls,
        .seccomp = "network",
    };

    return daemon_run(&program, argc, argv);
}
