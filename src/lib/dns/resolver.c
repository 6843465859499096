/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/resolver.h"

#include "base/check.h"
#include "base/list.h"
#include "base/memory.h"
#include "dns/resolv_conf.h"
#include "dns/unbound_events.h"
#include "dns/watched_file.h"
#include "os/environment.h"
#include "os/system_socket.h"
#include "run/fiber.h"
#include "run/loop.h"

#include <stdio.h>
#include <unbound.h>

#include <unbound-event.h>

enum { CLASS_IN = 1, NAME_MAX_BYTES = 253, TIMEOUT_SECONDS_MAX = 30 };

/* One libunbound context, for one state of resolv.conf. An old one stays until its last query has ended. */
struct context {
    struct list place; /* among the old ones */
    struct ub_ctx *unbound;
    size_t queries;
};

struct resolver {
    struct loop *loop;
    struct ub_event_base *events;
    struct watched_file *file;
    struct resolv_conf conf;
    struct instant looked;   /* at the file */
    struct duration timeout; /* 0: as the file says */
    struct arena *arena;
    struct str anchors; /* lines of a zone file; empty: nothing is validated */
    bool appends_domain, searches;
    resolver_filter *filter; /* NULL: none */
    void *filter_context;
    struct context *context;
    bool has_server; /* the last question had an answer */
    struct list old_contexts;
    struct list waiting;   /* queries not yet given to libunbound */
    struct list asked;     /* queries whose fibers wait for libunbound */
    struct list abandoned; /* queries that only libunbound still waits for */
};

/* Lives until libunbound has answered, even if the fiber has given up. */
struct query {
    struct list place;
    struct context *context;
    struct resolver *resolver;
    struct event answered;
    const struct dns_answer *answer; /* the lookup's name to resolver_cancel; not looked into */
    char name[NAME_MAX_BYTES + 2];
    enum dns_type type;
    void *packet;
    size_t len;
    bool is_answered;
    bool is_secure;
    bool is_bogus;
    bool is_cancelled;
    bool is_abandoned;
};

static const struct {
    const char *name;
    const char *value;
} unbound_options[] = {
    { "do-not-query-localhost:", "no" },
    { "unblock-lan-zones:", "yes" },
    { "insecure-lan-zones:", "yes" },
    { "outgoing-range:", "256" },
    { "outgoing-num-tcp:", "16" },
    { "num-queries-per-thread:", "4096" },
    { "jostle-timeout:", "2000" },
    /* A server that was down is asked again soon. */
    { "infra-host-ttl:", "30" },
    { "infra-keep-probing:", "yes" },
    { "cache-max-negative-ttl:", "900" },
    { "val-clean-additional:", "no" },
    /* Nobody is told which anchors we have (RFC 8145), nor by which names (RFC 8509). */
    { "trust-anchor-signaling:", "no" },
    { "root-key-sentinel:", "no" },
    /* The root proves that these are not there; where they are, it is by a server of the house (RFC 6761, 6762). */
    { "domain-insecure:", "internal." },
    { "domain-insecure:", "local." },
    { "domain-insecure:", "test." },
    /* The order is the server's; libunbound would turn it once a second. */
    { "rrset-roundrobin:", "no" },
    /* Names that libunbound would answer out of its own head; the servers are to be asked instead. */
    { "local-zone:", "test. transparent" },
    { "local-zone:", "invalid. transparent" },
    { "local-zone:", "onion. transparent" },
    { "local-zone:", "home.arpa. transparent" },
    { "local-zone:", "localhost. transparent" },
    { "local-zone:", "127.in-addr.arpa. transparent" },
    { "local-zone:", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa. transparent" },
};

static const char *path_in(const char *variable, const char *usual)
{
    const char *path = environment_get(variable);

    return path == NULL || *path == '\0' ? usual : path;
}

const char *resolver_path(void)
{
    return path_in("MERPATI_RESOLV_CONF", "/etc/resolv.conf");
}

const char *resolver_anchors_path(void)
{
    return path_in("MERPATI_TRUST_ANCHORS", "/usr/share/dns/root.key");
}

static bool no_anchor(struct failure *why)
{
    return failure_set(why, FAILURE_CONFIGURATION, 0,
                       "%s: no trust anchor for DNSSEC can be read from this file (install the package dns-root-data)",
                       resolver_anchors_path());
}

/* "name [ttl] [IN] DNSKEY ..." or DS */
static bool is_anchor(struct str record)
{
    struct str word;
    size_t count = 0, place = 0;

    while (str_next_word(&record, " \t\r", &word)) {
        count++;
        if (place == 0 && (str_equal_nocase(word, STR("DNSKEY")) || str_equal_nocase(word, STR("DS"))))
            place = count;
    }
    return place > 1 && place <= 4 && count >= place + 4;
}

static bool add_anchors(const struct resolver *resolver, struct ub_ctx *unbound, struct failure *why)
{
    struct str rest = resolver->anchors, line, record, comment;
    struct arena *arena = arena_create();
    bool is_good = true;
    size_t count = 0;
    int error = 0;

    while (error == 0 && is_good && rest.len > 0) {
        (void) str_cut(rest, '\n', &line, &rest);
        (void) str_cut(line, ';', &record, &comment);
        record = str_trim(record);
        if (record.len == 0)
            continue;
        /* libunbound looks at it only with the first question, and then answers none. */
        is_good = is_anchor(record);
        count++;
        if (is_good)
            error = ub_ctx_add_ta(unbound, arena_c(arena, record));
    }
    arena_destroy(&arena);
    if (!is_good)
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "%s: there is a line that is neither a DNSKEY nor a DS record", resolver_anchors_path());
    if (resolver->anchors.len > 0 && count == 0)
        return no_anchor(why);
    return error == 0 ||
           failure_set(why, FAILURE_CONFIGURATION, 0, "%s: %s", resolver_anchors_path(), ub_strerror(error));
}

