/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/host_lookup.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/strbuf.h"
#include "dns/hosts_file.h"
#include "dns/native_lookup.h"
#include "dns/packet.h"
#include "dns/resolver.h"
#include "dns/watched_file.h"
#include "os/environment.h"
#include "run/fiber.h"
#include "run/offload.h"

#include <netdb.h>

/* Threads that may wait for the C library at one time. */
enum { NATIVE_MAX = 8 };

struct host_lookup {
    struct loop *loop;
    struct resolver *resolver;
    struct host_lookup_options options;
    struct offload *offload;
    struct watched_file *hosts;
    struct arena *hosts_arena;
    struct str hosts_text;
};

static const char *hosts_path(void)
{
    const char *path = environment_get("MERPATI_HOSTS");

    return path == NULL || *path == '\0' ? "/etc/hosts" : path;
}

struct host_lookup *host_lookup_create(struct loop *loop, struct resolver *resolver,
                                       const struct host_lookup_options *options)
{
    struct host_lookup *lookup = memory_alloc(sizeof(*lookup));

    CHECK(resolver != NULL);
    lookup->loop = loop;
    lookup->resolver = resolver;
    lookup->options = *options;
    if (lookup->options.timeout.us <= 0)
        lookup->options.timeout = seconds(60);
    lookup->offload = offload_create(loop, "native host lookup", NATIVE_MAX);
    lookup->hosts = watched_file_open(hosts_path());
    return lookup;
}

void host_lookup_destroy(struct host_lookup **lookup)
{
    struct host_lookup *it = *lookup;

    *lookup = NULL;
    if (it == NULL)
        return;
    offload_destroy(&it->offload);
    watched_file_close(&it->hosts);
    arena_destroy(&it->hosts_arena);
    memory_free(it);
}

/* The text of the hosts file. Good until the next call, so it is not kept over a wait. */
static struct str hosts_text(struct host_lookup *lookup)
{
    struct arena *arena = arena_create();
    struct str text;

    if (watched_file_changed(lookup->hosts, arena, &text)) {
        arena_destroy(&lookup->hosts_arena);
        lookup->hosts_arena = arena;
        lookup->hosts_text = text;
    } else {
        arena_destroy(&arena);
    }
    return lookup->hosts_text;
}

/* With a file named for a test, or in a jail, the C library is not what is wanted. */
static bool reads_hosts_itself(const struct host_lookup *lookup)
{
    return environment_get("MERPATI_HOSTS") != NULL || watched_file_is_in_jail(lookup->hosts);
}

bool host_lookup_wants(const struct host_lookup *lookup, enum ip_family family)
{
    return family == IP_V4 ? lookup->options.wants_ipv4 : lookup->options.wants_ipv6;
}

/* Adds what is of a wanted family, IPv6 before IPv4. */
static void fill(const struct host_lookup *lookup, const struct ip_address *items, size_t count, struct arena *arena,
                 struct host_addresses *out)
{
    static const enum ip_family order[] = { IP_V6, IP_V4 };

    out->items = arena_new_array(arena, count + 1, struct ip_address);
    out->count = 0;
    for (size_t turn = 0; turn < ARRAY_COUNT(order); turn++) {
        for (size_t i = 0; i < count; i++) {
            if (items[i].family == order[turn] && host_lookup_wants(lookup, order[turn]))
                out->items[out->count++] = items[i];
        }
    }
    out->outcome = out->count > 0 ? DNS_FOUND : DNS_ABSENT_RECORD;
    out->reason = out->count > 0 ? "" : "Host found but no data record of requested type";
}

/* One question of a pair that is asked at the same time. */
struct question {
    struct resolver *resolver;
    struct str name;
    enum dns_type type;
    struct arena *arena;
    struct dns_answer answer;
};

static void ask(void *context)
{
    struct question *question = context;

    resolver_lookup(question->resolver, question->name, question->type, question->arena, &question->answer);
}

static void add_answer(const struct dns_answer *answer, struct host_addresses *out)
{
    for (size_t i = 0; i < answer->count; i++) {
        out->items[out->count++] = answer->records[i].address;
        if (answer->records[i].ttl_seconds < out->ttl_seconds)
            out->ttl_seconds = answer->records[i].ttl_seconds;
    }
    if (answer->count == 0)
        return;
    out->canonical_name = answer->canonical_name;
    out->is_secure = out->is_secure && answer->is_secure;
}

