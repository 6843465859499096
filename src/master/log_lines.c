/* SPDX-License-Identifier: Apache-2.0 */
#include "master/log_lines.h"

#include "log/log.h"
#include "os/process.h"

#include <time.h>

enum { NAME_SIZE = 200 };

void log_daemon_started(const struct configuration *configuration)
{
    log_info("daemon started -- version %.*s, configuration %.*s", STR_ARG(configuration->shared->mail_version),
             STR_ARG(configuration->shared->config_directory));
}

void log_reload(const struct configuration *configuration)
{
    /* The host's time zone may be another now. */
    tzset();
    log_info("reload -- version %.*s, configuration %.*s", STR_ARG(configuration->shared->mail_version),
             STR_ARG(configuration->shared->config_directory));
}

void log_terminating(int signal_number)
{
    log_info("terminating on signal %d", signal_number);
}

void log_process_failed(const char *program, pid_t pid, int status)
{
    char text[64];

    process_status_text(status, text, sizeof text);
    log_warning("process %s pid %d %s", program, (int) pid, text);
}

void log_bad_startup(const char *program)
{
    log_warning("%s: bad command startup -- throttling", program);
}

void log_throttled(const char *program, const struct service *service, struct duration pause)
{
    char name[NAME_SIZE];

    log_warning("%s: service %s keeps failing -- throttling: next start in %lld s", program,
                service_text(service, name, sizeof name), (long long) duration_seconds(pause));
}

void log_not_built(const struct service *service)
{
    char name[NAME_SIZE];

    log_warning("service %s is not started: program %.*s is not part of this version",
                service_text(service, name, sizeof name), STR_ARG(service->entry->fields[MASTER_FIELD_COMMAND]));
}

void log_refused(const struct service *service)
{
    char name[NAME_SIZE];

    log_error("service %s is not started: %s", service_text(service, name, sizeof name), service->program->remark);
}

void log_done_elsewhere(const struct service *service)
{
    char name[NAME_SIZE];

    log_info("service %s is not needed: %s", service_text(service, name, sizeof name), service->program->remark);
}

void log_process_limit(const struct service *service, unsigned limit)
{
    char name[NAME_SIZE];

    log_warning(
        "service \"%s\" (%s) has reached its process limit \"%u\": new clients may experience noticeable delays",
        service->name, service_text(service, name, sizeof name), limit);
}

void log_stress(const struct service *service, bool is_stressed)
{
    char name[NAME_SIZE];

    if (is_stressed)
        log_warning(
            "service \"%s\" (%s) has reached its process limit: new clients may experience noticeable delays, and "
            "are served with stress=yes",
            service->name, service_text(service, name, sizeof name));
    else
        log_info("service \"%s\" (%s) has room again: clients are served without stress=yes", service->name,
                 service_text(service, name, sizeof name));
}

void log_process_stuck(const struct service *service, pid_t pid)
{
    char name[NAME_SIZE];

    log_warning("service %s: process %d did not stop in time: killed", service_text(service, name, sizeof name),
                (int) pid);
}

void log_listens_now(const struct service *service)
{
    char name[NAME_SIZE];

    log_info("service %s listens now", service_text(service, name, sizeof name));
}