static bool configure(struct resolver *resolver, struct ub_ctx *unbound, struct failure *why)
{
    const char *modules = resolver->anchors.len > 0 ? "validator iterator" : "iterator";
    int error = ub_ctx_debugout(unbound, NULL);

    if (error == 0)
        error = ub_ctx_set_option(unbound, "module-config:", modules);
    for (size_t i = 0; i < ARRAY_COUNT(unbound_options) && error == 0; i++)
        error = ub_ctx_set_option(unbound, unbound_options[i].name, unbound_options[i].value);
    for (size_t i = 0; i < resolver->conf.count && error == 0; i++) {
        char address[IP_ADDRESS_TEXT_MAX], server[IP_ADDRESS_TEXT_MAX + 8];

        ip_address_format(&resolver->conf.servers[i].address, address);
        snprintf(server, sizeof(server), "%s@%u", address, resolver->conf.servers[i].port);
        error = ub_ctx_set_fwd(unbound, server);
    }
    if (error != 0)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "name resolver: %s", ub_strerror(error));
    return add_anchors(resolver, unbound, why);
}

static bool context_create(struct resolver *resolver, struct context **context_out, struct failure *why)
{
    struct ub_ctx *unbound = ub_ctx_create_ub_event(resolver->events);

    if (unbound == NULL)
        return failure_set(why, FAILURE_RETRY, 0, "name resolver: cannot be started");
    if (!configure(resolver, unbound, why)) {
        ub_ctx_delete(unbound);
        return false;
    }
    *context_out = memory_alloc(sizeof(**context_out));
    (*context_out)->unbound = unbound;
    list_init(&(*context_out)->place);
    return true;
}

static void context_destroy(struct context *context)
{
    list_remove(&context->place);
    ub_ctx_delete(context->unbound);
    memory_free(context);
}

static void end_old_contexts(struct resolver *resolver)
{
    struct list *node = resolver->old_contexts.next;

    while (node != &resolver->old_contexts) {
        struct context *context = CONTAINER_OF(node, struct context, place);

        node = node->next;
        if (context->queries == 0)
            context_destroy(context);
    }
}

/* True if there was something new to read. */
static bool read_configuration(struct resolver *resolver, struct resolv_conf *conf)
{
    struct arena *arena = arena_create();
    struct str text;
    bool is_new = watched_file_changed(resolver->file, arena, &text);

    if (is_new)
        resolv_conf_parse(conf, text);
    arena_destroy(&arena);
    return is_new;
}

