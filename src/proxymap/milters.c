/* SPDX-License-Identifier: Apache-2.0 */
#include "proxymap/milters.h"

#include "config/main_cf.h"
#include "config/master_cf.h"
#include "config/own_addresses.h"
#include "config/shared_settings.h"
#include "daemon/daemon.h"
#include "dns/host_lookup.h"
#include "dns/resolver.h"
#include "log/log.h"
#include "milter/service.h"
#include "milter/settings.h"

struct milter_ways {
    struct loop *loop;
    struct arena *arena;
    const struct milter_settings *settings;
    struct milter_services *lists; /* of main.cf, then of services */
    size_t count;
    struct resolver *resolver;
    struct host_lookup *host_lookup;
};

static void add_list(struct milter_ways *ways, struct str list)
{
    ways->lists[ways->count++] = milter_services_parse(list, ways->settings, ways->arena);
}

/* -o non_smtpd_milters=... of one service. */
static void add_override(struct milter_ways *ways, const struct main_cf *cf, struct str assignment)
{
    struct failure ignored;
    struct str name, value, list;

    if (main_cf_split_assignment(assignment, &name, &value) && str_equal(name, STR("non_smtpd_milters")) &&
        main_cf_expand(cf, value, ways->arena, &list, &ignored))
        add_list(ways, list);
}

static bool collect(struct daemon *daemon, struct milter_ways *ways, struct failure *why)
{
    const struct main_cf *cf = daemon_main_cf(daemon);
    struct master_cf *services;

    if (!master_cf_load(main_cf_directory(cf), ways->arena, &services, why))
        return false;
    size_t most = 1;

    for (size_t i = 0; i < services->count; i++)
        most += master_service_overrides(&services->services[i], ways->arena).count;
    ways->lists = arena_new_array(ways->arena, most, struct milter_services);
    add_list(ways, ways->settings->non_smtpd_milters);
    for (size_t i = 0; i < services->count; i++) {
        struct strlist overrides = master_service_overrides(&services->services[i], ways->arena);

        for (size_t j = 0; j < overrides.count; j++)
            add_override(ways, cf, overrides.items[j]);
    }
    return true;
}

/* Names of hosts are looked up only where there is one. */
static bool open_lookup(struct daemon *daemon, struct milter_ways *ways, struct failure *why)
{
    const struct resolver_options resolver_options = { .resolv_conf = NULL };
    struct host_lookup_options options = { .may_use_dns = true, .may_use_native = true };
    struct inet_protocols protocols;
    bool has_any = false;

    for (size_t i = 0; i < ways->count; i++)
        has_any = has_any || ways->lists[i].count > 0;
    if (!has_any)
        return true;
    if (!inet_protocols_parse(daemon_shared(daemon)->inet_protocols, &protocols, why) ||
        !resolver_create(ways->loop, &resolver_options, &ways->resolver, why))
        return false;
    options.wants_ipv4 = protocols.has_ipv4;
    options.wants_ipv6 = protocols.has_ipv6;
    ways->host_lookup = host_lookup_create(ways->loop, ways->resolver, &options);
    daemon_watch_file(daemon, resolver_path());
    daemon_watch_file(daemon, "/etc/hosts");
    return true;
}

bool milter_ways_open(struct daemon *daemon, struct milter_ways **ways_out, struct failure *why)
{
    struct arena *arena = daemon_arena(daemon);
    struct milter_ways *ways = arena_new(arena, struct milter_ways);
    void *settings;

    ways->arena = arena;
    ways->loop = daemon_loop(daemon);
    if (!settings_load(&milter_settings_table, daemon_main_cf(daemon), str_from_c(daemon_service(daemon)), arena,
                       &settings, why))
        return false;
    ways->settings = settings;
    if (!collect(daemon, ways, why) || !open_lookup(daemon, ways, why))
        return false;
    *ways_out = ways;
    return true;
}

void milter_ways_close(struct milter_ways **ways)
{
    if (*ways == NULL)
        return;
    host_lookup_destroy(&(*ways)->host_lookup);
    resolver_destroy(&(*ways)->resolver);
    *ways = NULL;
}

static const struct milter_service *find(const struct milter_ways *ways, struct str place)
{
    for (size_t i = 0; i < ways->count; i++) {
        for (size_t j = 0; j < ways->lists[i].count; j++) {
            if (str_equal(ways->lists[i].items[j].name, place))
                return &ways->lists[i].items[j];
        }
    }
    return NULL;
}

void milter_ways_connect(struct milter_ways *ways, const struct proxymap_connect *request, struct arena *arena,
                         struct proxymap_connected *answer_out)
{
    const struct milter_service *found = find(ways, request->place);
    struct milter_service milter;
    struct failure why;

    *answer_out = (struct proxymap_connected){ .fd = -1 };
    if (found == NULL) {
        log_warning("request for a milter that non_smtpd_milters does not name: \"%.*s\"", STR_ARG(request->place));
        answer_out->reason = STR("non_smtpd_milters does not name it");
        return;
    }
    milter = *found;
    milter.connect_timeout = seconds((int64_t) request->timeout_s);
    if (milter_dial(ways->loop, ways->host_lookup, &milter, &answer_out->fd, &why))
        return;
    answer_out->fd = -1;
    answer_out->is_timeout = why.kind == FAILURE_TIMEOUT;
    answer_out->reason = arena_str(arena, str_from_c(why.text));
}
