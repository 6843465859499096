/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/dnssec_probe.h"

#include "dns/resolver.h"
#include "smtp/log_lines.h"

struct dnssec_probe {
    struct resolver *resolver;
    struct str text, name;
    enum dns_type type;
    bool is_over; /* something has been proven, or has been asked for */
};

static bool find_type(struct str word, enum dns_type *type_out)
{
    static const enum dns_type types[] = { DNS_TYPE_A,     DNS_TYPE_AAAA, DNS_TYPE_NS,  DNS_TYPE_MX,
                                           DNS_TYPE_CNAME, DNS_TYPE_TXT,  DNS_TYPE_SRV, DNS_TYPE_TLSA };

    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        if (str_equal_nocase(word, str_from_c(dns_type_name(types[i])))) {
            *type_out = types[i];
            return true;
        }
    }
    return false;
}

bool dnssec_probe_create(struct str text, struct resolver *resolver, struct arena *arena, struct dnssec_probe **out,
                         struct failure *why)
{
    struct dnssec_probe probe = { .resolver = resolver, .text = text };
    struct str type;

    *out = NULL;
    if (text.len == 0)
        return true;
    if (!str_cut(text, ':', &type, &probe.name) || probe.name.len == 0 || !find_type(type, &probe.type))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "dnssec_probe: %.*s: write a type and a name, as in ns:.",
                           STR_ARG(text));
    *out = arena_new(arena, struct dnssec_probe);
    **out = probe;
    return true;
}

void dnssec_probe_note(struct dnssec_probe *probe, bool is_proven)
{
    struct arena *arena;
    struct dns_answer answer;

    if (probe == NULL || probe->is_over)
        return;
    /* Before the wait: others do not ask meanwhile. */
    probe->is_over = true;
    if (is_proven)
        return;
    arena = arena_create();
    resolver_lookup(probe->resolver, probe->name, probe->type, arena, &answer);
    if (!answer.is_secure)
        smtp_log_no_validation(probe->text, answer.outcome == DNS_UNKNOWN ? answer.reason : NULL);
    arena_destroy(&arena);
}