static void follow_configuration(struct resolver *resolver)
{
    struct resolv_conf conf = resolver->conf;
    struct context *fresh;
    struct instant now = loop_now(resolver->loop);

    if (instant_is_before(now, instant_add(resolver->looked, seconds(1))))
        return;
    resolver->looked = now;
    if (!read_configuration(resolver, &conf) || resolv_conf_equal(&conf, &resolver->conf))
        return;
    resolver->conf = conf;
    if (!context_create(resolver, &fresh, NULL))
        return;
    list_append(&resolver->old_contexts, &resolver->context->place);
    resolver->context = fresh;
}

static void end_query(struct query *query)
{
    list_remove(&query->place);
    memory_free(query->packet);
    memory_free(query);
}

/* libunbound calls this on the loop's stack, so it only takes note. */
static void take_answer(void *data, int rcode, void *packet, int len, int security, char *why_bogus,
                        int was_ratelimited)
{
    struct query *query = data;

    (void) why_bogus;
    (void) was_ratelimited;
    query->context->queries--;
    query->resolver->has_server = rcode == 0 && packet != NULL;
    if (query->is_abandoned) {
        end_query(query);
        return;
    }
    if (rcode == 0 && packet != NULL && len > 0) {
        query->packet = memory_alloc((size_t) len);
        memcpy(query->packet, packet, (size_t) len);
        query->len = (size_t) len;
    }
    query->is_secure = security == 2;
    query->is_bogus = security == 1;
    query->is_answered = true;
    event_wake_all(&query->answered);
}

static bool is_of_this_host(const struct ip_address *address)
{
    static const struct ip_address four = { .family = IP_V4, .bytes = { 127 } };
    static const struct ip_address six = { .family = IP_V6, .bytes = { [15] = 1 } };

    return ip_address_in_network(address, &four, 8) || ip_address_equal(address, &six);
}

/*
 * libunbound asks a port where nobody listens again and again, for 17 seconds. On a host whose own name server is down,
 * or that has none and an empty resolv.conf, each stranger would wait as long for his greeting.
 */
static bool has_no_server(const struct resolver *resolver)
{
    for (size_t i = 0; i < resolver->conf.count; i++) {
        const struct ip_address *address = &resolver->conf.servers[i].address;
        struct sockaddr_storage storage;
        socklen_t size = ip_address_to_sockaddr(address, resolver->conf.servers[i].port, &storage);

        if (!is_of_this_host(address) || !system_socket_is_refused((const struct sockaddr *) &storage, size))
            return false;
    }
    return true;
}

static void ask(struct resolver *resolver, struct query *query)
{
    query->context = resolver->context;
    query->context->queries++;
    if ((resolver->has_server || !has_no_server(resolver)) &&
        ub_resolve_event(resolver->context->unbound, query->name, (int) query->type, CLASS_IN, query, take_answer,
                         NULL) == 0)
        return;
    query->context->queries--;
    query->is_answered = true;
    event_wake_all(&query->answered);
}

/*
 * libunbound wants more stack than a fiber has, so questions are put from the end of the loop's turn; an old context
 * may not be ended from within its own callback either.
 */
static void put_questions(void *data)
{
    struct resolver *resolver = data;

    if (list_is_empty(&resolver->waiting))
        return;
    follow_configuration(resolver);
    end_old_contexts(resolver);
    while (!list_is_empty(&resolver->waiting)) {
        struct query *query = CONTAINER_OF(resolver->waiting.next, struct query, place);

        list_remove(&query->place);
        list_append(&resolver->asked, &query->place);
        ask(resolver, query);
    }
}

static bool read_anchors(struct resolver *resolver, struct failure *why)
{
    struct watched_file *file = watched_file_open(resolver_anchors_path());

    (void) watched_file_changed(file, resolver->arena, &resolver->anchors);
    watched_file_close(&file);
    resolver->anchors = str_trim(resolver->anchors);
    return resolver->anchors.len > 0 || no_anchor(why);
}

