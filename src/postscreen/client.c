/* SPDX-License-Identifier: Apache-2.0 */
#include "postscreen/client.h"

#include "base/map.h"
#include "base/memory.h"
#include "config/shared_settings.h"
#include "daemon/daemon.h"
#include "postscreen/log_lines.h"
#include "postscreen/peer.h"
#include "postscreen/postscreen.h"
#include "postscreen/refusal_footer.h"
#include "protocol/handed_session.h"
#include "run/loop.h"
#include "run/stream.h"
#include "table/cache.h"

#include <sys/socket.h>

enum { ANSWER_SECONDS = 10, TAKE_SECONDS = 100 };

/* ---- what is said ---- */

void client_answer(struct client *client, struct str text)
{
    struct stream *stream = client->connection->stream;
    struct str rest = refusal_footer_add(client, text), line;
    struct failure why;
    bool has_more;

    do {
        has_more = str_cut(rest, '\n', &line, &rest);
        if (!stream_write(stream, line, &why) || !stream_write(stream, STR("\r\n"), &why))
            return;
    } while (has_more);
    (void) !stream_flush(stream, &why);
}

void client_say_goodbye(struct client *client)
{
    client_answer(client, arena_printf(client->arena, "421 4.3.2 %.*s Service shutting down and closing the connection",
                                       STR_ARG(client->postscreen->shared->myhostname)));
}

void client_interrupt_early(struct postscreen *postscreen)
{
    struct list *node;

    for (node = postscreen->early.next; node != &postscreen->early; node = node->next)
        stream_interrupt(CONTAINER_OF(node, struct client, link)->connection->stream);
}

/* ---- what is known of it ---- */

static unsigned enabled_tests(const struct client *client)
{
    const struct postscreen_settings *settings = client->settings;
    unsigned tests = 0;

    if (settings->greet_banner.len > 0)
        tests |= TEST_BIT(TEST_GREETING);
    if (client->postscreen->sites.count > 0)
        tests |= TEST_BIT(TEST_DNSBL);
    if (settings->pipelining_enable)
        tests |= TEST_BIT(TEST_PIPELINING);
    if (settings->non_smtp_command_enable)
        tests |= TEST_BIT(TEST_NON_SMTP_COMMAND);
    if (settings->bare_newline_enable)
        tests |= TEST_BIT(TEST_BARE_NEWLINE);
    return tests;
}

static void read_stamps(struct client *client)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct cache *cache = client->postscreen->cache;
    unsigned enabled = enabled_tests(client);
    struct str text;

    if (cache == NULL || !cache_get(cache, client->address, arena, &text) || !stamps_parse(text, &client->stamps))
        client->stamps = (struct stamps){ .ends = { { 0 } } };
    client->todo = stamps_missing(&client->stamps, clock_now()) & enabled;
    client->is_new = (stamps_never(&client->stamps) & enabled) != 0;
}

static struct duration ttl_of(const struct client *client, enum test test)
{
    const struct postscreen_settings *settings = client->settings;

    if (client->is_in_good_list)
        return client->dnsbl_ttl;
    switch (test) {
    case TEST_DNSBL:
        return client->dnsbl_ttl;
    case TEST_PIPELINING:
        return settings->pipelining_ttl;
    case TEST_NON_SMTP_COMMAND:
        return settings->non_smtp_command_ttl;
    case TEST_BARE_NEWLINE:
        return settings->bare_newline_ttl;
    default:
        return settings->greet_ttl;
    }
}

static void write_stamps(struct client *client)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct cache *cache = client->postscreen->cache;
    unsigned enabled = enabled_tests(client);
    struct instant now = clock_now();

    if (cache == NULL)
        return;
    for (enum test test = 0; test < TESTS; test++) {
        if (client->passed & TEST_BIT(test))
            client->stamps.ends[test] = instant_add(now, ttl_of(client, test));
        else if (!(enabled & TEST_BIT(test)))
            stamps_set_disabled(&client->stamps, test);
    }
    cache_put(cache, client->address, stamps_format(&client->stamps, arena));
}

void client_remember(struct client *client)
{
    if (client->is_remembered || client->is_vetoed || client->failed != 0 || client->refusal.len > 0)
        return;
    client->is_remembered = true;
    if ((client->todo & ~client->passed) == 0)
        log_pass(client);
    if (client->passed != 0)
        write_stamps(client);
}

bool client_fail(struct client *client, enum test test, int action, struct str refusal, struct str drop_text)
{
    switch (action) {
    case SCREEN_DROP:
        client->failed |= TEST_BIT(test);
        client_answer(client, drop_text);
        return false;
    case SCREEN_ENFORCE:
        client->failed |= TEST_BIT(test);
        client->refusal = refusal;
        return true;
    default:
        client->ignored |= TEST_BIT(test);
        return true;
    }
}

/* ---- smtpd ---- */

static bool give(struct client *client, struct str recipient, bool *may_be_given, struct failure *why)
{
    const struct handed_session session = {
        .client_address = client->address,
        .client_port = client->port,
        .server_address = client->server_address,
        .server_port = client->server_port,
        .is_proxied = client->is_proxied,
        .helo = recipient.len > 0 ? client->helo_line : STR_EMPTY,
        .mail = recipient.len > 0 ? client->mail_line : STR_EMPTY,
        .recipient = recipient,
        .tls = client->tls,
    };

    return handed_session_give(client->postscreen->loop, client->postscreen->smtpd_path, client->connection->fd,
                               &session, seconds(TAKE_SECONDS), may_be_given, why);
}

