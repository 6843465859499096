/* SPDX-License-Identifier: Apache-2.0 */
/* proxymap - looks into tables for services that cannot reach them from their jail, and only into those it may. */

#include "daemon/daemon.h"
#include "log/log.h"
#include "protocol/proxymap.h"
#include "proxymap/settings.h"
#include "proxymap/tables.h"

struct proxymap {
    struct table_set *set;
    struct proxymap_tables *tables;
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
static void open_listed(struct daemon *daemon, struct proxymap *proxymap)
{
    const struct proxymap_settings *settings = daemon_settings(daemon);

    for (size_t i = 0; i < settings->read_maps.count; i++) {
        struct str name = settings->read_maps.items[i];

        if (str_starts_with(name, STR("proxy:")))
            (void) proxymap_tables_find(proxymap->tables, str_from(name, strlen("proxy:")), TABLE_FOLD);
    }
}

static bool open_tables(struct daemon *daemon, struct failure *why)
{
    const struct proxymap_settings *settings = daemon_settings(daemon);
    struct table_set_options options = {
        .loop = daemon_loop(daemon), .warn = warn, .opening = watch, .opening_context = daemon
    };
    struct proxymap *proxymap = arena_new(daemon_arena(daemon), struct proxymap);

    (void) why;
    proxymap->set = table_set_create(&options);
    proxymap->tables = proxymap_tables_create(daemon_arena(daemon), proxymap->set, &settings->read_maps);
    open_listed(daemon, proxymap);
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

    table_set_destroy(&proxymap->set);
}

static void warn_denied(struct str name)
{
    log_warning("request for unapproved table: \"%.*s\"", STR_ARG(name));
    log_warning("to approve this table for read-only access, list proxy:%.*s in main.cf:proxy_read_maps",
                STR_ARG(name));
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
        warn_denied(request->table);
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

    if (table == NULL) {
        warn_denied(request->table);
        return daemon_reply(call, &reply, why);
    }
    reply.status = statuses[table_lookup(table, request->key, call->arena, &reply.value, &lookup_why)];
    if (reply.status == PROXYMAP_UNKNOWN)
        reply.reason = str_from_c(lookup_why.text);
    return daemon_reply(call, &reply, why);
}

static const struct daemon_operation operations[] = {
    { &proxymap_open_message, &proxymap_opened_message, open_table },
    { &proxymap_lookup_message, &proxymap_value_message, look_up },
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
    };

    return daemon_run(&program, argc, argv);
}
