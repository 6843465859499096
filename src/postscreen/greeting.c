/* SPDX-License-Identifier: Apache-2.0 */
/* The tests before the greeting: who speaks before it, and who is in DNS lists. */
#include "daemon/daemon.h"
#include "postscreen/client.h"
#include "postscreen/log_lines.h"
#include "postscreen/postscreen.h"
#include "run/loop.h"
#include "run/stream.h"

#include <sys/socket.h>

enum { PEEK_MAXIMUM = 512, ANSWER_GRACE_SECONDS = 5 };

#define PROTOCOL_ERROR STR("550 5.5.1 Protocol error")
#define PROTOCOL_DROP STR("521 5.5.1 Protocol error")

/* The question to the lists, in a fiber of its own. */
struct inquiry {
    struct client *client;
    struct fiber_group group;
    struct dnsbl_rank rank;
    bool is_wanted; /* the client waits for nothing else: it may be woken */
    bool is_known;
};

static bool is_allowed(const struct inquiry *inquiry)
{
    int threshold = inquiry->client->settings->dnsbl_allowlist_threshold;

    return inquiry->is_known && threshold < 0 && inquiry->rank.score <= threshold;
}

static void ask(void *context)
{
    struct inquiry *inquiry = context;
    struct client *client = inquiry->client;
    struct postscreen *postscreen = client->postscreen;
    struct duration timeout = client->settings->dnsbl_timeout;
    const struct dnsblog_request request = { client->address, postscreen->sites.domains,
                                             (uint64_t) (timeout.us / milliseconds(1).us) };
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct duration patience = { timeout.us + seconds(ANSWER_GRACE_SECONDS).us };
    struct failure why;
    void *answer;

    endpoint_set_connect_timeout(postscreen->dnsblog, patience);
    if (!endpoint_ask(postscreen->dnsblog, &dnsblog_request_message, &request, &dnsblog_answer_message, arena, patience,
                      &answer, &why)) {
        log_no_answer(client, "dnsblog", why.text);
        return;
    }
    inquiry->rank = dnsbl_rank(&postscreen->sites, &((const struct dnsblog_answer *) answer)->listings);
    inquiry->is_known = true;
    if (inquiry->is_wanted && is_allowed(inquiry))
        stream_interrupt(client->connection->stream);
}

/* A client that speaks now does not listen. What it says stays in the socket. */
static bool hear_early_bird(struct client *client)
{
    char bytes[PEEK_MAXIMUM];
    ssize_t count = recv(client->connection->fd, bytes, sizeof bytes, MSG_PEEK);

    if (count <= 0) {
        log_hangup(client);
        return false;
    }
    log_pregreet(client, (size_t) count, str_make(bytes, (size_t) count));
    return client_fail(client, TEST_GREETING, client->settings->greet_action, PROTOCOL_ERROR, PROTOCOL_DROP);
}

static bool wait_for_early_bird(struct client *client, struct inquiry *inquiry)
{
    struct stream *stream = client->connection->stream;
    struct failure why = { .kind = FAILURE_STOPPED };
    bool is_early;

    inquiry->is_wanted = true;
    list_append(&client->postscreen->early, &client->link);
    is_early = !is_allowed(inquiry) && stream_wait_input(stream, client->settings->greet_wait, &why);
    list_remove(&client->link);
    inquiry->is_wanted = false;
    if (!is_early && daemon_is_stopping(client->postscreen->daemon)) {
        client_say_goodbye(client);
        return false;
    }
    if (is_early)
        return hear_early_bird(client);
    if (why.kind == FAILURE_TIMEOUT)
        client->passed |= client->todo & TEST_BIT(TEST_GREETING);
    return true;
}

static bool send_teaser(struct client *client)
{
    struct stream *stream = client->connection->stream;
    struct str banner = client->settings->greet_banner;
    struct failure why;

    if (banner.len == 0)
        return true;
    if (stream_printf(stream, &why, "220-%.*s\r\n", STR_ARG(banner)) && stream_flush(stream, &why))
        return true;
    log_hangup(client);
    return false;
}

/* What clients are told of the list that they are in. */
static struct str shown_domain(struct client *client, struct str domain)
{
    struct table_list *map = client->postscreen->dnsbl_reply_map;
    struct failure why;
    struct str shown;

    switch (table_list_find(map, domain, TABLE_ANY_KIND, client->arena, &shown, &why)) {
    case TABLE_FOUND:
        return shown;
    case TABLE_UNKNOWN:
        log_table_trouble(table_list_title(map), why.text);
        break;
    case TABLE_ABSENT:
        break;
    }
    return domain;
}

static struct duration ttl_of(const struct client *client, const struct dnsbl_rank *rank)
{
    const struct postscreen_settings *settings = client->settings;
    struct duration ttl = rank->has_ttl ? seconds((int64_t) rank->ttl_s) : settings->dnsbl_min_ttl;

    if (ttl.us < settings->dnsbl_min_ttl.us)
        ttl = settings->dnsbl_min_ttl;
    return ttl.us > settings->dnsbl_max_ttl.us ? settings->dnsbl_max_ttl : ttl;
}

static bool judge_rank(struct client *client, const struct inquiry *inquiry)
{
    const struct dnsbl_rank *rank = &inquiry->rank;
    struct str domain, text;

    client->dnsbl_ttl = ttl_of(client, rank);
    if (!inquiry->is_known) {
        client->todo &= ~TEST_BIT(TEST_DNSBL);
        return true;
    }
    if (is_allowed(inquiry)) {
        /* What it has failed already it has failed. */
        client->passed |= client->todo & ~(client->failed | client->ignored);
        client->is_in_good_list = true;
        return true;
    }
    if (rank->score < client->settings->dnsbl_threshold) {
        client->passed |= TEST_BIT(TEST_DNSBL);
        return true;
    }
    log_rank(client, rank->score);
    domain = shown_domain(client, arena_str(client->arena, rank->domain));
    text = arena_printf(client->arena, "5.7.1 Service unavailable; client [%.*s] blocked using %.*s",
                        STR_ARG(client->address), STR_ARG(domain));
    return client_fail(client, TEST_DNSBL, client->settings->dnsbl_action,
                       arena_printf(client->arena, "550 %.*s", STR_ARG(text)),
                       arena_printf(client->arena, "521 %.*s", STR_ARG(text)));
}

/* Clients that are refused wait each time. */
static bool must_wait(const struct client *client)
{
    return client->settings->greet_banner.len > 0 &&
           (client->todo & TEST_BIT(TEST_GREETING) || client->is_vetoed || client->refusal.len > 0);
}

bool greeting_test(struct client *client)
{
    struct inquiry inquiry = { .client = client };
    bool has_inquiry = client->todo & TEST_BIT(TEST_DNSBL);
    bool is_here = true;

    fiber_group_init(&inquiry.group, client->postscreen->loop);
    if (has_inquiry)
        fiber_group_start(&inquiry.group, ask, &inquiry);
    if (must_wait(client))
        is_here = send_teaser(client) && wait_for_early_bird(client, &inquiry);
    (void) !fiber_group_wait(&inquiry.group, DURATION_FOREVER, NULL);
    return is_here && (!has_inquiry || judge_rank(client, &inquiry));
}
