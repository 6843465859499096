/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/deliver.h"

#include "delivery/message_flags.h"
#include "delivery/nexthop.h"
#include "log/log.h"
#include "smtp/attempt.h"
#include "smtp/log_lines.h"
#include "smtp/login.h"
#include "smtp/pix.h"
#include "smtp/session.h"
#include "smtp/session_cache.h"
#include "smtp/smtp.h"
#include "smtp/target.h"
#include "smtp/transaction.h"

/* One next hop of the list being tried. */
struct site {
    struct attempt *attempt;
    struct str text;
    struct session_purpose purpose;
    bool is_last;
    bool is_last_hop; /* only fallback relays follow */
    bool has_self;    /* we are one of its servers */
    bool is_absent;   /* it has no server, and never will */
    int sessions;     /* opened, as far as EHLO, or used again */
    struct str tried; /* the server of a session used again that said what it had to say; empty: none */
};

static bool is_settled(const struct attempt *attempt)
{
    return attempt_pending_count(attempt) == 0;
}

static enum transaction_end use_session(struct site *site, struct smtp_session *session)
{
    struct attempt *attempt = site->attempt;
    enum transaction_end end;

    attempt->has_session = true;
    attempt->delivery->connected = clock_now();
    end = transaction_run(session, attempt);
    if (!session->is_broken && !session->has_said_421)
        site->tried = arena_str(attempt->delivery->arena, session->name_address_port);
    session_cache_put(attempt->smtp->sessions, &session, (attempt->delivery->request->flags & DELIVER_FLAG_MORE) != 0);
    return end;
}

/*
 * Sessions of other messages. The server of one that is still good counts as tried; whether there is another one need
 * only be known if it refuses something for now.
 */
static void use_old_sessions(struct site *site)
{
    struct smtp_session *session;

    attempt_hold(site->attempt);
    while ((session = session_cache_take(site->attempt->smtp->sessions, site->purpose.key)) != NULL) {
        if (use_session(site, session) == TRANSACTION_STALE)
            continue;
        if (site->tried.len > 0)
            site->sessions++;
        return;
    }
}

/* What went wrong before a session stood. */
static void note_failure(struct site *site, bool has_talked, const struct trouble *trouble)
{
    struct attempt *attempt = site->attempt;

    if (has_talked) {
        attempt->delivery->connected = clock_now();
        attempt_failed(attempt, trouble);
        return;
    }
    attempt->trouble = *trouble;
}

/* A server that does not get as far as to answer EHLO does not count. */
static bool is_session_limit_reached(const struct site *site)
{
    int limit = site->attempt->smtp->settings->mx_session_limit;

    return limit > 0 && site->sessions >= limit;
}

/* With a server that is not among the best: what all others share does not lead past those. */
static bool use_kept_session(struct site *site, const struct target *target, bool is_last)
{
    struct attempt *attempt = site->attempt;
    struct str key = session_key(target, site->purpose.key, attempt->delivery->arena);
    struct smtp_session *session;

    site->sessions++;
    attempt->is_last_host = site->is_last && (is_last || is_session_limit_reached(site));
    while ((session = session_cache_take(attempt->smtp->sessions, key)) != NULL) {
        if (use_session(site, session) == TRANSACTION_ENDED)
            return true;
    }
    site->sessions--;
    return false;
}

/* is_last: no other target follows. */
static void try_target(struct site *site, const struct target *target, bool is_last)
{
    struct attempt *attempt = site->attempt;
    struct smtp_session *session;
    struct trouble trouble;
    unsigned workarounds;
    bool has_talked;

    if (!target->is_best && use_kept_session(site, target, is_last))
        return;
    attempt->is_last_host = site->is_last && is_last;
    if (!session_open(attempt->smtp, target, &site->purpose, attempt->delivery->arena, &session, &has_talked,
                      &trouble)) {
        note_failure(site, has_talked, &trouble);
        return;
    }
    site->sessions++;
    attempt->is_last_host = site->is_last && (is_last || is_session_limit_reached(site));
    workarounds = attempt_pix_workarounds(attempt, session);
    if (workarounds != 0)
        smtp_log_pix(attempt->delivery->request->queue_id, pix_format(workarounds, attempt->delivery->arena),
                     session->name_address_port);
    use_session(site, session);
}

