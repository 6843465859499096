/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/client.h"

#include "smtpd/answer.h"
#include "smtpd/ehlo_keyword.h"
#include "smtpd/history.h"
#include "smtpd/log_lines.h"
#include "smtpd/policy.h"
#include "smtpd/session.h"
#include "smtpd/session_milters.h"
#include "smtpd/smtpd.h"

#define UNKNOWN STR("unknown")

/* ---- the session's client ---- */

static enum permission look_up(struct session *session, struct match_list *list, struct str parameter)
{
    struct failure why;

    switch (match_list_has_host(list, session->peer.name, session->peer.address, &why)) {
    case TABLE_FOUND:
        return PERMISSION_GIVEN;
    case TABLE_UNKNOWN:
        log_table_trouble(parameter, why.text);
        return PERMISSION_UNKNOWN;
    case TABLE_ABSENT:
        break;
    }
    return PERMISSION_NONE;
}

/* What both the client and one that XCLIENT names are looked up for. */
static void recognise(struct session *session)
{
    struct smtpd *smtpd = session->smtpd;

    session->debug_level = debug_peers_level_of(&smtpd->debug_peers, session->peer.name, session->peer.address);
    session->discarded_keywords = ehlo_keyword_discarded(session);
    session->is_bare_newline_excluded = look_up(session, smtpd->bare_newline_exclusions,
                                                STR("smtpd_forbid_bare_newline_exclusions")) == PERMISSION_GIVEN;
    session->verp_permission = look_up(session, smtpd->verp_clients, STR("smtpd_authorized_verp_clients"));
    session->xclient_permission = look_up(session, smtpd->xclient_hosts, STR("smtpd_authorized_xclient_hosts"));
    session->rates.is_limited =
        session->xclient_permission != PERMISSION_GIVEN &&
        look_up(session, smtpd->limit_exceptions, STR("smtpd_client_event_limit_exceptions")) != PERMISSION_GIVEN;
}

void client_recognise(struct session *session)
{
    recognise(session);
    /* It stays with who connected. */
    session->xforward_permission =
        look_up(session, session->smtpd->xforward_hosts, STR("smtpd_authorized_xforward_hosts"));
}

static void set_value(const struct client_attributes *attributes, enum client_attribute which, struct str *value)
{
    if (!client_attributes_has(attributes, which))
        return;
    *value = attributes->values[which].len > 0 ? attributes->values[which] : UNKNOWN;
}

static void change_peer(struct peer *peer, const struct client_attributes *attributes)
{
    set_value(attributes, CLIENT_NAME, &peer->name);
    set_value(attributes, CLIENT_REVERSE_NAME, &peer->reverse_name);
    set_value(attributes, CLIENT_ADDR, &peer->address);
    set_value(attributes, CLIENT_PORT, &peer->port);
    set_value(attributes, CLIENT_DESTADDR, &peer->server_address);
    set_value(attributes, CLIENT_DESTPORT, &peer->server_port);
    if (client_attributes_has(attributes, CLIENT_NAME))
        peer->is_name_unknown = attributes->is_name_temporary;
    if (client_attributes_has(attributes, CLIENT_REVERSE_NAME))
        peer->is_reverse_name_unknown = attributes->is_reverse_name_temporary;
    if (client_attributes_has(attributes, CLIENT_ADDR) && !ip_address_parse(peer->address, &peer->ip))
        peer->ip = (struct ip_address){ 0 };
}

void client_replace(struct session *session, const struct client_attributes *attributes)
{
    struct arena *arena = arena_create();
    struct peer peer = session->peer;

    change_peer(&peer, attributes);
    peer_copy(&session->peer, &peer, session->smtpd, arena);
    arena_destroy(&session->client_arena);
    session->client_arena = arena;

    strbuf_clear(&session->helo);
    strbuf_append(&session->helo, attributes->values[CLIENT_HELO]);
    session->helo_name = strbuf_str(&session->helo);
    session->is_esmtp = str_equal_nocase(attributes->values[CLIENT_PROTO], STR("ESMTP"));
    login_forget(&session->login);
    if (session->smtpd->has_logins && attributes->values[CLIENT_LOGIN].len > 0)
        login_set(&session->login, answer_tame(session->command_arena, attributes->values[CLIENT_LOGIN], '?'),
                  STR("XCLIENT"));
    forwarded_forget(&session->forwarded);
    rates_end(&session->rates);
    recognise(session);
}

