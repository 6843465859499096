/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/smtpd.h"

#include "config/main_cf.h"
#include "config/receive_override.h"
#include "daemon/daemon.h"
#include "dns/host_lookup.h"
#include "dns/resolver.h"
#include "log/log.h"
#include "notice/transcript.h"
#include "protocol/anvil.h"
#include "protocol/cleanup.h"
#include "protocol/flush.h"
#include "protocol/rewrite.h"
#include "protocol/verify.h"
#include "smtpd/destination.h"
#include "smtpd/dnsbl_reply.h"
#include "smtpd/ehlo_keyword.h"
#include "smtpd/login.h"
#include "smtpd/policy_server.h"
#include "smtpd/proxy_filter.h"
#include "smtpd/restriction.h"
#include "smtpd/rewriting.h"
#include "smtpd/session_milters.h"
#include "table/dns_filter.h"

enum { SERVICE_SECONDS = 30 };

static void watch(void *context, const char *path)
{
    daemon_watch_file(context, path);
}

static void warn(void *context, const char *text)
{
    (void) context;
    log_warning("%s", text);
}

static bool has_word(struct str list, const char *wanted)
{
    struct str word;

    while (str_next_word(&list, ", \t\r\n", &word)) {
        if (str_equal_nocase(word, str_from_c(wanted)))
            return true;
    }
    return false;
}

static struct table_list *open_maps(struct smtpd *smtpd, const char *title, struct str value)
{
    return table_list_open(smtpd->tables, str_from_c(title), smtpd->is_standalone ? STR_EMPTY : value, TABLE_FOLD);
}

static void open_tables(struct smtpd *smtpd)
{
    const struct smtpd_settings *settings = smtpd->settings;
    const struct table_set_options options = {
        .loop = smtpd->loop,
        .proxymap_path = daemon_service_path(smtpd->daemon, "private", smtpd->shared->proxymap_service_name),
        .warn = warn,
        .opening = watch,
        .opening_context = smtpd->daemon,
        .cf = daemon_main_cf(smtpd->daemon),
        .is_confined = true,
    };

    smtpd->tables = table_set_create(&options);
    smtpd->local_recipient_maps = open_maps(smtpd, "local_recipient_maps", settings->local_recipient_maps);
    smtpd->virtual_alias_maps = open_maps(smtpd, "virtual_alias_maps", settings->virtual_alias_maps);
    smtpd->virtual_mailbox_maps = open_maps(smtpd, "virtual_mailbox_maps", settings->virtual_mailbox_maps);
    smtpd->relay_recipient_maps = open_maps(smtpd, "relay_recipient_maps", settings->relay_recipient_maps);
    smtpd->sender_login_maps = open_maps(smtpd, "smtpd_sender_login_maps", settings->sender_login_maps);
    smtpd->dns_reply_filter = open_maps(smtpd, "smtpd_dns_reply_filter", settings->dns_reply_filter);
    smtpd->encryption.relay_clientcerts = open_maps(smtpd, "relay_clientcerts", settings->tls.relay_clientcerts);
    smtpd->canonical_maps = open_maps(smtpd, "canonical_maps", settings->canonical_maps);
    smtpd->recipient_canonical_maps = open_maps(smtpd, "recipient_canonical_maps", settings->recipient_canonical_maps);
    smtpd->rbl_reply_maps = open_maps(smtpd, "rbl_reply_maps", settings->rbl_reply_maps);
    smtpd->command_filter = open_maps(smtpd, "smtpd_command_filter", settings->command_filter);
    smtpd->reject_filter_maps = open_maps(smtpd, "smtpd_reject_filter_maps", settings->reject_filter_maps);
    smtpd->reject_footer_maps = open_maps(smtpd, "smtpd_reject_footer_maps", settings->reject_footer_maps);
    smtpd->milter_maps = open_maps(smtpd, "smtpd_milter_maps", settings->milter_maps);
    smtpd->discard_ehlo_keyword_maps =
        open_maps(smtpd, "smtpd_discard_ehlo_keyword_address_maps", settings->discard_ehlo_keyword_address_maps);
}