void resolver_set_filter(struct resolver *resolver, resolver_filter *filter, void *context)
{
    resolver->filter = filter;
    resolver->filter_context = context;
}

bool resolver_create(struct loop *loop, const struct resolver_options *options, struct resolver **resolver_out,
                     struct failure *why)
{
    struct resolver *resolver = memory_alloc(sizeof(*resolver));

    /* libunbound wants more stack than a fiber has. */
    CHECK(!fiber_is_running(loop));
    resolver->loop = loop;
    resolver->timeout = options->timeout;
    resolver->arena = arena_create();
    resolver->appends_domain = options->appends_domain;
    resolver->searches = options->searches;
    list_init(&resolver->waiting);
    list_init(&resolver->asked);
    list_init(&resolver->old_contexts);
    list_init(&resolver->abandoned);
    resolver->events = unbound_events_create(loop);
    resolver->file = watched_file_open(options->resolv_conf == NULL ? resolver_path() : options->resolv_conf);
    read_configuration(resolver, &resolver->conf);
    if ((options->is_validating && !read_anchors(resolver, why)) ||
        !context_create(resolver, &resolver->context, why)) {
        watched_file_close(&resolver->file);
        unbound_events_destroy(&resolver->events);
        arena_destroy(&resolver->arena);
        memory_free(resolver);
        return false;
    }
    loop_add_hook(loop, put_questions, resolver);
    *resolver_out = resolver;
    return true;
}

void resolver_destroy(struct resolver **resolver)
{
    struct resolver *it = *resolver;

    *resolver = NULL;
    if (it == NULL)
        return;
    loop_remove_hook(it->loop, put_questions, it);
    context_destroy(it->context);
    while (!list_is_empty(&it->old_contexts))
        context_destroy(CONTAINER_OF(it->old_contexts.next, struct context, place));
    while (!list_is_empty(&it->abandoned))
        end_query(CONTAINER_OF(it->abandoned.next, struct query, place));
    watched_file_close(&it->file);
    unbound_events_destroy(&it->events);
    arena_destroy(&it->arena);
    memory_free(it);
}

/* An abandoned query that libunbound has not seen yet ends here, one that it has ends with its answer. */
static void abandon(struct query *query)
{
    if (query->context == NULL) {
        end_query(query);
        return;
    }
    query->is_abandoned = true;
    list_remove(&query->place);
    list_append(&query->resolver->abandoned, &query->place);
}

static void read_answer(const struct query *query, struct str name, struct arena *arena, struct dns_answer *answer_out)
{
    if (query->packet == NULL || query->is_bogus) {
        answer_out->reason = query->is_bogus ? RESOLVER_BOGUS : "Host not found, try again";
        return;
    }
    dns_answer_parse(answer_out, arena, query->packet, query->len, name, query->type);
    answer_out->is_secure = query->is_secure;
}

static void filter_answer(const struct resolver *resolver, struct dns_answer *answer)
{
    size_t kept = 0;

    for (size_t i = 0; i < answer->count; i++) {
        switch (resolver->filter(resolver->filter_context, answer->canonical_name, &answer->records[i])) {
        case RESOLVER_KEEP:
            answer->records[kept++] = answer->records[i];
            break;
        case RESOLVER_DROP:
            break;
        case RESOLVER_UNSURE:
            answer->count = 0;
            answer->outcome = DNS_UNKNOWN;
            answer->reason = RESOLVER_FILTER_UNSURE;
            return;
        }
    }
    answer->count = kept;
    if (kept > 0)
        return;
    answer->outcome = DNS_UNKNOWN;
    answer->reason = RESOLVER_NOTHING_LEFT;
}

static bool is_askable(struct str name)
{
    if (name.len == 0 || name.len > NAME_MAX_BYTES || name.data[0] == '.')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (!char_is_print(name.data[i]) || name.data[i] == ' ' || name.data[i] == '\\')
            return false;
    }
    return str_find(name, STR("..")) == STR_NOT_FOUND;
}

static struct duration lookup_timeout(const struct resolver *resolver)
{
    struct duration said = resolver->timeout.us > 0 ? resolver->timeout : resolver->conf.timeout;
    struct duration most = seconds(TIMEOUT_SECONDS_MAX);

