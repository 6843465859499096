/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup/service.h"

#include "checks/checks.h"
#include "cleanup/inspection.h"
#include "cleanup/log_lines.h"
#include "cleanup/mapping.h"
#include "cleanup/notifier.h"
#include "cleanup/rewriter.h"
#include "daemon/daemon.h"
#include "log/log.h"
#include "milter/settings.h"
#include "protocol/proxymap.h"
#include "protocol/queue.h"
#include "protocol/rewrite.h"
#include "spool/journal_writer.h"
#include "table/table.h"

static void warn(void *context, const char *text)
{
    (void) context;
    log_warning("%s", text);
}

static void watch(void *context, const char *path)
{
    daemon_watch_file(context, path);
}

/* What milters are, and the rules about what they add. */
static bool open_milters(struct daemon *daemon, struct service *service, struct table_set *tables, struct failure *why)
{
    struct arena *arena = daemon_arena(daemon);
    const struct checks_options checks = {
        .tables = { [CHECKS_HEADER] = { STR("milter_header_checks"), service->settings->milter_header_checks } },
        .actions = CHECKS_ACTIONS_MILTER,
    };
    void *settings;

    if (!settings_load(&milter_settings_table, daemon_main_cf(daemon), str_from_c(daemon_service(daemon)), arena,
                       &settings, why))
        return false;
    service->milter_settings = settings;
    service->milters = milter_services_parse(service->milter_settings->non_smtpd_milters, settings, arena);
    service->milter_header_checks = checks_open(tables, &checks, arena);
    return true;
}

bool service_open(struct daemon *daemon, struct failure *why)
{
    struct arena *arena = daemon_arena(daemon);
    struct service *service = arena_new(arena, struct service);
    struct table_set_options options = {
        .loop = daemon_loop(daemon),
        .proxymap_path = daemon_service_path(daemon, "private", daemon_shared(daemon)->proxymap_service_name),
        .warn = warn,
        .opening = watch,
        .opening_context = daemon,
        .cf = daemon_main_cf(daemon),
        .is_confined = true,
    };
    struct table_set *tables = table_set_create(&options);

    service->loop = daemon_loop(daemon);
    service->settings = daemon_settings(daemon);
    service->shared = daemon_shared(daemon);
    service->mapping = mapping_create(tables, service->settings, service->shared, daemon_main_cf(daemon), arena, why);
    if (service->mapping == NULL)
        return false;
    inspection_open(service, tables, arena);
    if (!open_milters(daemon, service, tables, why))
        return false;
    daemon_keep(daemon, service);
    return true;
}

static void on_notice(void *context, const struct journal_notice *notice)
{
    struct service *service = context;

    notifier_segment(service->notifier, notice);
}

static void on_file(void *context, struct queue_id id, bool is_held)
{
    struct service *service = context;

    (void) is_held;
    notifier_file(service->notifier, id);
}

static void on_alarm(void *context, bool is_failing, const char *text)
{
    (void) context;
    if (is_failing)
        log_disk_fails(text);
    else
        log_disk_works(text);
}

static bool open_journal(struct service *service, struct failure *why)
{
    const struct cleanup_settings *settings = service->settings;
    const struct shared_settings *shared = service->shared;
    struct journal_settings journal = {
        .spool = spool_settings_make(shared->hash_queue_names, shared->hash_queue_depth),
        .inline_limit = (uint64_t) settings->spool_inline_limit,
        .segment_bytes = (uint64_t) settings->spool_segment_size,
        .limit_bytes = (uint64_t) settings->spool_journal_limit,
        .reserve_bytes = (uint64_t) settings->spool_journal_reserve,
        .segment_age = settings->spool_segment_age,
        .use_long_ids = shared->enable_long_queue_ids,
    };
    struct journal_events events = {
        .notice = on_notice,
        .file = on_file,
        .alarm = on_alarm,
        .context = service,
    };

    return journal_writer_open(service->loop, &journal, &events, &service->journal, why);
}

void *service_start(struct daemon *daemon)
{
    struct service *service = daemon_kept(daemon);
    const struct shared_settings *shared = service->shared;
    struct endpoint *rewrite, *qmgr;
    struct failure why;

    rewrite = daemon_endpoint(daemon, daemon_service_path(daemon, "private", shared->rewrite_service_name),
                              &rewrite_protocol);
    qmgr = daemon_endpoint(daemon, daemon_service_path(daemon, "public", shared->queue_service_name), &queue_protocol);
    service->proxymap = daemon_endpoint(daemon, daemon_service_path(daemon, "private", shared->proxymap_service_name),
                                        &proxymap_protocol);
    service->rewriter = rewriter_create(rewrite, shared->ipc_timeout);
    mapping_set_rewriter(service->mapping, service->rewriter);
    service->notifier = notifier_start(service->loop, qmgr, shared->ipc_timeout);
    if (!open_journal(service, &why)) {
        log_fatal("open the journal: %s", why.text);
        daemon_fail(daemon);
    }
    return service;
}

void service_finish(struct service *service)
{
    if (service->journal != NULL)
        journal_writer_close(&service->journal);
    notifier_stop(&service->notifier);
    rewriter_destroy(&service->rewriter);
}