bool client_refuse_for_now(struct session *session)
{
    struct str reply = arena_printf(session->command_arena, "421 4.3.0 %.*s Server local data error",
                                    STR_ARG(session->smtpd->shared->myhostname));

    log_data_error(session, reply);
    history_next_is(session, NOTICE_DATA);
    answer_send(session, reply);
    return false;
}

bool client_may(struct session *session, const char *command, enum permission permission)
{
    switch (permission) {
    case PERMISSION_GIVEN:
        return true;
    case PERMISSION_UNKNOWN:
        log_unknown_permission(session, "command", command, "allowed from");
        return client_refuse_for_now(session);
    case PERMISSION_NONE:
        break;
    }
    answer(session, "550 5.7.0 Error: insufficient authorization");
    return false;
}

bool client_is_understood(struct session *session)
{
    const struct {
        const char *name;
        enum permission permission;
        enum ehlo_keyword keyword;
    } rows[] = {
        { "XVERP", session->verp_permission, KEYWORD_XVERP },
        { "XCLIENT", session->xclient_permission, KEYWORD_XCLIENT },
        { "XFORWARD", session->xforward_permission, KEYWORD_XFORWARD },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (rows[i].permission != PERMISSION_UNKNOWN || (session->discarded_keywords & (unsigned) rows[i].keyword))
            continue;
        log_unknown_permission(session, "EHLO feature", rows[i].name, "announced to");
        return client_refuse_for_now(session);
    }
    return true;
}

void client_greet(struct session *session)
{
    struct str reply, greeting = session->smtpd->greeting;

    if (!rates_allow_connection(session))
        return;
    if (!policy_allows_client(session, &reply)) {
        session->denied = arena_str(session->arena, reply);
        answer_send(session, reply);
        return;
    }
    session_milters_end(session);
    session_milters_begin(session, &greeting);
    answer_send(session, greeting);
}

/* ---- who came before ---- */

bool forwarded_take(struct forwarded *forwarded, struct str argument, struct arena *reply_arena, struct str *reply_out)
{
    struct client_attributes attributes = forwarded->attributes;
    struct str reply;

    if (forwarded->arena == NULL)
        forwarded->arena = arena_create();
    if (client_attributes_take(&attributes, CLIENT_XFORWARD, argument, forwarded->arena, &reply)) {
        forwarded->attributes = attributes;
        return true;
    }
    *reply_out = arena_str(reply_arena, reply);
    return false;
}

void forwarded_forget(struct forwarded *forwarded)
{
    arena_destroy(&forwarded->arena);
    *forwarded = (struct forwarded){ 0 };
}

bool forwarded_has_client(const struct forwarded *forwarded)
{
    static const unsigned others = 1U << CLIENT_IDENT | 1U << CLIENT_SOURCE;

    return (forwarded->attributes.given & ~others) != 0;
}

struct str forwarded_value(const struct forwarded *forwarded, enum client_attribute which)
{
    struct str value = forwarded->attributes.values[which];

    return value.len > 0 ? value : UNKNOWN;
}

struct str forwarded_shown(const struct forwarded *forwarded, bool has_port, struct arena *arena)
{
    struct str name = forwarded_value(forwarded, CLIENT_NAME);
    struct str address = forwarded->attributes.values[CLIENT_ADDR];
    struct str port = forwarded_value(forwarded, CLIENT_PORT);

    if (address.len == 0)
        return name;
    return arena_printf(arena, "%.*s[%.*s]%s%.*s", STR_ARG(name), STR_ARG(address), has_port ? ":" : "",
                        has_port ? (int) port.len : 0, port.data);
}
