/* SPDX-License-Identifier: Apache-2.0 */
#include "posttls-finger/probe.h"

#include "config/own_addresses.h"
#include "config/shared_settings.h"
#include "dns/host_lookup.h"
#include "dns/resolver.h"
#include "posttls-finger/say.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/socket.h"
#include "run/stream.h"
#include "tls/facts.h"

#include <errno.h>
#include <string.h>

struct probe {
    struct loop *loop;
    struct arena *arena;
    struct finger_options options;
    const struct shared_settings *shared;
    struct handshakes *handshakes; /* NULL: there is no TLS */
    struct resolver *resolver;
    struct host_lookup *lookup;
    bool is_validating;
    struct nexthop nexthop;
    struct finger_hosts hosts;
    struct strlist servers; /* that have said their names */
};

/* A server that is asked. */
struct visit {
    struct probe *probe;
    struct finger_demand demand;
    struct str host;
    struct str peer;
    bool is_first;
    bool has_tls, is_resumed, is_proven; /* in the end */
};

/* ---- the dialogue ---- */

static bool greet(struct conversation *conversation)
{
    struct failure why;
    struct str text;

    if (!conversation_read(conversation, conversation->options->connect_timeout, &why)) {
        conversation_tell_lost(&why, "reading server greeting");
        return false;
    }
    if (smtp_reply_class(&conversation->reply) == 2)
        return true;
    text = smtp_reply_on_one_line(&conversation->reply, conversation->arena);
    say("%s service not available: %.*s", conversation->options->is_lmtp ? "LMTP" : "SMTP", STR_ARG(text));
    return false;
}

static bool shake_hands(struct visit *visit, struct conversation *conversation)
{
    const struct tls_facts *facts;

    if (visit->probe->handshakes == NULL ||
        !handshakes_run(visit->probe->handshakes, conversation, &visit->demand, visit->probe->nexthop.domain,
                        visit->host, visit->is_first, &facts))
        return false;
    visit->has_tls = true;
    visit->is_resumed = facts->is_resumed;
    visit->is_proven = facts->is_proven;
    return true;
}

/* False: nothing more can be said. */
static bool start_tls(struct visit *visit, struct conversation *conversation)
{
    bool offers_tls;
    struct failure why;
    struct str text;

    if (!conversation_ask(conversation, STR("STARTTLS"), &why)) {
        conversation_tell_lost(&why, "sending STARTTLS");
        return false;
    }
    if (smtp_reply_class(&conversation->reply) != 2) {
        text = smtp_reply_on_one_line(&conversation->reply, conversation->arena);
        say("STARTTLS rejected: %.*s", STR_ARG(text));
        return false;
    }
    return shake_hands(visit, conversation) && conversation_introduce(conversation, &offers_tls);
}

static void converse(struct visit *visit, struct conversation *conversation)
{
    bool is_wrapped = conversation->options->is_wrapped, offers_tls;
    struct failure why;
    struct str name;

    if ((is_wrapped && !shake_hands(visit, conversation)) || !greet(conversation) ||
        !conversation_introduce(conversation, &offers_tls))
        return;
    if (!is_wrapped && offers_tls && visit->demand.level != FINGER_NONE && visit->probe->handshakes != NULL &&
        !start_tls(visit, conversation))
        return;
    name = conversation_server_name(conversation, visit->probe->arena);
    if (!strlist_contains_nocase(&visit->probe->servers, name))
        strlist_add(&visit->probe->servers, visit->probe->arena, name);
    if (!conversation_ask(conversation, STR("QUIT"), &why))
        conversation_tell_lost(&why, "sending QUIT");
}

/* Takes over the descriptor. */
static bool talk(struct visit *visit, int fd, struct failure *why)
{
    struct probe *probe = visit->probe;
    struct conversation conversation = {
        .arena = probe->arena,
        .options = &probe->options,
        .peer = visit->peer,
        .own_name = probe->shared->myhostname,
    };
    struct stream *stream;

    if (!stream_create(probe->loop, fd, probe->options.command_timeout, &stream, why))
        return false;
    if (!probe->options.is_quiet && visit->is_first)
        say("Connected to %.*s", STR_ARG(visit->peer));
    conversation_begin(&conversation, stream);
    converse(visit, &conversation);
    conversation_end(&conversation);
    return true;
}

