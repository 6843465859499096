/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/dane.h"

#include "delivery/nexthop.h"
#include "dns/tlsa_lookup.h"
#include "smtp/log_lines.h"
#include "smtp/smtp.h"
#include "smtp/target.h"
#include "tls/client.h"
#include "tls/dane.h"

/* Of a host with more records, these are looked at, and so many complaints are heard. */
enum { RECORDS_MAXIMUM = 100, COMPLAINTS_MAXIMUM = 10, LOG_RECORDS = 2 };

/* What is known of one host while its level is decided. */
struct decision {
    const struct smtp *smtp;
    const struct tls_dane_digests *digests; /* NULL: nothing can be proven */
    bool has_engine;
    const struct target *target;
    struct str nexthop;
    struct arena *arena;
    struct encryption_policy *policy;
    struct trouble *trouble;
};

static bool is_only(const struct decision *it)
{
    return it->policy->level == ENCRYPTION_DANE_ONLY;
}

static bool lower(const struct decision *it, enum encryption_level level)
{
    encryption_policy_lower(&it->smtp->settings->tls, level, it->policy, it->arena);
    return true;
}

static bool refuse(const struct decision *it, struct str reason)
{
    smtp_log_policy_failed(it->nexthop, it->target->host, reason);
    *it->trouble = trouble_local(it->arena, DSN_STATUS(4, 7, 5), "%.*s", STR_ARG(reason));
    return false;
}

/* As may, unless nothing but DANE will do. */
static bool do_without(const struct decision *it, struct str reason)
{
    return is_only(it) ? refuse(it, reason) : lower(it, ENCRYPTION_MAY);
}

static bool not_validated(const struct decision *it)
{
    smtp_log_no_dnssec(nexthop_name(it->nexthop), is_only(it) ? "dane-only" : "dane");
    return do_without(it, STR("client TLS configuration problem"));
}

static bool not_known(const struct decision *it, const struct tlsa_records *records)
{
    smtp_log_tlsa_trouble(records->name, records->reason);
    return refuse(
        it, arena_printf(it->arena, "TLSA lookup error for %.*s:%u", STR_ARG(it->target->host), it->target->port));
}

static struct str peer_of(const struct decision *it)
{
    char text[IP_ADDRESS_TEXT_MAX];

    return arena_printf(it->arena, "%.*s[%s]:%u", STR_ARG(it->target->host),
                        ip_address_format(&it->target->address, text), it->target->port);
}

/* Those that can prove something. */
static size_t keep_usable(const struct decision *it, const struct tlsa_records *records)
{
    size_t total = records->count < RECORDS_MAXIMUM ? records->count : RECORDS_MAXIMUM;
    struct dns_record *kept = arena_new_array(it->arena, total, struct dns_record);
    size_t count = 0, complaints = 0;
    const char *problem;

    for (size_t i = 0; i < total && it->digests != NULL; i++) {
        const struct dns_record *record = &records->items[i];
        struct str text = tls_dane_text(record, it->arena);

        if (tls_dane_is_usable(it->digests, record, &problem)) {
            kept[count++] = *record;
            if (it->smtp->settings->tls.log_level >= LOG_RECORDS)
                smtp_log_tlsa_record(records->name, text);
        } else if (complaints++ < COMPLAINTS_MAXIMUM) {
            smtp_log_unusable_tlsa(records->name, text, problem);
        }
    }
    it->policy->tlsa_records = kept;
    it->policy->tlsa_count = count;
    return count;
}

/* RFC 7672 section 3.2.2: what an authority of a record may vouch for. */
static void note_names(const struct decision *it, struct str base_domain)
{
    struct strlist *names = &it->policy->tlsa_names;
    struct str nexthop = nexthop_name(it->nexthop);

    *names = (struct strlist){ .count = 0 };
    strlist_add(names, it->arena, base_domain);
    if (!strlist_contains_nocase(names, nexthop))
        strlist_add(names, it->arena, nexthop);
    if (it->target->domain.len > 0 && !strlist_contains_nocase(names, it->target->domain))
        strlist_add(names, it->arena, it->target->domain);
}

static bool use(const struct decision *it, const struct tlsa_records *records)
{
    /* Without an engine there is no TLS, and the level is never reached. */
    if (!it->has_engine)
        return lower(it, ENCRYPTION_ENCRYPT);
    if (keep_usable(it, records) == 0) {
        if (is_only(it))
            return refuse(it, STR("TLSA records unusable"));
        /* RFC 7672 section 2.2: nobody can be proven, but the server has promised TLS. */
        smtp_log_all_tlsa_unusable(peer_of(it));
        return lower(it, ENCRYPTION_ENCRYPT);
    }
    if (!it->target->is_proven && it->smtp->settings->tls.insecure_mx_policy == DANE_INSECURE_ENCRYPT)
        return lower(it, ENCRYPTION_ENCRYPT);
    note_names(it, records->base_domain);
    it->policy->is_host_unsure = !it->target->is_proven;
    return true;
}

static bool look_up(const struct decision *it)
{
    const struct target *target = it->target;
    const struct tlsa_server server = { .host = target->lookup_name,
                                        .canonical_name = target->canonical_name,
                                        .port = target->port,
                                        .is_secure = target->is_address_proven,
                                        .is_forced = it->smtp->settings->tls.force_insecure_host_tlsa_lookup };
    struct tlsa_records records = { .outcome = TLSA_ABSENT };
    struct ip_address numeric;

    if (!ip_address_parse(server.host, &numeric))
        tlsa_lookup(it->smtp->resolver, &server, it->arena, &records);
    switch (records.outcome) {
    case TLSA_FOUND:
        return use(it, &records);
    case TLSA_ABSENT:
        return do_without(it, STR("no TLSA records found"));
    case TLSA_UNKNOWN:
        break;
    }
    return not_known(it, &records);
}

bool dane_decide(const struct smtp *smtp, const struct tls_client *client, struct str nexthop,
                 const struct target *target, struct arena *arena, struct encryption_policy *policy,
                 struct trouble *trouble_out)
{
    const struct decision decision = { .smtp = smtp,
                                       .has_engine = client != NULL,
                                       .digests = client == NULL ? NULL : tls_client_dane(client),
                                       .target = target,
                                       .nexthop = nexthop,
                                       .arena = arena,
                                       .policy = policy,
                                       .trouble = trouble_out };

    if (policy->level != ENCRYPTION_DANE && policy->level != ENCRYPTION_DANE_ONLY)
        return true;
    if (!smtp->is_validating)
        return not_validated(&decision);
    if (target->is_proven)
        return look_up(&decision);
    if (is_only(&decision))
        return refuse(&decision, STR("non DNSSEC destination"));
    if (smtp->settings->tls.insecure_mx_policy == DANE_INSECURE_MAY)
        return lower(&decision, ENCRYPTION_MAY);
    return look_up(&decision);
}
