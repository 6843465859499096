/* SPDX-License-Identifier: Apache-2.0 */
/* dnsblog - asks DNS lists about clients for postscreen, and logs which of them have them. */

#include "base/ip_address.h"
#include "daemon/daemon.h"
#include "dns/dnsbl_name.h"
#include "dns/resolver.h"
#include "dnsblog/log_lines.h"
#include "dnsblog/settings.h"
#include "protocol/dnsblog.h"
#include "run/fiber.h"

enum { ADDRESSES_MAXIMUM = 50 };

struct dnsblog {
    const struct dnsblog_settings *settings;
    struct loop *loop;
    struct resolver *resolver;
};

/* One list, in a fiber of its own. */
struct question {
    struct dnsblog *dnsblog;
    struct arena *arena;
    struct str client;
    struct str domain;
    struct str name;
    struct dns_answer answer;
    bool is_over;
    bool is_cancelled;
    struct dnsblog_listing *listing;
};

static bool open_service(struct daemon *daemon, struct failure *why)
{
    const struct resolver_options options = { .resolv_conf = NULL };
    struct dnsblog *dnsblog = arena_new(daemon_arena(daemon), struct dnsblog);

    dnsblog->settings = daemon_settings(daemon);
    dnsblog->loop = daemon_loop(daemon);
    daemon_keep(daemon, dnsblog);
    daemon_watch_file(daemon, resolver_path());
    return resolver_create(dnsblog->loop, &options, &dnsblog->resolver, why);
}

static void *start_service(struct daemon *daemon)
{
    return daemon_kept(daemon);
}

static void stop_service(void *context)
{
    struct dnsblog *dnsblog = context;

    resolver_destroy(&dnsblog->resolver);
}

static void take_address(struct question *question, const struct dns_record *record)
{
    struct strlist *addresses = &question->listing->addresses;
    char text[IP_ADDRESS_TEXT_MAX];
    struct str shown = arena_str(question->arena, str_from_c(ip_address_format(&record->address, text)));

    log_listed(question->client, question->domain, shown);
    addresses->items[addresses->count++] = shown;
    question->listing->ttl_s = record->ttl_seconds;
}

static void take_answer(struct question *question)
{
    const struct dns_answer *answer = &question->answer;
    size_t count = answer->count < ADDRESSES_MAXIMUM ? answer->count : ADDRESSES_MAXIMUM;

    if (question->is_cancelled)
        return;
    if (answer->outcome == DNS_UNKNOWN) {
        log_lookup_error(question->name, answer->reason);
        return;
    }
    question->listing->is_known = true;
    if (answer->outcome != DNS_FOUND)
        return;
    question->listing->addresses.items = arena_new_array(question->arena, count, struct str);
    for (size_t i = 0; i < count; i++)
        take_address(question, &answer->records[i]);
}

static void ask(void *context)
{
    struct question *question = context;

    resolver_lookup(question->dnsblog->resolver, question->name, DNS_TYPE_A, question->arena, &question->answer);
    question->is_over = true;
    take_answer(question);
}

static struct question *prepare(struct daemon_call *call, struct dnsblog_listing *listings)
{
    const struct dnsblog_request *request = call->request;
    struct question *questions = arena_new_array(call->arena, request->domains.count + 1, struct question);
    struct ip_address address = { 0 };

    if (!ip_address_parse(request->client, &address))
        address = (struct ip_address){ 0 };
    for (size_t i = 0; i < request->domains.count; i++) {
        struct str domain = request->domains.items[i];

        questions[i] = (struct question){ .dnsblog = call->context,
                                          .arena = call->arena,
                                          .client = request->client,
                                          .domain = domain,
                                          .name = dnsbl_name(call->arena, &address, domain),
                                          .listing = &listings[i] };
    }
    return questions;
}

static bool answer_all(struct daemon_call *call, struct failure *why)
{
    const struct dnsblog_request *request = call->request;
    struct dnsblog *dnsblog = call->context;
    size_t count = request->domains.count < DNSBLOG_DOMAINS_MAXIMUM ? request->domains.count : DNSBLOG_DOMAINS_MAXIMUM;
    struct dnsblog_listing *listings = arena_new_array(call->arena, request->domains.count + 1, struct dnsblog_listing);
    struct question *questions = prepare(call, listings);
    const struct dnsblog_answer answer = { .listings = { listings, count } };
    struct fiber_group group;

    fiber_group_init(&group, dnsblog->loop);
    for (size_t i = 0; i < count; i++) {
        if (questions[i].name.len > 0)
            fiber_group_start(&group, ask, &questions[i]);
    }
    if (!fiber_group_wait(&group, milliseconds((int64_t) request->timeout_ms), NULL)) {
        for (size_t i = 0; i < count; i++) {
            if (questions[i].name.len == 0 || questions[i].is_over)
                continue;
            questions[i].is_cancelled = true;
            resolver_cancel(dnsblog->resolver, &questions[i].answer);
        }
        (void) !fiber_group_wait(&group, DURATION_FOREVER, NULL);
    }
    fiber_sleep(dnsblog->loop, dnsblog->settings->reply_delay);
    return daemon_reply(call, &answer, why);
}

static const struct daemon_operation operations[] = {
    { &dnsblog_request_message, &dnsblog_answer_message, answer_all },
    { NULL, NULL, NULL },
};

int main(int argc, char **argv)
{
    static const struct daemon_program program = {
        .name = "dnsblog",
        .shape = DAEMON_EVENT,
        .user = DAEMON_AS_NET_OWNER,
        .settings = &dnsblog_settings_table,
        .open = open_service,
        .start = start_service,
        .stop = stop_service,
        .protocol = &dnsblog_protocol,
        .operations = operations,
        .seccomp = "network",
    };

    return daemon_run(&program, argc, argv);
}
