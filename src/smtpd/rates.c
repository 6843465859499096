/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/rates.h"

#include "daemon/daemon.h"
#include "run/loop.h"
#include "smtpd/answer.h"
#include "smtpd/history.h"
#include "smtpd/log_lines.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

enum { PATIENCE_SECONDS = 5, SILENCE_SECONDS = 60 };

/* What is said of each kind. */
static const struct {
    const char *log;
    const char *reply;
} words[ANVIL_KIND_COUNT] = {
    [ANVIL_CONNECTION] = { "Connection rate", "connections" },
    [ANVIL_MESSAGE] = { "Message delivery request rate", "too much mail" },
    [ANVIL_RECIPIENT] = { "Recipient address rate", "too many recipients" },
    [ANVIL_AUTH] = { "AUTH command rate", "too many AUTH commands" },
    [ANVIL_TLS_SESSION] = { "New TLS session rate", "too many new TLS sessions" },
};

static int limit_of(const struct smtpd_settings *settings, enum anvil_kind kind)
{
    switch (kind) {
    case ANVIL_CONNECTION:
        return settings->client_connection_rate_limit;
    case ANVIL_MESSAGE:
        return settings->client_message_rate_limit;
    case ANVIL_RECIPIENT:
        return settings->client_recipient_rate_limit;
    case ANVIL_AUTH:
        return settings->client_auth_rate_limit;
    case ANVIL_TLS_SESSION:
        return settings->client_new_tls_session_rate_limit;
    case ANVIL_KIND_COUNT:
        break;
    }
    return 0;
}

static struct ip_address network_of(const struct ip_address *ip, unsigned bits)
{
    struct ip_address network = *ip;

    for (unsigned i = 0; i < ip_address_size(ip); i++) {
        unsigned kept = bits > 8 * i ? bits - 8 * i : 0;

        if (kept < 8)
            network.bytes[i] = (uint8_t) (network.bytes[i] & (0xff00 >> kept));
    }
    return network;
}

/* "smtp:192.0.2.1", or the block of addresses that the client is in. */
static struct str client_of(const struct session *session)
{
    const struct smtpd_settings *settings = session->settings;
    const struct peer *peer = &session->peer;
    int bits = peer->ip.family == IP_V6 ? settings->client_ipv6_prefix_length : settings->client_ipv4_prefix_length;
    char text[IP_ADDRESS_TEXT_MAX];
    struct ip_address network;

    if (peer->ip.family == IP_NONE || (size_t) bits >= 8 * ip_address_size(&peer->ip))
        return arena_printf(session->command_arena, "%s:%.*s", session->connection->service, STR_ARG(peer->address));
    network = network_of(&peer->ip, (unsigned) bits);
    return arena_printf(session->command_arena, "%s:%s/%d", session->connection->service,
                        ip_address_format(&network, text), bits);
}

static bool ask(struct session *session, enum anvil_kind kind, bool is_question, struct anvil_numbers *numbers_out,
                struct failure *why)
{
    const struct anvil_event event = { .kind = kind, .client = client_of(session), .is_question = is_question };
    struct rates *rates = &session->rates;
    void *message;

    endpoint_set_connect_timeout(session->smtpd->anvil, seconds(PATIENCE_SECONDS));
    if (rates->call == NULL && !endpoint_call(session->smtpd->anvil, &rates->call, why))
        return false;
    if (!call_send(rates->call, &anvil_event_message, &event, seconds(PATIENCE_SECONDS), why) ||
        !call_expect(rates->call, &anvil_numbers_message, session->command_arena, seconds(PATIENCE_SECONDS), &message,
                     why))
        return false;
    *numbers_out = *(const struct anvil_numbers *) message;
    return true;
}

static void note_trouble(struct session *session, const struct failure *why)
{
    struct smtpd *smtpd = session->smtpd;
    struct instant now = loop_now(smtpd->loop);

    rates_end(&session->rates);
    session->rates.is_unknown = true;
    /* One that hangs holds up those who have asked, and nobody after them. */
    if (why->kind == FAILURE_TIMEOUT)
        smtpd->next_anvil_question = instant_add(now, seconds(SILENCE_SECONDS));
    if (instant_is_before(now, smtpd->next_anvil_warning))
        return;
    smtpd->next_anvil_warning = instant_add(now, seconds(SILENCE_SECONDS));
    log_anvil_trouble(why->text);
}