static void open_lists(struct smtpd *smtpd)
{
    const struct smtpd_settings *settings = smtpd->settings;
    struct str parents = smtpd->shared->parent_domain_matches_subdomains;

    smtpd->access_parents_match = has_word(parents, "smtpd_access_maps");
    smtpd->mynetworks = match_list_open(smtpd->tables, STR("mynetworks"), smtpd->shared->mynetworks, MATCH_HOSTS,
                                        has_word(parents, "mynetworks"));
    smtpd->bare_newline_exclusions =
        match_list_open(smtpd->tables, STR("smtpd_forbid_bare_newline_exclusions"),
                        settings->forbid_bare_newline_exclusions, MATCH_HOSTS, has_word(parents, "mynetworks"));
    /* Who is authorized is never meant with his subdomains: parent_domain_matches_subdomains has no such names. */
    smtpd->verp_clients = match_list_open(smtpd->tables, STR("smtpd_authorized_verp_clients"),
                                          settings->authorized_verp_clients, MATCH_HOSTS, false);
    smtpd->limit_exceptions = match_list_open(smtpd->tables, STR("smtpd_client_event_limit_exceptions"),
                                              settings->client_event_limit_exceptions, MATCH_HOSTS,
                                              has_word(parents, "smtpd_client_event_limit_exceptions"));
    smtpd->proxy_networks = match_list_open(smtpd->tables, STR("smtpd_upstream_proxy_networks"),
                                            settings->upstream_proxy_networks, MATCH_HOSTS, false);
    smtpd->xclient_hosts = match_list_open(smtpd->tables, STR("smtpd_authorized_xclient_hosts"),
                                           settings->authorized_xclient_hosts, MATCH_HOSTS, false);
    smtpd->xforward_hosts = match_list_open(smtpd->tables, STR("smtpd_authorized_xforward_hosts"),
                                            settings->authorized_xforward_hosts, MATCH_HOSTS, false);
    debug_peers_open(&smtpd->debug_peers, smtpd->tables, smtpd->shared);
    smtpd->noop_commands =
        match_list_open(smtpd->tables, STR("smtpd_noop_commands"), settings->noop_commands, MATCH_STRINGS, false);
    smtpd->forbidden_commands = match_list_open(smtpd->tables, STR("smtpd_forbidden_commands"),
                                                settings->forbidden_commands, MATCH_STRINGS, false);
    smtpd->mx_backup_networks =
        match_list_open(smtpd->tables, STR("permit_mx_backup_networks"), settings->permit_mx_backup_networks,
                        MATCH_HOSTS, has_word(parents, "permit_mx_backup_networks"));
    smtpd->log_permit_actions = match_list_open(smtpd->tables, STR("smtpd_log_access_permit_actions"),
                                                settings->log_access_permit_actions, MATCH_STRINGS, false);
}

static void parse_restrictions(struct smtpd *smtpd)
{
    const struct smtpd_settings *settings = smtpd->settings;

    restriction_parse_classes(smtpd);
    smtpd->client_restrictions = restriction_parse(smtpd, settings->client_restrictions);
    smtpd->helo_restrictions = restriction_parse(smtpd, settings->helo_restrictions);
    smtpd->sender_restrictions = restriction_parse(smtpd, settings->sender_restrictions);
    smtpd->relay_restrictions = restriction_parse(smtpd, settings->relay_restrictions);
    smtpd->recipient_restrictions = restriction_parse(smtpd, settings->recipient_restrictions);
    smtpd->data_restrictions = restriction_parse(smtpd, settings->data_restrictions);
    smtpd->end_of_data_restrictions = restriction_parse(smtpd, settings->end_of_data_restrictions);
    smtpd->etrn_restrictions = restriction_parse(smtpd, settings->etrn_restrictions);
    smtpd->rewriting = rewriting_parse(smtpd, settings->local_header_rewrite_clients);
    smtpd->is_open_relay = !restriction_list_stops_relaying(smtpd->relay_restrictions) &&
                           !restriction_list_stops_relaying(smtpd->recipient_restrictions);
}

static bool find_own_addresses(struct smtpd *smtpd, struct failure *why)
{
    struct own_address_list own, proxies;

    if (!own_addresses(smtpd->main_cf, smtpd->arena, &own, why) ||
        !own_proxy_addresses(smtpd->main_cf, smtpd->arena, &proxies, why))
        return false;
    smtpd->own_addresses.items = arena_new_array(smtpd->arena, own.count + proxies.count + 1, struct own_address);
    for (size_t i = 0; i < own.count; i++)
        smtpd->own_addresses.items[smtpd->own_addresses.count++] = own.items[i];
    for (size_t i = 0; i < proxies.count; i++)
        smtpd->own_addresses.items[smtpd->own_addresses.count++] = proxies.items[i];
    return true;
}

static bool open_resolver(struct smtpd *smtpd, struct failure *why)
{
    const struct resolver_options resolver_options = { .resolv_conf = NULL };
    struct inet_protocols protocols;
    struct host_lookup_options options = { .may_use_dns = true, .may_use_native = true };

    if (!inet_protocols_parse(smtpd->shared->inet_protocols, &protocols, why) ||
        !resolver_create(smtpd->loop, &resolver_options, &smtpd->resolver, why))
        return false;
    smtpd->names_resolver = smtpd->resolver;
    if (!table_list_is_empty(smtpd->dns_reply_filter)) {
        if (!resolver_create(smtpd->loop, &resolver_options, &smtpd->names_resolver, why))
            return false;
        resolver_set_filter(smtpd->names_resolver, dns_filter_judge, smtpd->dns_reply_filter);
    }
    options.wants_ipv4 = protocols.has_ipv4;
    options.wants_ipv6 = protocols.has_ipv6;
    smtpd->host_lookup = host_lookup_create(smtpd->loop, smtpd->resolver, &options);
    daemon_watch_file(smtpd->daemon, resolver_path());
    daemon_watch_file(smtpd->daemon, "/etc/hosts");
    return true;
}