/* Which of two failed answers says more: no answer at all, then a name without records, then no name. */
static const struct dns_answer *weightier(const struct dns_answer *a, const struct dns_answer *b)
{
    static const int weight[] = { [DNS_FOUND] = 0, [DNS_ABSENT_NAME] = 1, [DNS_ABSENT_RECORD] = 2, [DNS_UNKNOWN] = 3 };

    return weight[b->outcome] > weight[a->outcome] ? b : a;
}

static void look_in_dns(struct host_lookup *lookup, struct str name, struct arena *arena, struct host_addresses *out)
{
    struct question questions[2];
    size_t count = 0, total = 0;
    struct fiber_group group;
    const struct dns_answer *worst;

    if (lookup->options.wants_ipv6)
        questions[count++] = (struct question){ lookup->resolver, name, DNS_TYPE_AAAA, arena, { 0 } };
    if (lookup->options.wants_ipv4)
        questions[count++] = (struct question){ lookup->resolver, name, DNS_TYPE_A, arena, { 0 } };
    CHECK(count > 0);
    fiber_group_init(&group, lookup->loop);
    for (size_t i = 1; i < count; i++)
        fiber_group_start(&group, ask, &questions[i]);
    ask(&questions[0]);
    /* The other ends by its own timeout. */
    CHECK(fiber_group_wait(&group, DURATION_FOREVER, NULL));
    worst = &questions[0].answer;
    for (size_t i = 0; i < count; i++) {
        total += questions[i].answer.count;
        worst = weightier(worst, &questions[i].answer);
    }
    *out = (struct host_addresses){ .outcome = worst->outcome,
                                    .reason = worst->reason,
                                    .ttl_seconds = UINT32_MAX,
                                    .canonical_name = worst->canonical_name };
    if (total == 0)
        return;
    out->items = arena_new_array(arena, total, struct ip_address);
    out->is_secure = true;
    for (size_t i = 0; i < count; i++)
        add_answer(&questions[i].answer, out);
    out->outcome = DNS_FOUND;
    out->reason = "";
}

static void look_in_system(struct host_lookup *lookup, struct str name, int family, struct arena *arena,
                           struct host_addresses *out)
{
    struct native_addresses found;

    *out = (struct host_addresses){ .outcome = DNS_ABSENT_NAME };
    native_lookup_addresses(lookup->offload, name, family, lookup->options.timeout, arena, &found);
    if (found.outcome == DNS_FOUND) {
        fill(lookup, found.items, found.count, arena, out);
        return;
    }
    out->outcome = found.outcome;
    out->reason = found.reason;
}

/* As the C library would say it. */
static const char *native_reason(enum dns_outcome outcome)
{
    switch (outcome) {
    case DNS_FOUND:
        return "";
    case DNS_ABSENT_NAME:
        return gai_strerror(EAI_NONAME);
    case DNS_ABSENT_RECORD:
        return gai_strerror(EAI_NODATA);
    case DNS_UNKNOWN:
        break;
    }
    return gai_strerror(EAI_AGAIN);
}

static void look_natively(struct host_lookup *lookup, struct str name, struct arena *arena, struct host_addresses *out)
{
    int family = !lookup->options.wants_ipv6 ? AF_INET : !lookup->options.wants_ipv4 ? AF_INET6 : AF_UNSPEC;
    struct ip_address *addresses;
    size_t count;

    if (!reads_hosts_itself(lookup)) {
        look_in_system(lookup, name, family, arena, out);
        return;
    }
    *out = (struct host_addresses){ .outcome = DNS_ABSENT_NAME, .reason = "Name or service not known" };
    count = hosts_file_addresses(hosts_text(lookup), name, arena, &addresses);
    if (count > 0) {
        fill(lookup, addresses, count, arena, out);
        return;
    }
    look_in_dns(lookup, name, arena, out);
    out->reason = native_reason(out->outcome);
}

void host_lookup_addresses(struct host_lookup *lookup, struct str name, struct arena *arena,
                           struct host_addresses *addresses_out)
{
    struct ip_address numeric;

    *addresses_out = (struct host_addresses){ .outcome = DNS_ABSENT_NAME, .reason = "Host not found" };
    if (ip_address_parse(name, &numeric)) {
        fill(lookup, &numeric, 1, arena, addresses_out);
        addresses_out->ttl_seconds = UINT32_MAX;
        return;
    }
    if (lookup->options.may_use_dns)
        look_in_dns(lookup, name, arena, addresses_out);
    if (addresses_out->outcome == DNS_UNKNOWN && lookup->options.must_use_dns)
        return;
    /* What dns could not say for now is not made a "no" by a file that does not know it. */
    if (addresses_out->outcome != DNS_FOUND && lookup->options.may_use_native) {
        struct host_addresses native;

        look_natively(lookup, name, arena, &native);
        if (native.outcome == DNS_FOUND || addresses_out->outcome != DNS_UNKNOWN)
            *addresses_out = native;
    }
}

