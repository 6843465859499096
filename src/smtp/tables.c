/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/tables.h"

#include "checks/checks.h"
#include "config/shared_settings.h"
#include "daemon/daemon.h"
#include "log/log.h"
#include "smtp/log_lines.h"
#include "smtp/settings.h"

static void watch(void *context, const char *path)
{
    daemon_watch_file(context, path);
}

static void warn(void *context, const char *text)
{
    (void) context;
    log_warning("%s", text);
}

/* A parameter's name; prefix is "smtp" or "lmtp". */
static struct str title(struct daemon *daemon, const char *prefix, const char *rest)
{
    return arena_printf(daemon_arena(daemon), "%s_%s", prefix, rest);
}

static struct checks *open_checks(struct table_set *set, const struct smtp_settings *settings, struct daemon *daemon,
                                  const char *prefix)
{
    const struct checks_options options = {
        .tables = {
            [CHECKS_HEADER] = { title(daemon, prefix, "header_checks"), settings->header_checks },
            [CHECKS_MIME_HEADER] = { title(daemon, prefix, "mime_header_checks"), settings->mime_header_checks },
            [CHECKS_NESTED_HEADER] = { title(daemon, prefix, "nested_header_checks"), settings->nested_header_checks },
            [CHECKS_BODY] = { title(daemon, prefix, "body_checks"), settings->body_checks },
        },
        .actions = CHECKS_ACTIONS_DELIVERY,
        .body_size_limit = UINT64_MAX,
    };

    return checks_open(set, &options, daemon_arena(daemon));
}

void smtp_tables_open(struct smtp_tables *tables, const struct smtp_settings *settings, struct daemon *daemon,
                      const char *prefix)
{
    const struct table_set_options options = {
        .loop = daemon_loop(daemon),
        .proxymap_path = daemon_service_path(daemon, "private", daemon_shared(daemon)->proxymap_service_name),
        .warn = warn,
        .opening = watch,
        .opening_context = daemon,
        .cf = daemon_main_cf(daemon),
        .is_confined = true,
    };
    struct table_set *set = table_set_create(&options);

    *tables = (struct smtp_tables){
        .set = set,
        .reply_filter = table_list_open(set, title(daemon, prefix, "reply_filter"), settings->reply_filter, 0),
        .dns_reply_filter =
            table_list_open(set, title(daemon, prefix, "dns_reply_filter"), settings->dns_reply_filter, TABLE_FOLD),
        .discard_ehlo_keywords = table_list_open(set, title(daemon, prefix, "discard_ehlo_keyword_address_maps"),
                                                 settings->discard_ehlo_keyword_address_maps, TABLE_FOLD),
        .pix_workarounds = table_list_open(set, title(daemon, prefix, "pix_workaround_maps"),
                                           settings->pix_workaround_maps, TABLE_FOLD),
        .cache_destinations = match_list_open(set, title(daemon, prefix, "connection_cache_destinations"),
                                              settings->cache_destinations, MATCH_STRINGS, false),
    };
    tables->checks = open_checks(set, settings, daemon, prefix);
    debug_peers_open(&tables->debug_peers, set, daemon_shared(daemon));
}

void smtp_tables_close(struct smtp_tables *tables)
{
    table_set_destroy(&tables->set);
}

bool smtp_tables_find(struct table_list *list, struct str address, struct arena *arena, struct str *value_out)
{
    struct failure why;

    if (table_list_is_empty(list))
        return false;
    switch (table_list_find(list, address, TABLE_ANY_KIND, arena, value_out, &why)) {
    case TABLE_FOUND:
        return true;
    case TABLE_UNKNOWN:
        smtp_log_table_trouble(table_list_title(list), why.text);
        return false;
    case TABLE_ABSENT:
        break;
    }
    return false;
}