/* What the parameters are when master says that there is stress. */
static bool load_stressed(struct smtpd *smtpd, struct failure *why)
{
    struct str usual = arena_printf(smtpd->arena, "stress=%.*s", STR_ARG(smtpd->settings->stress));
    void *stressed;

    if (!main_cf_override(smtpd->main_cf, STR("stress=yes"), why) ||
        !settings_load(&smtpd_settings_table, smtpd->main_cf, str_from_c(daemon_service(smtpd->daemon)), smtpd->arena,
                       &stressed, why) ||
        !main_cf_override(smtpd->main_cf, usual, why))
        return false;
    smtpd->stressed = stressed;
    return true;
}

bool smtpd_open(struct daemon *daemon, struct smtpd **smtpd_out, struct failure *why)
{
    struct smtpd *smtpd = arena_new(daemon_arena(daemon), struct smtpd);

    smtpd->daemon = daemon;
    smtpd->main_cf = daemon_main_cf(daemon);
    smtpd->loop = daemon_loop(daemon);
    smtpd->arena = daemon_arena(daemon);
    smtpd->settings = daemon_settings(daemon);
    smtpd->shared = daemon_shared(daemon);
    smtpd->is_standalone = daemon_is_standalone(daemon);
    smtpd->greeting = arena_printf(smtpd->arena, "220 %.*s", STR_ARG(smtpd->settings->banner));
    smtpd->notice_classes = notice_classes(&smtpd->settings->notify_classes) & ~(unsigned) NOTICE_DELAY;
    smtpd->discarded_keywords = ehlo_keyword_mask(smtpd->settings->discard_ehlo_keywords);
    smtpd->destination_cache = destination_cache_create();
    smtpd->expansion_filter = dnsbl_reply_filter(smtpd->arena, smtpd->settings->expansion_filter);
    open_tables(smtpd);
    open_lists(smtpd);
    if (!smtpd->is_standalone)
        parse_restrictions(smtpd);
    if (!load_stressed(smtpd, why) ||
        !receive_override_parse(&smtpd->settings->receive_override_options, &smtpd->overrides, why) ||
        !proxy_service_open(smtpd, why) || !session_milters_open(smtpd, why) || !find_own_addresses(smtpd, why) ||
        !open_resolver(smtpd, why) || !encryption_open(smtpd, why) || !login_open(smtpd, why))
        return false;
    *smtpd_out = smtpd;
    return true;
}

void smtpd_start(struct smtpd *smtpd)
{
    const struct shared_settings *shared = smtpd->shared;

    proxy_service_start(smtpd);
    smtpd->anvil = daemon_endpoint(smtpd->daemon, "private/anvil", &anvil_protocol);
    smtpd->cleanup = daemon_endpoint(
        smtpd->daemon, arena_printf(smtpd->arena, "public/%.*s", STR_ARG(shared->cleanup_service_name)).data,
        &cleanup_protocol);
    smtpd->verify = daemon_endpoint(
        smtpd->daemon, arena_printf(smtpd->arena, "private/%.*s", STR_ARG(shared->verify_service_name)).data,
        &verify_protocol);
    smtpd->rewrite = daemon_endpoint(
        smtpd->daemon, arena_printf(smtpd->arena, "private/%.*s", STR_ARG(shared->rewrite_service_name)).data,
        &rewrite_protocol);
    smtpd->flush = daemon_endpoint(smtpd->daemon,
                                   arena_printf(smtpd->arena, "public/%.*s", STR_ARG(shared->flush_service_name)).data,
                                   &flush_protocol);
    /* One that listens and does not answer costs a client no more than that. */
    endpoint_set_connect_timeout(smtpd->verify, seconds(SERVICE_SECONDS));
    endpoint_set_connect_timeout(smtpd->flush, seconds(SERVICE_SECONDS));
}

void smtpd_stop(struct smtpd *smtpd)
{
    policy_servers_close(smtpd);
    proxy_service_stop(smtpd);
    login_close(smtpd);
    encryption_close(smtpd);
    host_lookup_destroy(&smtpd->host_lookup);
    if (smtpd->names_resolver != smtpd->resolver)
        resolver_destroy(&smtpd->names_resolver);
    resolver_destroy(&smtpd->resolver);
    table_set_destroy(&smtpd->tables);
    destination_cache_destroy(&smtpd->destination_cache);
}