    return said.us > 0 && said.us < most.us ? said : most;
}

static void look_up_name(struct resolver *resolver, struct str name, enum dns_type type, struct arena *arena,
                         struct dns_answer *answer_out)
{
    struct query *query;
    bool is_root = str_equal(name, STR("."));
    struct duration left = lookup_timeout(resolver);
    struct instant deadline = instant_add(loop_now(resolver->loop), left);

    *answer_out = (struct dns_answer){ .outcome = DNS_UNKNOWN, .reason = "Host not found, try again" };
    if (str_ends_with(name, STR(".")))
        name.len--;
    answer_out->canonical_name = arena_lower(arena, name);
    if (!is_root && !is_askable(name)) {
        answer_out->outcome = DNS_ABSENT_NAME;
        answer_out->reason = "Host not found";
        return;
    }
    query = memory_alloc(sizeof(*query));
    query->resolver = resolver;
    query->type = type;
    query->answer = answer_out;
    event_init(&query->answered);
    list_append(&resolver->waiting, &query->place);
    memcpy(query->name, name.data, name.len);
    query->name[name.len] = '.';
    while (!query->is_answered && !query->is_cancelled && left.us > 0) {
        if (!event_wait(resolver->loop, &query->answered, left, NULL) && !query->is_answered)
            break;
        left = instant_since(deadline, loop_now(resolver->loop));
    }
    if (!query->is_answered) {
        abandon(query);
        return;
    }
    read_answer(query, name, arena, answer_out);
    end_query(query);
    if (resolver->filter != NULL && answer_out->outcome == DNS_FOUND)
        filter_answer(resolver, answer_out);
}

static bool is_absent(const struct dns_answer *answer)
{
    return answer->outcome == DNS_ABSENT_NAME || answer->outcome == DNS_ABSENT_RECORD;
}

static void search(struct resolver *resolver, struct str name, enum dns_type type, struct arena *arena,
                   struct dns_answer *answer_out)
{
    /* A copy: while the answer is waited for, resolv.conf may be read again. */
    struct resolv_conf *conf = arena_new(arena, struct resolv_conf);

    *conf = resolver->conf;
    for (size_t i = 0; i < conf->domain_count && is_absent(answer_out); i++) {
        struct str whole = arena_printf(arena, "%.*s.%s", STR_ARG(name), conf->domains[i]);

        look_up_name(resolver, whole, type, arena, answer_out);
        if (!resolver->searches)
            break;
    }
}

void resolver_lookup(struct resolver *resolver, struct str name, enum dns_type type, struct arena *arena,
                     struct dns_answer *answer_out)
{
    bool has_dot = str_contains_char(name, '.');
    bool is_searched =
        (type == DNS_TYPE_A || type == DNS_TYPE_AAAA) && (has_dot ? resolver->searches : resolver->appends_domain);
    struct dns_answer whole;

    if (!is_searched || str_ends_with(name, STR("."))) {
        look_up_name(resolver, name, type, arena, answer_out);
        return;
    }
    *answer_out = (struct dns_answer){ .outcome = DNS_ABSENT_NAME };
    if (!has_dot)
        search(resolver, name, type, arena, answer_out);
    if (!is_absent(answer_out))
        return;
    look_up_name(resolver, name, type, arena, answer_out);
    if (!has_dot || !is_absent(answer_out))
        return;
    whole = *answer_out;
    search(resolver, name, type, arena, answer_out);
    if (is_absent(answer_out))
        *answer_out = whole;
}

static void cancel(struct list *queries, const struct dns_answer *answer_out)
{
    for (struct list *node = queries->next; node != queries; node = node->next) {
        struct query *query = CONTAINER_OF(node, struct query, place);

        if (query->answer != answer_out)
            continue;
        query->is_cancelled = true;
        event_wake_all(&query->answered);
    }
}

void resolver_cancel(struct resolver *resolver, const struct dns_answer *answer_out)
{
    cancel(&resolver->waiting, answer_out);
    cancel(&resolver->asked, answer_out);
}
