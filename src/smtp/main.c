/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp - delivers to other hosts: many messages at once in one process, sessions used again for the next message. Under
 * the name lmtp it speaks LMTP, also to Unix sockets.
 */

#include "config/shared_settings.h"
#include "delivery/agent.h"
#include "delivery/message_flags.h"
#include "dns/host_lookup.h"
#include "dns/resolver.h"
#include "log/log.h"
#include "smtp/deliver.h"
#include "smtp/dnssec_probe.h"
#include "smtp/encryption.h"
#include "smtp/generic.h"
#include "smtp/history.h"
#include "smtp/log_lines.h"
#include "smtp/login.h"
#include "smtp/pix.h"
#include "smtp/session_cache.h"
#include "smtp/smtp.h"
#include "table/dns_filter.h"

/* Of parameters. */
static const char *prefix_of(const struct smtp *smtp)
{
    return smtp->is_lmtp ? "lmtp" : "smtp";
}

static bool read_bind_address(const struct smtp *smtp, struct str text, enum ip_family family,
                              struct ip_address *address_out, struct failure *why)
{
    if (text.len == 0)
        return true;
    if (!ip_address_parse(text, address_out) || address_out->family != family)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "%s%s: bad address: %.*s; write one of this host's, as in %s",
                           prefix_of(smtp), family == IP_V4 ? "_bind_address" : "_bind_address6", STR_ARG(text),
                           family == IP_V4 ? "192.0.2.1" : "2001:db8::1");
    return true;
}

/* RFC 1122 section 3.2.1.3: all of 127/8, whether an interface has it or not. */
static bool is_loopback(const struct own_address *own)
{
    return own->is_loopback || (own->address.family == IP_V4 && own->address.bytes[0] == 127);
}

/* Where inet_interfaces has one address of a family, that family's connections come from there, too. */
static void bind_to_only_interface(const struct own_address_list *own, enum ip_family family,
                                   struct ip_address *address)
{
    const struct own_address *only = NULL;
    size_t count = 0;

    for (size_t i = 0; i < own->count; i++) {
        if (own->items[i].address.family == family) {
            only = &own->items[i];
            count++;
        }
    }
    if (address->family == IP_NONE && count == 1 && !is_loopback(only))
        *address = only->address;
}

/* Our addresses and those by which the world knows us: mail for them must not come back. */
static bool find_own_addresses(struct smtp *smtp, struct daemon *daemon, struct failure *why)
{
    struct arena *arena = daemon_arena(daemon);
    struct own_address_list own, proxy;

    if (!own_addresses(daemon_main_cf(daemon), arena, &own, why) ||
        !own_proxy_addresses(daemon_main_cf(daemon), arena, &proxy, why))
        return false;
    bind_to_only_interface(&own, IP_V4, &smtp->bind_ipv4);
    bind_to_only_interface(&own, IP_V6, &smtp->bind_ipv6);
    smtp->own.items = arena_new_array(arena, own.count + proxy.count + 1, struct own_address);
    for (size_t i = 0; i < own.count; i++)
        smtp->own.items[smtp->own.count++] = own.items[i];
    for (size_t i = 0; i < proxy.count; i++)
        smtp->own.items[smtp->own.count++] = proxy.items[i];
    return true;
}

static bool read_resolver_options(const struct smtp *smtp, struct resolver_options *options, struct failure *why)
{
    const struct strlist *words = &smtp->settings->dns_resolver_options;

    for (size_t i = 0; i < words->count; i++) {
        if (str_equal(words->items[i], STR("res_defnames")))
            options->appends_domain = true;
        else if (str_equal(words->items[i], STR("res_dnsrch")))
            options->searches = true;
        else
            return failure_set(why, FAILURE_CONFIGURATION, 0,
                               "%s_dns_resolver_options: unknown word: %.*s; write res_defnames, res_dnsrch, or both",
                               prefix_of(smtp), STR_ARG(words->items[i]));
    }
    return true;
}

static bool uses_dns(const struct smtp_settings *settings)
{
    return settings->dns_support_level == DNS_SUPPORT_AS_BEFORE ? !settings->disable_dns_lookups
                                                                : settings->dns_support_level != DNS_SUPPORT_DISABLED;
}

static bool open_lookups(struct smtp *smtp, struct daemon *daemon, struct failure *why)
{
    const struct strlist *host_lookup = &smtp->settings->host_lookup;
    bool has_dns = uses_dns(smtp->settings);
    struct resolver_options resolver = { .is_validating = smtp->settings->dns_support_level == DNS_SUPPORT_DNSSEC };
    struct host_lookup_options hosts = {
        .may_use_dns = has_dns && strlist_contains_nocase(host_lookup, STR("dns")),
        .may_use_native = !has_dns || strlist_contains_nocase(host_lookup, STR("native")),
        .must_use_dns = resolver.is_validating,
    };
    struct inet_protocols protocols;

    smtp->uses_dns = has_dns;
    smtp->is_validating = resolver.is_validating;
    if (!read_resolver_options(smtp, &resolver, why))
        return false;
    if (!hosts.may_use_dns && !hosts.may_use_native)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "%s_host_lookup: write dns, native, or both",
                           prefix_of(smtp));
    if (!inet_protocols_parse(daemon_shared(daemon)->inet_protocols, &protocols, why))
        return false;
    hosts.wants_ipv4 = protocols.has_ipv4;
    hosts.wants_ipv6 = protocols.has_ipv6;
    if (!resolver_create(smtp->loop, &resolver, &smtp->resolver, why))
        return false;
    if (!table_list_is_empty(smtp->tables.dns_reply_filter))
        resolver_set_filter(smtp->resolver, dns_filter_judge, smtp->tables.dns_reply_filter);
    smtp->hosts = host_lookup_create(smtp->loop, smtp->resolver, &hosts);
    daemon_watch_file(daemon, resolver_path());
    daemon_watch_file(daemon, "/etc/hosts");
    if (!smtp->is_validating)
        return true;
    daemon_watch_file(daemon, resolver_anchors_path());
    return dnssec_probe_create(smtp->settings->dnssec_probe, smtp->resolver, daemon_arena(daemon), &smtp->probe, why);
}

