/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/own_domains.h"

#include "config/shared_settings.h"
#include "daemon/daemon.h"
#include "mail/domain.h"

bool own_domains_open(struct own_domains *domains, struct table_set *set, struct daemon *daemon, struct failure *why)
{
    struct arena *arena = daemon_arena(daemon);

    domains->shared = daemon_shared(daemon);
    domains->mydestination =
        match_list_open(set, STR("mydestination"), domains->shared->mydestination, MATCH_STRINGS, false);
    return own_addresses(daemon_main_cf(daemon), arena, &domains->addresses, why) &&
           own_proxy_addresses(daemon_main_cf(daemon), arena, &domains->proxies, why);
}

static enum table_result has(void *context, struct str domain, struct failure *why)
{
    const struct own_domains *domains = context;
    struct ip_address address;
    struct str inside;

    if (str_equal_nocase(domain, domains->shared->myorigin))
        return TABLE_FOUND;
    if (domain_is_literal(domain, &inside) && ip_address_parse(inside, &address) &&
        (own_address_list_has(&domains->addresses, &address) || own_address_list_has(&domains->proxies, &address)))
        return TABLE_FOUND;
    return match_list_has(domains->mydestination, domain, why);
}

struct address_rules own_domains_rules(struct own_domains *domains)
{
    return (struct address_rules){
        .steps = ADDRESS_STEPS_DEFAULT,
        .recipient_delimiter = domains->shared->recipient_delimiter,
        .is_owner_plain = !domains->shared->owner_request_special,
        .is_local_domain = has,
        .context = domains,
    };
}