/* ---- one server ---- */

static bool tell_unreachable(const struct visit *visit, struct failure *why)
{
    const struct failure reason = *why;

    return failure_set(why, reason.kind, 0, "connect to %.*s: %s", STR_ARG(visit->peer),
                       reason.kind == FAILURE_TIMEOUT ? strerror(ETIMEDOUT)
                       : reason.error != 0            ? strerror(reason.error)
                                                      : reason.text);
}

static bool visit_host(struct probe *probe, const struct finger_host *host, struct visit *visit, struct failure *why)
{
    struct resolver *resolver = probe->is_validating ? probe->resolver : NULL;
    char text[IP_ADDRESS_TEXT_MAX];
    struct socket_address address;
    int fd;

    visit->host = host->name;
    visit->peer = arena_printf(probe->arena, "%.*s[%s]:%u", STR_ARG(host->name),
                               ip_address_format(&host->address, text), host->port);
    if (visit->is_first && probe->handshakes != NULL &&
        !handshakes_demand(probe->handshakes, resolver, host, probe->arena, &visit->demand, why))
        return false;
    socket_address_from_ip(&host->address, host->port, &address);
    if (!socket_connect(probe->loop, &address, NULL, probe->options.connect_timeout, &fd, why))
        return tell_unreachable(visit, why);
    return talk(visit, fd, why);
}

static bool visit_path(struct probe *probe, struct visit *visit, struct failure *why)
{
    int fd;

    visit->host = probe->shared->myhostname;
    visit->peer = arena_printf(probe->arena, "%.*s[%.*s]", STR_ARG(visit->host), STR_ARG(probe->nexthop.path));
    visit->demand.level = probe->options.level;
    if (!socket_connect_unix(probe->loop, arena_c(probe->arena, probe->nexthop.path), probe->options.connect_timeout,
                             &fd, why))
        return tell_unreachable(visit, why);
    return talk(visit, fd, why);
}

/* The first that takes a connection; NULL: none did, or it is a Unix socket. */
static bool visit_first(struct probe *probe, struct visit *visit, const struct finger_host **host_out)
{
    struct failure why;

    *host_out = NULL;
    if (probe->nexthop.path.len > 0) {
        if (visit_path(probe, visit, &why))
            return true;
        say("Failed to establish session to %.*s: %s", STR_ARG(probe->options.destination), why.text);
        return false;
    }
    for (size_t i = 0; i < probe->hosts.count; i++) {
        *host_out = &probe->hosts.items[i];
        if (visit_host(probe, *host_out, visit, &why))
            return true;
        say("Failed to establish session to %.*s via %.*s: %s", STR_ARG(probe->options.destination),
            STR_ARG((*host_out)->name), why.text);
    }
    return false;
}

/* ---- once more (-r) ---- */

static void visit_again(struct probe *probe, struct visit *visit, const struct finger_host *host)
{
    struct failure why;

    visit->is_first = false;
    for (unsigned i = 0; i < probe->options.reconnects; i++) {
        size_t known = probe->servers.count;

        say("Reconnecting after %lld seconds", (long long) duration_seconds(probe->options.delay));
        fiber_sleep(probe->loop, probe->options.delay);
        visit->has_tls = visit->is_resumed = false;
        if (!(host != NULL ? visit_host(probe, host, visit, &why) : visit_path(probe, visit, &why))) {
            say("Failed to establish session to %.*s: %s", STR_ARG(probe->options.destination), why.text);
            return;
        }
        if (visit->is_resumed || !visit->has_tls || probe->servers.count == known) {
            say(visit->is_resumed ? "Found a previously used server.  Done reconnecting."
                                  : "The session was not used again.  Done reconnecting.");
            return;
        }
    }
    say("Retry limit reached.  Done reconnecting.");
}