const char *host_lookup_type_name(const struct host_lookup *lookup)
{
    return dns_type_name(lookup->options.wants_ipv6 ? DNS_TYPE_AAAA : DNS_TYPE_A);
}

/* "9.2.0.192.in-addr.arpa" (RFC 1035 section 3.5), nibbles under ip6.arpa (RFC 3596 section 2.5). */
static struct str reverse_name(const struct ip_address *address, struct arena *arena)
{
    struct strbuf name;
    struct str copy;

    strbuf_init(&name, 128);
    for (size_t i = ip_address_size(address); i > 0; i--) {
        unsigned byte = address->bytes[i - 1];

        if (address->family == IP_V4)
            strbuf_printf(&name, "%u.", byte);
        else
            strbuf_printf(&name, "%x.%x.", byte & 15, byte >> 4);
    }
    strbuf_append_c(&name, address->family == IP_V4 ? "in-addr.arpa" : "ip6.arpa");
    copy = arena_str(arena, strbuf_str(&name));
    strbuf_done(&name);
    return copy;
}

static enum dns_outcome find_reverse(struct host_lookup *lookup, const struct ip_address *address, struct arena *arena,
                                     struct str *name_out)
{
    struct dns_answer answer;
    struct str name;

    if (!reads_hosts_itself(lookup))
        return native_lookup_name(lookup->offload, address, lookup->options.timeout, arena, name_out);
    name = hosts_file_name(hosts_text(lookup), address);
    if (name.len > 0) {
        *name_out = arena_str(arena, name);
        return DNS_FOUND;
    }
    resolver_lookup(lookup->resolver, reverse_name(address, arena), DNS_TYPE_PTR, arena, &answer);
    if (answer.outcome == DNS_FOUND)
        *name_out = answer.records[0].name;
    return answer.outcome;
}

static bool leads_back(const struct host_addresses *addresses, const struct ip_address *address)
{
    for (size_t i = 0; i < addresses->count; i++) {
        if (ip_address_equal(&addresses->items[i], address))
            return true;
    }
    return false;
}

/* The reverse name is known: does it lead back? */
static void confirm(struct host_lookup *lookup, const struct ip_address *address, struct arena *arena,
                    struct peer_name *name_out)
{
    struct host_addresses forward;
    char text[IP_ADDRESS_TEXT_MAX];
    const char *why;

    look_natively(lookup, name_out->reverse_name, arena, &forward);
    if (leads_back(&forward, address)) {
        name_out->outcome = PEER_NAME_CONFIRMED;
        name_out->name = name_out->reverse_name;
        return;
    }
    name_out->outcome = forward.outcome == DNS_UNKNOWN ? PEER_NAME_UNKNOWN : PEER_NAME_UNCONFIRMED;
    why = forward.outcome == DNS_FOUND ? "" : forward.reason;
    name_out->trouble =
        arena_printf(arena, "hostname %.*s does not resolve to address %s%s%s", STR_ARG(name_out->reverse_name),
                     ip_address_format(address, text), *why == '\0' ? "" : ": ", why);
}

void host_lookup_peer_name(struct host_lookup *lookup, const struct ip_address *address, struct arena *arena,
                           struct peer_name *name_out)
{
    struct str name = STR_EMPTY;
    struct ip_address numeric;
    enum dns_outcome reverse = find_reverse(lookup, address, arena, &name);

    *name_out = (struct peer_name){
        .outcome = PEER_NAME_ABSENT, .name = STR("unknown"), .reverse_name = STR("unknown"), .trouble = STR_EMPTY
    };
    if (reverse == DNS_UNKNOWN) {
        name_out->outcome = PEER_NAME_UNKNOWN;
        name_out->is_reverse_unknown = true;
        return;
    }
    /* A name that looks like an address, or is none, would only deceive. */
    if (reverse != DNS_FOUND || ip_address_parse(name, &numeric) || !dns_name_is_host(name))
        return;
    name_out->reverse_name = name;
    confirm(lookup, address, arena, name_out);
}
