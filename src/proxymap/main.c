/* SPDX-License-Identifier: Apache-2.0 */
/* proxymap - looks into tables for services that cannot reach them from their jail, and only into those it may. */

#include "config/main_cf.h"
#include "config/master_cf.h"
#include "daemon/daemon.h"
#include "log/log.h"
#include "os/fd.h"
#include "protocol/proxymap.h"
#include "proxymap/changes.h"
#include "proxymap/milters.h"
#include "proxymap/questions.h"
#include "proxymap/settings.h"
#include "proxymap/tables.h"

struct proxymap {
    bool may_write; /* this is proxywrite */
    struct table_set *set;
    struct proxymap_tables *tables;
    struct milter_ways *milters; /* NULL: none may be connected to */
    struct questions questions;
};

static void watch(void *context, const char *path)
{
    daemon_watch_file(context, path);
}

static void warn(void *context, const char *text)
{
    (void) context;
    log_warning("%s", text);
}

/* Tables that are files are opened now, so that a change of one of them is seen; all others when they are wanted. */
static void open_listed(struct proxymap *proxymap, const struct strlist *maps)
{
    for (size_t i = 0; i < maps->count; i++) {
        struct str name = maps->items[i];

        if (str_starts_with(name, STR("proxy:")))
            (void) proxymap_tables_find(proxymap->tables, str_from(name, strlen("proxy:")), TABLE_FOLD);
    }
}

static void allow_remote_of(struct proxymap *proxymap, const struct main_cf *cf, struct str text, struct arena *arena)
{
    struct failure ignored;
    struct str value;

    if (main_cf_expand(cf, text, arena, &value, &ignored))
        proxymap_tables_add_remote(proxymap->tables, value);
}

/* What services ask for without proxy: before it stands in any parameter, of main.cf or of one service. */
static bool allow_remote(struct daemon *daemon, struct proxymap *proxymap, struct failure *why)
{
    const struct main_cf *cf = daemon_main_cf(daemon);
    struct arena *arena = daemon_arena(daemon);
    struct master_cf *services;

    for (size_t i = 0; i < main_cf_count(cf); i++)
        allow_remote_of(proxymap, cf, main_cf_at(cf, i)->value, arena);
    if (!master_cf_load(main_cf_directory(cf), arena, &services, why))
        return false;
    for (size_t i = 0; i < services->count; i++) {
        struct strlist overrides = master_service_overrides(&services->services[i], arena);

        for (size_t j = 0; j < overrides.count; j++) {
            struct str name;
            struct str value;

            if (main_cf_split_assignment(overrides.items[j], &name, &value))
                allow_remote_of(proxymap, cf, value, arena);
        }
    }
    return true;
}

static bool open_tables(struct daemon *daemon, struct failure *why)
{
    const struct proxymap_settings *settings = daemon_settings(daemon);
    struct table_set_options options = { .loop = daemon_loop(daemon),
                                         .cf = daemon_main_cf(daemon),
                                         .warn = warn,
                                         .opening = watch,
                                         .opening_context = daemon };
    struct proxymap *proxymap = arena_new(daemon_arena(daemon), struct proxymap);
    const struct strlist *maps;

    proxymap->may_write = str_equal(str_from_c(daemon_service(daemon)), settings->proxywrite_service_name);
    maps = proxymap->may_write ? &settings->write_maps : &settings->read_maps;
    proxymap->set = table_set_create(&options);
    proxymap->tables = proxymap_tables_create(daemon_arena(daemon), proxymap->set, maps);
    questions_init(&proxymap->questions, daemon_loop(daemon));
    if (proxymap->may_write) {
        daemon_keep(daemon, proxymap);
        return true;
    }
    if (!milter_ways_open(daemon, &proxymap->milters, why) || !allow_remote(daemon, proxymap, why))
        return false;
    open_listed(proxymap, maps);
    daemon_keep(daemon, proxymap);
    return true;
}

static void *start(struct daemon *daemon)
{
    return daemon_kept(daemon);
}

static void stop(void *context)
{
    struct proxymap *proxymap = context;

    /* What a lookup still works on stays. */
    if (!questions_end(&proxymap->questions))
        return;
    milter_ways_close(&proxymap->milters);
    table_set_destroy(&proxymap->set);
}

