/* SPDX-License-Identifier: Apache-2.0 */
/* trivial-rewrite - puts addresses into standard form and says where each of them goes. */

#include "config/main_cf.h"
#include "config/shared_settings.h"
#include "daemon/daemon.h"
#include "log/log.h"
#include "mail/address.h"
#include "mail/quote.h"
#include "os/environment.h"
#include "protocol/rewrite.h"
#include "trivial-rewrite/resolver.h"
#include "trivial-rewrite/settings.h"
#include "trivial-rewrite/standard_form.h"

struct trivial_rewrite {
    struct standard_form_rules local;
    struct standard_form_rules remote;
    struct table_set *tables;
    struct resolver *resolver;
    struct resolver *probe_resolver;
    uint64_t generation;
};

static void warn_of_table(void *context, const char *text)
{
    (void) context;
    log_warning("%s", text);
}

static void make_rules(struct trivial_rewrite *service, const struct trivial_rewrite_settings *settings,
                       const struct shared_settings *shared)
{
    struct standard_form_rules rules = {
        .may_swap_bangpath = settings->swap_bangpath,
        .may_use_percent = settings->allow_percent_hack,
    };

    service->remote = rules;
    service->remote.origin = settings->remote_header_rewrite_domain;
    service->remote.domain = settings->remote_header_rewrite_domain;
    service->local = rules;
    service->local.origin = settings->append_at_myorigin ? shared->myorigin : STR_EMPTY;
    service->local.domain = settings->append_dot_mydomain ? shared->mydomain : STR_EMPTY;
}

static uint64_t current_generation(void)
{
    uint64_t generation;

    if (str_to_uint64(str_from_c(environment_get("MERPATI_GENERATION")), &generation))
        return generation;
    return (uint64_t) clock_now().us;
}

static void watch(void *context, const char *path)
{
    daemon_watch_file(context, path);
}

static bool open_tables(struct daemon *daemon, struct failure *why)
{
    const struct table_set_options options = {
        .loop = daemon_loop(daemon),
        .proxymap_path = daemon_service_path(daemon, "private", daemon_shared(daemon)->proxymap_service_name),
        .warn = warn_of_table,
        .opening = watch,
        .opening_context = daemon,
        .cf = daemon_main_cf(daemon),
        .is_confined = true,
    };
    const struct trivial_rewrite_settings *settings = daemon_settings(daemon);
    const struct shared_settings *shared = daemon_shared(daemon);
    struct trivial_rewrite *service = arena_new(daemon_arena(daemon), struct trivial_rewrite);
    struct trivial_rewrite_settings *of_probes = arena_new(daemon_arena(daemon), struct trivial_rewrite_settings);

    *of_probes = trivial_rewrite_settings_of_probes(settings);
    make_rules(service, settings, shared);
    service->generation = current_generation();
    service->tables = table_set_create(&options);
    daemon_keep(daemon, service);
    return resolver_create(settings, shared, daemon_main_cf(daemon), service->tables, daemon_arena(daemon),
                           &service->resolver, why) &&
           resolver_create(of_probes, shared, daemon_main_cf(daemon), service->tables, daemon_arena(daemon),
                           &service->probe_resolver, why);
}

static void *start(struct daemon *daemon)
{
    return daemon_kept(daemon);
}

static void stop(void *context)
{
    struct trivial_rewrite *service = context;

    table_set_destroy(&service->tables);
}

static bool rewrite(struct daemon_call *call, struct failure *why)
{
    struct trivial_rewrite *service = call->context;
    const struct rewrite_request *request = call->request;
    const struct standard_form_rules *rules = request->is_local ? &service->local : &service->remote;
    struct rewrite_reply reply = { .generation = service->generation };
    size_t i;

    for (i = 0; i < request->addresses.count; i++)
        strlist_add_view(&reply.addresses, call->arena, standard_form(rules, request->addresses.items[i], call->arena));
    return daemon_reply(call, &reply, why);
}

static struct str in_form(struct arena *arena, bool (*form)(struct strbuf *, struct str), struct str address)
{
    struct strbuf text;
    struct str copy;

    strbuf_init(&text, STRBUF_UNLIMITED);
    (void) form(&text, address);
    copy = arena_str(arena, strbuf_str(&text));
    strbuf_done(&text);
    return copy;
}

/* What cleanup will make of an address that a client gave; the null address stays what it is. */
static struct str complete(const struct trivial_rewrite *service, struct str address, struct arena *arena)
{
    struct str external = in_form(arena, quote_address, address_skip_route(address));

    return in_form(arena, quote_undo, standard_form(&service->local, external, arena));
}

static bool resolve(struct daemon_call *call, struct failure *why)
{
    struct trivial_rewrite *service = call->context;
    const struct resolve_request *request = call->request;
    struct resolver *resolver = request->is_probe ? service->probe_resolver : service->resolver;
    struct resolve_reply reply = { .generation = service->generation };
    struct resolved_address *resolved;
    size_t i;

    if (request->addresses.count > REWRITE_BATCH_MAXIMUM)
        return failure_set(why, FAILURE_PROTOCOL, 0, "%zu addresses in one request", request->addresses.count);
    resolved = arena_new_array(call->arena, request->addresses.count, struct resolved_address);
    for (i = 0; i < request->addresses.count; i++) {
        struct str address = request->addresses.items[i];

        if (request->is_raw)
            address = complete(service, address, call->arena);
        resolver_resolve(resolver, request->sender, address, call->arena, &resolved[i]);
    }
    reply.addresses = (struct records){ resolved, request->addresses.count };
    return daemon_reply(call, &reply, why);
}

static const struct daemon_operation operations[] = {
    { &rewrite_request_message, &rewrite_reply_message, rewrite },
    { &resolve_request_message, &resolve_reply_message, resolve },
    { NULL, NULL, NULL },
};

static const char *const calls[] = { "proxymap", NULL };

int main(int argc, char **argv)
{
    static const struct daemon_program program = {
        .name = "trivial-rewrite",
        .shape = DAEMON_EVENT,
        .user = DAEMON_AS_MAIL_OWNER,
        .settings = &trivial_rewrite_settings_table,
        .open = open_tables,
        .start = start,
        .stop = stop,
        .protocol = &rewrite_protocol,
        .operations = operations,
        .calls = calls,
        .seccomp = "queue",
    };

    return daemon_run(&program, argc, argv);
}