/* False if nobody knows. A new anvil begins at nothing, but it counts. */
static bool find(struct session *session, enum anvil_kind kind, bool is_question, struct anvil_numbers *numbers_out)
{
    struct rates *rates = &session->rates;
    bool may_be_stale = rates->call != NULL;
    struct failure why;

    if (!rates->is_limited || rates->is_unknown || session->smtpd->is_standalone ||
        instant_is_before(loop_now(session->smtpd->loop), session->smtpd->next_anvil_question))
        return false;
    if (ask(session, kind, is_question, numbers_out, &why))
        return true;
    rates_end(rates);
    if (may_be_stale && why.kind != FAILURE_TIMEOUT && ask(session, kind, is_question, numbers_out, &why))
        return true;
    note_trouble(session, &why);
    return false;
}

static bool count(struct session *session, enum anvil_kind kind, struct anvil_numbers *numbers_out)
{
    return find(session, kind, false, numbers_out);
}

static bool is_beyond(uint64_t number, int limit)
{
    return limit > 0 && number > (uint64_t) limit;
}

static bool refuse_connection(struct session *session, const char *what, uint64_t number)
{
    log_limit_exceeded(session, what, number);
    history_next_is(session, NOTICE_POLICY);
    answer(session, "421 4.7.0 %.*s Error: too many connections from %.*s", STR_ARG(session->smtpd->shared->myhostname),
           STR_ARG(session->peer.address));
    return false;
}

bool rates_allow_connection(struct session *session)
{
    const struct smtpd_settings *settings = session->settings;
    struct anvil_numbers numbers;

    if ((settings->client_connection_count_limit == 0 && settings->client_connection_rate_limit == 0) ||
        !count(session, ANVIL_CONNECTION, &numbers))
        return true;
    session->rates.connections = numbers.count;
    if (is_beyond(numbers.count, settings->client_connection_count_limit))
        return refuse_connection(session, "Connection concurrency", numbers.count);
    if (is_beyond(numbers.rate, settings->client_connection_rate_limit))
        return refuse_connection(session, words[ANVIL_CONNECTION].log, numbers.rate);
    return true;
}

bool rates_allow(struct session *session, enum anvil_kind kind)
{
    int limit = limit_of(session->settings, kind);
    struct anvil_numbers numbers;

    if (limit == 0 || !count(session, kind, &numbers) || !is_beyond(numbers.rate, limit))
        return true;
    log_limit_exceeded(session, words[kind].log, numbers.rate);
    history_next_is(session, NOTICE_POLICY);
    answer(session, "450 4.7.1 Error: %s from %.*s", words[kind].reply, STR_ARG(session->peer.address));
    return false;
}

bool rates_may_begin_tls(struct session *session)
{
    int limit = session->settings->client_new_tls_session_rate_limit;
    struct anvil_numbers numbers;

    return limit == 0 || !find(session, ANVIL_TLS_SESSION, true, &numbers) || !is_beyond(numbers.rate, limit);
}

bool rates_count_tls_session(struct session *session)
{
    int limit = session->settings->client_new_tls_session_rate_limit;
    struct anvil_numbers numbers;

    if (limit == 0 || !count(session, ANVIL_TLS_SESSION, &numbers) || !is_beyond(numbers.rate, limit))
        return true;
    log_limit_exceeded(session, words[ANVIL_TLS_SESSION].log, numbers.rate);
    history_next_is(session, NOTICE_POLICY);
    answer(session, "421 4.7.0 %.*s Error: %s from %.*s", STR_ARG(session->smtpd->shared->myhostname),
           words[ANVIL_TLS_SESSION].reply, STR_ARG(session->peer.shown));
    return false;
}

void rates_end(struct rates *rates)
{
    call_end(&rates->call);
}