static void hurry(void *context)
{
    struct proxymap *proxymap = context;

    questions_hurry(&proxymap->questions);
}

static void warn_denied(const struct proxymap *proxymap, struct str name)
{
    log_warning("request for unapproved table: \"%.*s\"", STR_ARG(name));
    log_warning("to approve this table for %s access, list proxy:%.*s in main.cf:%s",
                proxymap->may_write ? "read-write" : "read-only", STR_ARG(name),
                proxymap->may_write ? "proxy_write_maps" : "proxy_read_maps");
}

static bool open_table(struct daemon_call *call, struct failure *why)
{
    struct proxymap *proxymap = call->context;
    const struct proxymap_open *request = call->request;
    struct table *table = proxymap_tables_find(proxymap->tables, request->table, (unsigned) request->flags);
    struct proxymap_opened reply = { .status = PROXYMAP_DENIED };

    if (table != NULL) {
        reply.status = PROXYMAP_FOUND;
        reply.has_fixed_keys = table_kind_of(table) == TABLE_FIXED;
    } else {
        warn_denied(proxymap, request->table);
    }
    return daemon_reply(call, &reply, why);
}

static bool look_up(struct daemon_call *call, struct failure *why)
{
    static const enum proxymap_status statuses[] = {
        [TABLE_FOUND] = PROXYMAP_FOUND,
        [TABLE_ABSENT] = PROXYMAP_ABSENT,
        [TABLE_UNKNOWN] = PROXYMAP_UNKNOWN,
    };
    struct proxymap *proxymap = call->context;
    const struct proxymap_lookup *request = call->request;
    struct table *table = proxymap_tables_find(proxymap->tables, request->table, (unsigned) request->flags);
    struct proxymap_value reply = { .status = PROXYMAP_DENIED };
    struct failure lookup_why;
    struct question question;

    if (table == NULL) {
        warn_denied(proxymap, request->table);
        return daemon_reply(call, &reply, why);
    }
    question_open(&proxymap->questions, &question, call);
    reply.status = statuses[table_lookup(table, request->key, call->arena, &reply.value, &lookup_why)];
    if (reply.status == PROXYMAP_UNKNOWN)
        reply.reason = str_from_c(lookup_why.text);
    return question_close(&question, &reply, why);
}

static bool change(struct daemon_call *call, struct failure *why)
{
    struct proxymap *proxymap = call->context;
    const struct proxymap_change *request = call->request;
    struct proxymap_value reply = { .status = PROXYMAP_DENIED };

    if (proxymap->may_write)
        reply.status = changes_make(proxymap->tables, request, call->arena, &reply.reason);
    if (reply.status == PROXYMAP_DENIED)
        warn_denied(proxymap, request->table);
    return daemon_reply(call, &reply, why);
}

static bool connect_milter(struct daemon_call *call, struct failure *why)
{
    struct proxymap *proxymap = call->context;
    struct proxymap_connected reply = { .fd = -1, .reason = STR("this is proxywrite") };
    bool is_sent;

    if (proxymap->milters != NULL)
        milter_ways_connect(proxymap->milters, call->request, call->arena, &reply);
    is_sent = daemon_reply(call, &reply, why);
    fd_close(&reply.fd);
    return is_sent;
}

static const struct daemon_operation operations[] = {
    { &proxymap_open_message, &proxymap_opened_message, open_table },
    { &proxymap_lookup_message, &proxymap_value_message, look_up },
    { &proxymap_change_message, &proxymap_value_message, change },
    { &proxymap_connect_message, &proxymap_connected_message, connect_milter },
    { NULL, NULL, NULL },
};

int main(int argc, char **argv)
{
    static const struct daemon_program program = {
        .name = "proxymap",
        .shape = DAEMON_EVENT,
        .user = DAEMON_AS_MAP_OWNER,
        .settings = &proxymap_settings_table,
        .open = open_tables,
        .start = start,
        .stop = stop,
        .protocol = &proxymap_protocol,
        .operations = operations,
        .seccomp = "lookup",
        .system_stops = hurry,
        .leaves_calls = true,
    };

    return daemon_run(&program, argc, argv);
}
