/* SPDX-License-Identifier: Apache-2.0 */
/* sasl - knows who may log in, so that no process that faces the network does: Cyrus SASL, for smtpd to ask. */

#include "config/sasl_service.h"
#include "config/shared_settings.h"
#include "daemon/daemon.h"
#include "run/offload.h"
#include "sasl/conversation.h"
#include "sasl/library.h"
#include "sasl/log_lines.h"
#include "sasl/settings.h"

/* Of a process; not maxproc's share: clients in the midst of AUTH cost little, and must not keep others out. */
enum { SESSIONS_MAXIMUM = 2000 };

/* What changes there is in force with the next generation. */
static void watch(struct daemon *daemon, struct str directories, struct str application)
{
    struct str directory;
    bool has_more;

    do {
        has_more = str_cut(directories, ':', &directory, &directories);
        daemon_watch_file(
            daemon,
            arena_printf(daemon_arena(daemon), "%.*s/%.*s.conf", STR_ARG(directory), STR_ARG(application)).data);
    } while (has_more);
}

/* The configuration file is read and loaded while we may read it: smtpd.conf may have a password in it. */
static bool open_service(struct daemon *daemon, struct failure *why)
{
    const struct sasl_service_settings *settings = daemon_settings(daemon);
    struct sasl_service *service = arena_new(daemon_arena(daemon), struct sasl_service);
    struct str directories;

    directories =
        sasl_service_directories(settings->config_path, daemon_shared(daemon)->config_directory, daemon_arena(daemon));
    service->host = daemon_shared(daemon)->myhostname;
    service->application = settings->application;
    daemon_keep(daemon, service);
    /* With Dovecot it is a path, and nobody will ask us. */
    if (!sasl_service_is_application(settings->application))
        service->application = STR("smtpd");
    watch(daemon, directories, service->application);
    return library_begin(arena_c(daemon_arena(daemon), directories), service->application, why);
}

static void *start_service(struct daemon *daemon)
{
    struct sasl_service *service = daemon_kept(daemon);

    service->offload = offload_create(daemon_loop(daemon), "sasl", SASL_THREADS_MAXIMUM);
    return service;
}

static void stop_service(void *context)
{
    struct sasl_service *service = context;

    offload_destroy(&service->offload);
}

static void serve(struct daemon_session *session)
{
    conversation_run(session->context, session);
}

int main(int argc, char **argv)
{
    static const struct daemon_program program = {
        .name = "sasl",
        .shape = DAEMON_EVENT,
        .session_limit = SESSIONS_MAXIMUM,
        .user = DAEMON_AS_SASL_OWNER,
        .settings = &sasl_settings_table,
        .open = open_service,
        .start = start_service,
        .stop = stop_service,
        .session = serve,
        .seccomp = "lookup",
    };

    return daemon_run(&program, argc, argv);
}
