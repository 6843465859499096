/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/takeover.h"

#include "daemon/daemon.h"
#include "mail/proxy_header.h"
#include "protocol/handed_session.h"
#include "smtpd/answer.h"
#include "smtpd/log_lines.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"
#include "tls/facts_message.h"

static bool take_port(struct str text, uint16_t *port_out)
{
    uint64_t number;

    if (!str_to_uint64(text, &number) || number > UINT16_MAX)
        return false;
    *port_out = (uint16_t) number;
    return true;
}

static bool take_addresses(struct session *session, struct failure *why)
{
    const struct handed_session *handed = session->handed;
    struct proxy_header header = { 0 };

    if (!ip_address_parse(handed->client_address, &header.client) ||
        !ip_address_parse(handed->server_address, &header.server) ||
        !take_port(handed->client_port, &header.client_port) || !take_port(handed->server_port, &header.server_port))
        return failure_set(why, FAILURE_PROTOCOL, 0, "handed_session: bad addresses");
    session->is_proxied = handed->is_proxied;
    /* The socket may be tlsproxy's, which is nobody's. */
    session->peer.name = session->peer.reverse_name = STR("unknown");
    peer_set_addresses(&session->peer, session->arena, &header);
    session->peer.is_local = false;
    return true;
}

static bool take_tls(struct session *session, struct failure *why)
{
    struct tls_facts *facts;
    void *message;

    if (session->handed->tls.len == 0)
        return true;
    if (!message_decode(&tlsproxy_session_message, session->handed->tls, -1, session->arena, &message, why))
        return false;
    facts = arena_new(session->arena, struct tls_facts);
    tls_facts_hear(message, facts);
    session->tls.facts = facts;
    return true;
}

bool takeover_receive(struct session *session)
{
    struct str passed = session->connection->passed;
    struct failure why;

    if (passed.len <= 1)
        return true;
    if (handed_session_decode(str_from(passed, 1), session->arena, &session->handed, &why) &&
        take_addresses(session, &why) && take_tls(session, &why))
        return true;
    log_bad_takeover(why.text);
    return false;
}

static void rehearse(struct session *session, struct str line)
{
    if (session->end == SESSION_GOES_ON && session->kept_refusal.len == 0)
        session_execute(session, line);
}

void takeover_go_on(struct session *session)
{
    const struct handed_session *handed = session->handed;

    session->is_rehearsing = true;
    client_greet(session);
    rehearse(session, handed->helo);
    rehearse(session, handed->mail);
    session->is_rehearsing = false;
    if (session->kept_refusal.len > 0)
        answer_kept(session);
    else if (session->end == SESSION_GOES_ON)
        session_execute(session, handed->recipient);
}