bool client_hand_over(struct client *client, struct str recipient)
{
    struct postscreen *postscreen = client->postscreen;
    struct failure why;
    bool is_given, may_be_given;

    postscreen->waiting++;
    is_given = give(client, recipient, &may_be_given, &why);
    postscreen->waiting--;
    if (is_given)
        return true;
    log_not_handed(client, postscreen->smtpd_path, why.text);
    /* Two must not talk with one client. */
    if (may_be_given)
        (void) shutdown(client->connection->fd, SHUT_RDWR);
    return false;
}

/* True: it is smtpd's now. */
static bool greet_by_smtpd(struct client *client)
{
    struct postscreen *postscreen = client->postscreen;

    if (postscreen_is_smtpd_busy(postscreen)) {
        log_busy(client, "server");
        client_answer(client, STR("421 4.3.2 All server ports are busy"));
        return false;
    }
    if (client_hand_over(client, STR_EMPTY))
        return true;
    client_answer(client, STR("421 4.3.2 All server ports are busy"));
    return false;
}

/* ---- the tests ---- */

static bool is_refused(const struct client *client)
{
    return client->is_vetoed || client->failed != 0 || client->refusal.len > 0;
}

static bool talk(struct client *client)
{
    client->is_in_dialogue = true;
    client->stage_begun = loop_now(client->postscreen->loop);
    /* Nobody loses anything by it. */
    if (is_refused(client))
        client->todo |= TESTS_OF_DIALOGUE;
    if (dialogue_run(client))
        return true;
    client_remember(client);
    return false;
}

static bool screen(struct client *client)
{
    bool is_here, is_handed = false;

    if (!postscreen_begin_screening(client->postscreen)) {
        log_busy(client, "screening");
        client_answer(client, STR("421 4.3.2 All screening ports are busy"));
        return false;
    }
    is_here = greeting_test(client);
    if (is_here && (is_refused(client) || (client->todo & ~client->passed & TESTS_OF_DIALOGUE) != 0)) {
        is_handed = talk(client);
        is_here = false;
    }
    postscreen_end_screening(client->postscreen);
    if (!is_here)
        return is_handed;
    client_remember(client);
    return greet_by_smtpd(client);
}

static bool is_vetoed(struct client *client)
{
    struct postscreen *postscreen = client->postscreen;
    struct failure why;

    switch (match_list_has_host(postscreen->allowlist_interfaces, STR("unknown"), client->server_address, &why)) {
    case TABLE_FOUND:
        return false;
    case TABLE_UNKNOWN:
        log_table_trouble(STR("postscreen_allowlist_interfaces"), why.text);
        break;
    case TABLE_ABSENT:
        break;
    }
    return true;
}

/* True: it is smtpd's now. */
static bool judge_by_address(struct client *client, bool *is_over_out)
{
    enum access_verdict verdict = access_list_judge(&client->postscreen->access, client->address, client->arena);

    *is_over_out = verdict == ACCESS_PERMIT;
    if (verdict == ACCESS_UNDECIDED)
        return false;
    log_access(client, verdict == ACCESS_PERMIT);
    if (verdict == ACCESS_PERMIT)
        return greet_by_smtpd(client);
    if (client->settings->denylist_action == SCREEN_DROP) {
        client_answer(client, STR("521 5.3.2 Service currently unavailable"));
        *is_over_out = true;
    } else if (client->settings->denylist_action == SCREEN_ENFORCE) {
        client->refusal = STR("550 5.3.2 Service currently unavailable");
    }
    return false;
}

static bool judge(struct client *client)
{
    bool is_over, is_handed = judge_by_address(client, &is_over);

    if (is_over)
        return is_handed;
    read_stamps(client);
    if (client->todo == 0 && client->refusal.len == 0) {
        log_pass(client);
        return greet_by_smtpd(client);
    }
    client->is_vetoed = is_vetoed(client);
    if (client->is_vetoed)
        log_veto(client);
    return screen(client);
}

/* ---- the connection ---- */

static bool count_in(struct client *client)
{
    struct map *clients = client->postscreen->clients;
    size_t limit = (size_t) client->settings->client_connection_count_limit;
    size_t *count = map_get(clients, client->address);

    if (count == NULL) {
        count = memory_alloc(sizeof *count);
        *count = 0;
        map_set(clients, client->address, count);
    }
    ++*count;
    return limit == 0 || *count <= limit;
}

static void count_out(struct client *client)
{
    struct map *clients = client->postscreen->clients;
    size_t *count = map_get(clients, client->address);

    if (--*count > 0)
        return;
    map_remove(clients, client->address);
    memory_free(count);
}

void client_run(struct postscreen *postscreen, struct daemon_session *connection)
{
    struct client client = {
        .postscreen = postscreen,
        .settings = postscreen_settings_now(postscreen),
        .connection = connection,
        .arena = connection->arena,
        .stage_begun = loop_now(postscreen->loop),
        .where = "CONNECT",
    };
    bool is_handed = false;

    stream_set_timeout(connection->stream, seconds(ANSWER_SECONDS));
    if (!peer_find(&client))
        return;
    log_connect(&client);
    if (count_in(&client)) {
        is_handed = judge(&client);
    } else {
        log_too_many(&client);
        client_answer(&client, STR("421 4.7.0 Error: too many connections"));
    }
    count_out(&client);
    if (!is_handed)
        log_disconnect(&client);
}
