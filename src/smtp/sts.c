/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/sts.h"

#include "config/shared_settings.h"
#include "daemon/daemon.h"
#include "delivery/nexthop.h"
#include "mail/domain.h"
#include "protocol/tlsmgr.h"
#include "smtp/log_lines.h"
#include "smtp/session.h"
#include "smtp/smtp.h"
#include "smtp/sts_fetch.h"
#include "smtp/sts_policies.h"
#include "smtp/target.h"
#include "tls/identity.h"

struct sts {
    const struct smtp *smtp;
    struct sts_policies *policies;
};

/* ---- of a process ---- */

static void watch(void *context, const char *path)
{
    daemon_watch_file(context, path);
}

/* None given: those of the system, whom also browsers believe, as the RFC means it. */
static bool read_authorities(const struct tls_authorities *given, const struct tls_listener *listener,
                             struct daemon *daemon, struct str *pem_out, struct failure *why)
{
    struct tls_authorities authorities = *given;

    authorities.with_default |= authorities.file.len == 0 && authorities.directory.len == 0;
    if (!tls_authorities_pem(&authorities, daemon_arena(daemon), watch, daemon, listener, pem_out))
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "smtp_tls_mta_sts_enable: authorities to believe cannot be loaded; see smtp_tls_CAfile");
    if (pem_out->len == 0)
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "smtp_tls_mta_sts_enable: there is no authority to believe; set smtp_tls_CAfile, or install "
                           "the package ca-certificates");
    return true;
}

static bool is_wanted(const struct smtp *smtp, enum encryption_level level)
{
    return smtp->settings->tls.sts_enable &&
           (level == ENCRYPTION_MAY || level == ENCRYPTION_ENCRYPT || level == ENCRYPTION_DANE);
}

bool sts_open(const struct smtp *smtp, enum encryption_level level, const struct tls_authorities *authorities,
              const struct tls_listener *listener, struct daemon *daemon, struct sts **out, struct failure *why)
{
    struct sts_policies_options options = {
        .daemon = daemon, .loop = smtp->loop, .resolver = smtp->resolver, .hosts = smtp->hosts
    };
    struct str pem;

    *out = NULL;
    if (!is_wanted(smtp, level))
        return true;
    if (!read_authorities(authorities, listener, daemon, &pem, why))
        return false;
    if (!sts_fetcher_create(smtp->loop, pem, smtp->settings->tls.sts_timeout, &options.fetcher, why))
        return failure_prefix(why, "smtp_tls_mta_sts_enable");
    options.tlsmgr = daemon_endpoint(
        daemon, daemon_service_path(daemon, "private", daemon_shared(daemon)->tlsmgr_service_name), &tlsmgr_protocol);
    *out = arena_new(daemon_arena(daemon), struct sts);
    (*out)->smtp = smtp;
    (*out)->policies = sts_policies_create(&options);
    return true;
}

void sts_close(struct sts *sts)
{
    if (sts != NULL)
        sts_policies_destroy(&sts->policies);
}

/* ---- of a host ---- */

/* Only the servers of a domain, found by its MX records, are a matter of its policy. */
static bool find_domain(struct str nexthop, struct arena *arena, struct str *domain_out)
{
    struct nexthop parsed;
    struct failure why;

    return nexthop_parse(nexthop, STR("25"), &parsed, &why) && !parsed.is_host &&
           domain_to_ascii(arena, parsed.domain, false, domain_out, &why) &&
           domain_is_valid_hostname(*domain_out, false) && !domain_is_address(*domain_out);
}

static bool may_be_raised(const struct encryption_policy *policy)
{
    return !policy->is_from_table && (policy->level == ENCRYPTION_MAY || policy->level == ENCRYPTION_ENCRYPT ||
                                      (policy->level == ENCRYPTION_DANE && policy->is_host_unsure));
}

static bool is_listed(const struct encryption_policy *policy, struct str nexthop, const struct target *target,
                      struct arena *arena, struct trouble *trouble_out)
{
    struct str reason;

    if (sts_patterns_match(&policy->sts_patterns, target->host))
        return true;
    reason = arena_printf(arena, "host %.*s is not one of the MTA-STS policy of %.*s", STR_ARG(target->host),
                          STR_ARG(nexthop_name(nexthop)));
    smtp_log_policy_failed(nexthop, target->host, reason);
    *trouble_out = trouble_local(arena, DSN_STATUS(4, 7, 5), "%.*s", STR_ARG(reason));
    return false;
}

/* Section 4.1: the certificate has the name of the host, and section 7.1 has it asked for by that. */
static void demand_proof(const struct smtp *smtp, struct encryption_policy *policy, struct arena *arena)
{
    if (policy->level == ENCRYPTION_DANE)
        return;
    encryption_policy_lower(&smtp->settings->tls, ENCRYPTION_SECURE, policy, arena);
    encryption_policy_match_host(policy, arena);
}

static bool heed(const struct sts *sts, const struct sts_policy *found, struct str nexthop, const struct target *target,
                 struct arena *arena, struct encryption_policy *policy, struct trouble *trouble_out)
{
    policy->sts_patterns = found->patterns;
    if (found->mode == STS_TESTING) {
        policy->is_sts_tested = policy->level != ENCRYPTION_DANE;
        if (!sts_patterns_match(&found->patterns, target->host))
            smtp_log_sts_tested(nexthop, target->host, "is not one of it");
        return true;
    }
    if (!is_listed(policy, nexthop, target, arena, trouble_out))
        return false;
    demand_proof(sts->smtp, policy, arena);
    return true;
}

bool sts_decide(struct sts *sts, struct str nexthop, const struct target *target, struct arena *arena,
                struct encryption_policy *policy, struct trouble *trouble_out)
{
    struct sts_policy found;
    struct str domain;

    if (policy->is_from_table)
        return policy->sts_patterns.count == 0 || is_listed(policy, nexthop, target, arena, trouble_out);
    if (sts == NULL || !may_be_raised(policy) || !find_domain(nexthop, arena, &domain))
        return true;
    switch (sts_policies_find(sts->policies, domain, arena, &found)) {
    case STS_ABSENT:
        return true;
    case STS_FOUND:
        return found.mode == STS_NONE || heed(sts, &found, nexthop, target, arena, policy, trouble_out);
    case STS_CALLED_OFF:
        break;
    }
    *trouble_out = trouble_local(arena, DSN_STATUS(4, 3, 2), "MTA-STS policy of %.*s: not known yet", STR_ARG(domain));
    return false;
}

void sts_tell_tested(const struct encryption_policy *policy, const struct smtp_session *session, const char *problem)
{
    if (policy->is_sts_tested)
        smtp_log_sts_tested(session->nexthop, session->name_address_port, problem);
}