static bool open_generic(struct smtp *smtp, struct daemon *daemon, struct failure *why)
{
    if (smtp->settings->generic_maps.len == 0)
        return true;
    smtp->generic = generic_open(daemon, smtp->is_lmtp ? "lmtp_generic_maps" : "smtp_generic_maps",
                                 smtp->settings->generic_maps, &smtp->settings->propagate_unmatched_extensions, why);
    return smtp->generic != NULL;
}

static bool open_login(struct smtp *smtp, struct daemon *daemon, struct failure *why)
{
    if (!smtp->settings->sasl_auth_enable)
        return true;
    smtp->login = login_open(smtp, daemon, why);
    return smtp->login != NULL;
}

static bool read_pix_workarounds(struct smtp *smtp, struct failure *why)
{
    struct failure reason;

    if (pix_parse(&smtp->settings->pix_workarounds, &smtp->pix_workarounds, &reason))
        return true;
    return failure_set(why, FAILURE_CONFIGURATION, 0, "%s_pix_workarounds: %s", prefix_of(smtp), reason.text);
}

static bool open_smtp(struct daemon *daemon, struct failure *why)
{
    struct smtp *smtp = arena_new(daemon_arena(daemon), struct smtp);

    smtp->loop = daemon_loop(daemon);
    smtp->is_lmtp = daemon_program_of(daemon)->settings == &lmtp_settings_table;
    smtp->settings = daemon_settings(daemon);
    smtp->myhostname = daemon_shared(daemon)->myhostname;
    smtp->service = str_from_c(daemon_service(daemon));
    smtp->is_usable = message_flags_parse(daemon_arguments(daemon), &smtp->message_flags, &smtp->fault);
    if (!smtp->is_usable)
        log_error("%.*s: %s", STR_ARG(smtp->service), smtp->fault.text);
    if (!read_bind_address(smtp, smtp->settings->bind_address, IP_V4, &smtp->bind_ipv4, why) ||
        !read_bind_address(smtp, smtp->settings->bind_address6, IP_V6, &smtp->bind_ipv6, why) ||
        !read_pix_workarounds(smtp, why) || !find_own_addresses(smtp, daemon, why))
        return false;
    smtp_tables_open(&smtp->tables, smtp->settings, daemon, prefix_of(smtp));
    if (!open_lookups(smtp, daemon, why) || !open_generic(smtp, daemon, why) || !open_login(smtp, daemon, why) ||
        !encryption_open(smtp, daemon, &smtp->encryption, why))
        return false;
    daemon_keep(daemon, smtp);
    return true;
}

static void *start_smtp(struct daemon *daemon)
{
    struct smtp *smtp = daemon_kept(daemon);

    history_start(smtp, daemon);
    if (smtp->settings->assume_final)
        smtp_log_obsolete_assume_final();
    smtp->sessions = session_cache_create(smtp);
    generic_start(smtp->generic, daemon);
    login_start(smtp->login, daemon);
    return smtp;
}

static void drain_smtp(void *context)
{
    struct smtp *smtp = context;

    session_cache_stop(smtp->sessions);
}

static void stop_smtp(void *context)
{
    struct smtp *smtp = context;

    session_cache_destroy(&smtp->sessions);
    generic_stop(smtp->generic);
    login_stop(smtp->login);
    encryption_close(smtp->encryption);
    host_lookup_destroy(&smtp->hosts);
    resolver_destroy(&smtp->resolver);
    smtp_tables_close(&smtp->tables);
}

static void deliver(struct delivery *delivery, void *context)
{
    smtp_deliver(context, delivery);
}

static const char *const calls[] = { "rewrite", "proxymap", "proxywrite", "cleanup", "tlsmgr", NULL };

/* By the last part of the name that the program was started with. */
static bool is_lmtp(const char *name)
{
    struct str path = str_from_c(name);
    size_t slash = str_find_last_char(path, '/');

    return str_equal(slash == STR_NOT_FOUND ? path : str_from(path, slash + 1), STR("lmtp"));
}

int main(int argc, char **argv)
{
    struct delivery_program program = {
        .name = "smtp",
        .shape = DAEMON_EVENT,
        .user = DAEMON_AS_NET_OWNER,
        .settings = &smtp_settings_table,
        .open = open_smtp,
        .start = start_smtp,
        .drain = drain_smtp,
        .stop = stop_smtp,
        .calls = calls,
        .seccomp = "network",
        .capacity = 1000,
        .deliver = deliver,
    };

    if (argc > 0 && is_lmtp(argv[0])) {
        program.name = "lmtp";
        program.settings = &lmtp_settings_table;
        program.heeds_chroot = true;
    }
    return delivery_agent_main(&program, argc, argv);
}