static bool parse(const struct smtp *smtp, struct str text, struct nexthop *nexthop_out, struct failure *why)
{
    struct str port = smtp->settings->tcp_port;

    return smtp->is_lmtp ? nexthop_parse_lmtp(text, port, nexthop_out, why)
                         : nexthop_parse(text, port, nexthop_out, why);
}

/* best_mx_transport: mail that the world sends here is delivered here. */
static void pass_to_best_transport(struct attempt *attempt)
{
    const struct deliver_request *request = attempt->delivery->request;
    struct str text = attempt->smtp->settings->best_mx_transport;
    struct str name, nexthop, transport;

    (void) str_cut(text, ':', &name, &nexthop);
    if (str_is_empty(nexthop))
        nexthop = request->nexthop;
    transport = arena_printf(attempt->delivery->arena, "%.*s:%.*s", STR_ARG(name), STR_ARG(nexthop));
    for (size_t i = 0; i < attempt->delivery->recipient_count; i++) {
        if (delivery_is_reported(attempt->delivery, i))
            continue;
        smtp_log_passing(request->queue_id, attempt->delivery->recipients[i].address, name);
        delivery_passed(attempt->delivery, i, transport);
    }
}

static void leave_out_tried(const struct site *site, struct target_list *targets)
{
    size_t kept = 0;

    if (site->tried.len == 0)
        return;
    for (size_t i = 0; i < targets->count; i++) {
        if (!str_equal(session_server_name(&targets->items[i], site->attempt->delivery->arena), site->tried))
            targets->items[kept++] = targets->items[i];
    }
    targets->count = kept;
}

static void try_site(struct site *site)
{
    struct attempt *attempt = site->attempt;
    struct arena *arena = attempt->delivery->arena;
    struct target_list targets;
    struct nexthop nexthop;
    struct trouble trouble;
    struct failure why;
    bool is_found;

    site->purpose = (struct session_purpose){
        .nexthop = site->text,
        .key = site->text,
        .queue_id = attempt->delivery->request->queue_id,
        .has_waited = instant_since(clock_now(), attempt->delivery->request->arrival).us >=
                      attempt->smtp->settings->minimal_backoff_time.us,
        .sender = attempt->delivery->request->sender,
    };
    login_find_sender(attempt->smtp->login, &site->purpose, arena);
    use_old_sessions(site);
    if (is_settled(attempt))
        return;
    if (!parse(attempt->smtp, site->text, &nexthop, &why)) {
        attempt_decide(attempt, site->is_last);
        attempt->trouble = trouble_local(arena, DSN_STATUS(4, 3, 5), "%s", why.text);
        return;
    }
    is_found = target_find(attempt->smtp, &nexthop, arena, &targets, &trouble);
    site->has_self = targets.has_self;
    site->is_last = site->is_last || (site->has_self && site->is_last_hop);
    leave_out_tried(site, &targets);
    attempt_decide(attempt, site->is_last && (!is_found || targets.count == 0 || is_session_limit_reached(site)));
    if (targets.is_self && attempt->smtp->settings->best_mx_transport.len > 0)
        pass_to_best_transport(attempt);
    if (!is_found) {
        site->is_absent = trouble_is_permanent(&trouble);
        attempt->trouble = trouble;
        return;
    }
    for (size_t i = 0; i < targets.count && !is_settled(attempt) && !is_session_limit_reached(site); i++)
        try_target(site, &targets.items[i], i + 1 == targets.count);
}

static struct str join(struct arena *arena, const struct strlist *list)
{
    struct str text = STR_EMPTY;

    for (size_t i = 0; i < list->count; i++)
        text = arena_printf(arena, "%.*s%s%.*s", STR_ARG(text), i > 0 ? ", " : "", STR_ARG(list->items[i]));
    return text;
}