static void run(void *context)
{
    struct probe *probe = context;
    struct visit visit = { .probe = probe, .is_first = true };
    const struct finger_host *host;
    struct failure why;

    if (probe->nexthop.path.len == 0 && !finger_hosts_find(probe->resolver, probe->lookup, &probe->nexthop,
                                                           &probe->options, probe->arena, &probe->hosts, &why)) {
        say("Destination address lookup failed: %s", why.text);
        return;
    }
    if (!visit_first(probe, &visit, &host) || !visit.has_tls || probe->options.delay.us == 0)
        return;
    if (handshakes_have_sessions(probe->handshakes))
        visit_again(probe, &visit, host);
    else if (!visit.is_proven && visit.demand.level > FINGER_ENCRYPT)
        say("Sessions of servers that are not verified are not kept. Done reconnecting.");
    else
        say("Server declined session caching. Done reconnecting.");
}

/* ---- before ---- */

static bool find_destination(struct probe *probe, struct failure *why)
{
    struct str port = probe->options.is_lmtp ? STR("24") : STR("smtp"), text = probe->options.destination;

    if (probe->options.is_lmtp)
        return nexthop_parse_lmtp(text, port, &probe->nexthop, why);
    if (str_starts_with(text, STR("inet:")))
        text = str_from(text, strlen("inet:"));
    return nexthop_parse(text, port, &probe->nexthop, why);
}

/* DANE needs a resolver that validates; without one the level is the next best. */
static bool open_resolver(struct probe *probe, struct failure *why)
{
    enum finger_level level = probe->options.level;
    bool wants_dane = level == FINGER_DEFAULT || level == FINGER_DANE || level == FINGER_DANE_ONLY;
    bool has_dns = str_find_nocase(probe->options.host_lookup, STR("dns")) != STR_NOT_FOUND;
    struct resolver_options resolver = { .is_validating = wants_dane && has_dns };
    struct failure no_anchor;

    probe->is_validating = resolver.is_validating;
    if (!resolver_create(probe->loop, &resolver, &probe->resolver, &no_anchor)) {
        say_warning("DNSSEC validation is unavailable: %s", no_anchor.text);
        probe->is_validating = resolver.is_validating = false;
        if (!resolver_create(probe->loop, &resolver, &probe->resolver, why))
            return false;
    }
    if (level == FINGER_DEFAULT)
        probe->options.level = probe->is_validating ? FINGER_DANE : FINGER_SECURE;
    return true;
}

static bool open_lookup(struct probe *probe, struct failure *why)
{
    struct inet_protocols protocols;
    struct host_lookup_options lookup = {
        .may_use_dns = str_find_nocase(probe->options.host_lookup, STR("dns")) != STR_NOT_FOUND,
        .may_use_native = str_find_nocase(probe->options.host_lookup, STR("native")) != STR_NOT_FOUND,
    };

    if (!inet_protocols_parse(probe->shared->inet_protocols, &protocols, why))
        return false;
    if (!lookup.may_use_dns && !lookup.may_use_native)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "bad '-h' option value: %.*s",
                           STR_ARG(probe->options.host_lookup));
    lookup.wants_ipv4 = protocols.has_ipv4;
    lookup.wants_ipv6 = protocols.has_ipv6;
    probe->lookup = host_lookup_create(probe->loop, probe->resolver, &lookup);
    return true;
}

bool probe(const struct finger_options *options, const struct shared_settings *shared,
           const struct tls_settings *settings, struct arena *arena, struct failure *why)
{
    struct probe probe = { .loop = loop_create(), .arena = arena, .options = *options, .shared = shared };
    bool is_ready = find_destination(&probe, why) && open_resolver(&probe, why) && open_lookup(&probe, why);

    if (is_ready) {
        probe.handshakes = handshakes_create(&probe.options, settings, arena);
        fiber_run(probe.loop, run, &probe);
    }
    handshakes_destroy(&probe.handshakes);
    host_lookup_destroy(&probe.lookup);
    resolver_destroy(&probe.resolver);
    loop_destroy(&probe.loop);
    return is_ready;
}
