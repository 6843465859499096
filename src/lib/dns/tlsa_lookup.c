/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/tlsa_lookup.h"

#include "dns/resolver.h"

/* True: that is how it is, found or not to be known. False: there is nothing under this name. */
static bool look_under(struct resolver *resolver, struct str base, uint16_t port, struct arena *arena,
                       struct tlsa_records *out)
{
    struct dns_answer answer;

    out->name = arena_printf(arena, "_%u._tcp.%.*s", port, STR_ARG(base));
    resolver_lookup(resolver, out->name, DNS_TYPE_TLSA, arena, &answer);
    if (answer.outcome == DNS_UNKNOWN) {
        out->outcome = TLSA_UNKNOWN;
        out->reason = answer.reason;
        return true;
    }
    if (answer.outcome != DNS_FOUND || !answer.is_secure)
        return false;
    out->outcome = TLSA_FOUND;
    out->base_domain = base;
    out->items = answer.records;
    out->count = answer.count;
    return true;
}

/*
 * RFC 7672 section 2.2.2: a host whose CNAME leads to where nothing is signed may have records itself, if the CNAME is
 * validated.
 */
static bool is_alias_secure(struct resolver *resolver, struct str host, struct arena *arena, struct tlsa_records *out)
{
    struct dns_answer answer;

    resolver_lookup(resolver, host, DNS_TYPE_CNAME, arena, &answer);
    if (answer.outcome != DNS_UNKNOWN)
        return answer.outcome == DNS_FOUND && answer.is_secure;
    out->outcome = TLSA_UNKNOWN;
    out->name = host;
    out->reason = answer.reason;
    return false;
}

void tlsa_lookup(struct resolver *resolver, const struct tlsa_server *server, struct arena *arena,
                 struct tlsa_records *records_out)
{
    struct str host = arena_lower(arena, server->host);
    bool is_alias = server->canonical_name.len > 0 && !str_equal_nocase(server->canonical_name, host);

    *records_out = (struct tlsa_records){ .outcome = TLSA_ABSENT, .base_domain = host, .reason = "" };
    /* The end of the chain first, where all of it is validated (RFC 7672 section 2.2.3). */
    if (is_alias && server->is_secure && look_under(resolver, server->canonical_name, server->port, arena, records_out))
        return;
    if (!server->is_secure && !server->is_forced && (!is_alias || !is_alias_secure(resolver, host, arena, records_out)))
        return;
    (void) look_under(resolver, host, server->port, arena, records_out);
}