/* What is for a socket of this host goes nowhere else. */
static struct strlist fallback_relays(const struct attempt *attempt, const struct strlist *hops)
{
    struct strlist relays = attempt->smtp->settings->fallback_relay;

    if (relays.count == 0 || !attempt->smtp->is_lmtp || hops->count == 0 ||
        !str_starts_with(hops->items[0], STR("unix:")))
        return relays;
    smtp_log_ignoring_fallback(join(attempt->delivery->arena, &relays));
    return (struct strlist){ .count = 0 };
}

static bool is_relayhost(const struct smtp *smtp, struct str hop)
{
    const struct strlist *relayhost = &smtp->settings->relayhost;

    return relayhost->count > 0 && str_equal(relayhost->items[0], hop);
}

/* That a relay of ours is not to be found is the mistake of who named it, not of who wrote: the mail waits. */
static void blame_configuration(struct attempt *attempt, bool is_fallback)
{
    const char *fallback = attempt->smtp->is_lmtp ? "lmtp_fallback_relay" : "smtp_fallback_relay";

    smtp_log_configuration_problem(is_fallback ? fallback : "relayhost");
    attempt->trouble.dsn = DSN_STATUS(4, 3, 5);
}

/*
 * The next hops in order, then the fallback relays; but not for mail that we are an exchanger for, which those may give
 * back to us.
 */
static void try_sites(struct attempt *attempt)
{
    struct strlist hops = nexthop_split(attempt->delivery->arena, attempt->delivery->request->nexthop);
    struct strlist relays = fallback_relays(attempt, &hops);
    size_t count = hops.count + relays.count, i;
    struct site site = { .attempt = attempt };
    bool has_self = false;

    for (i = 0; i < count && !is_settled(attempt) && !(has_self && i >= hops.count); i++) {
        site = (struct site){ .attempt = attempt,
                              .text = i < hops.count ? hops.items[i] : relays.items[i - hops.count],
                              .is_last = i + 1 == count,
                              .is_last_hop = i + 1 == hops.count };
        try_site(&site);
        has_self = has_self || site.has_self;
    }
    if (site.is_absent && !is_settled(attempt) && (i > hops.count || is_relayhost(attempt->smtp, hops.items[0])))
        blame_configuration(attempt, i > hops.count);
}

static void give_up(struct attempt *attempt)
{
    struct delivery *delivery = attempt->delivery;

    if (attempt->trouble.text.len == 0)
        attempt->trouble = trouble_local(delivery->arena, DSN_STATUS(4, 3, 5), "no next hop for this message");
    /* Without a connection all of the time went into trying for one. */
    if (delivery->connected.us == 0)
        delivery->connected = clock_now();
    attempt_give_up(attempt);
}

/* What is to be mended in master.cf is said in the log and in the queue's listing. */
static void defer_for_administrator(struct attempt *attempt)
{
    struct arena *arena = attempt->delivery->arena;
    struct delivery_report report = { .dsn = DSN_STATUS(4, 3, 5), .relay = attempt->smtp->service };

    log_warning("%.*s: %s", STR_ARG(attempt->smtp->service), attempt->smtp->fault.text);
    report.text = arena_printf(arena, "mail system configuration error: %s", attempt->smtp->fault.text);
    for (size_t i = 0; i < attempt->delivery->recipient_count; i++)
        delivery_deferred(attempt->delivery, i, &report);
}

void smtp_deliver(struct smtp *smtp, struct delivery *delivery)
{
    struct attempt attempt = { .smtp = smtp, .delivery = delivery };

    if (!smtp->is_usable) {
        defer_for_administrator(&attempt);
        return;
    }
    if (message_flags_end_delivery(delivery, smtp->message_flags, "", smtp->service))
        return;
    try_sites(&attempt);
    if (!is_settled(&attempt))
        give_up(&attempt);
    /* No host would as much as talk to us: other mail for this next hop need not try at once. */
    if (!attempt.has_session && !trouble_is_permanent(&attempt.trouble))
        delivery_hop_failed(delivery, attempt.trouble.dsn, attempt.trouble.text);
}
