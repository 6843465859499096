/* SPDX-License-Identifier: Apache-2.0 */
/* AUTH: the client proves who it is (RFC 4954), to a back end that we only carry messages for. */
#include "auth/auth_server.h"
#include "run/stream.h"
#include "smtpd/answer.h"
#include "smtpd/history.h"
#include "smtpd/log_lines.h"
#include "smtpd/login.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"
#include "smtpd/syntax.h"
#include "smtpd/verbs.h"

/* One command AUTH, over all its challenges: the command's arena does not last so long. */
struct attempt {
    struct session *session;
    struct arena *arena;
    struct str method; /* as the client has it */
    struct auth_exchange *exchange;
    struct auth_answer answer;
};

static const char lost[] = "Connection lost to authentication server";

static bool is_allowed(struct session *session)
{
    if (session->helo_name.len == 0 && session->settings->helo_required)
        answer(session, "503 5.5.1 Error: send HELO/EHLO first");
    else if (!login_is_possible(session))
        answer(session, "503 5.5.1 Error: authentication not enabled");
    else if (transaction_is_open(&session->transaction))
        answer(session, "503 5.5.1 Error: MAIL transaction in progress");
    else if (login_is_known(&session->login))
        answer(session, "503 5.5.1 Error: already authenticated");
    else
        return true;
    return false;
}

/* What the client cannot mend is a 4xx: it tries again, and its password stays what it is. */
static void refuse(struct attempt *attempt, struct str reason, struct str username, bool is_temporary)
{
    struct session *session = attempt->session;

    if (reason.len == 0)
        reason = STR("(reason unavailable)");
    if (username.len == 0)
        username = STR("(unavailable)");
    log_login_failed(session, attempt->method, reason, username);
    reason = answer_tame(attempt->arena, reason, '?');
    if (is_temporary)
        answer(session, "454 4.7.0 Temporary authentication failure: %.*s", STR_ARG(reason));
    else
        answer(session, "535 5.7.8 Error: authentication failed: %.*s", STR_ARG(reason));
}

/* False: the session is over, or the client was told that this is no answer. */
static bool read_response(struct attempt *attempt, struct str *response_out)
{
    struct session *session = attempt->session;
    bool is_too_long;

    if (!session_read_line(session, (size_t) session->settings->sasl.response_limit, response_out, &is_too_long))
        return false;
    if (is_too_long) {
        answer(session, "500 5.5.6 SASL response limit exceeded");
        return false;
    }
    if (str_equal(*response_out, STR("*"))) {
        log_login_aborted(session, attempt->method);
        answer(session, "501 5.7.0 Authentication aborted");
        return false;
    }
    if (!auth_is_base64(*response_out)) {
        refuse(attempt, STR("Invalid base64 data in continued response"), STR_EMPTY, false);
        return false;
    }
    return true;
}

static void conclude(struct attempt *attempt)
{
    const struct auth_answer *said = &attempt->answer;

    if (said->outcome != AUTH_GRANTED) {
        refuse(attempt, said->reason, said->username, said->is_servers_trouble);
        return;
    }
    login_set(&attempt->session->login, said->username, attempt->method);
    answer_send(attempt->session, STR("235 2.7.0 Authentication successful"));
}

static void converse(struct attempt *attempt, const struct auth_request *request)
{
    struct session *session = attempt->session;
    struct str response;
    struct failure why;
    bool is_answered;

    attempt->exchange = auth_exchange_create(session->smtpd->auth_server);
    is_answered = auth_exchange_start(attempt->exchange, request, &attempt->answer, &why);
    while (is_answered && attempt->answer.outcome == AUTH_CHALLENGED) {
        answer_challenge(session, attempt->answer.challenge);
        if (session_is_broken(session) || !read_response(attempt, &response))
            return;
        is_answered = auth_exchange_reply(attempt->exchange, response, &attempt->answer, &why);
    }
    if (is_answered) {
        conclude(attempt);
        return;
    }
    log_login_trouble(why.text);
    refuse(attempt, str_from_c(lost), STR_EMPTY, true);
}

static const struct auth_mechanism *find(const struct auth_mechanisms *mechanisms, struct str name)
{
    for (size_t i = 0; i < mechanisms->count; i++) {
        if (str_equal_nocase(mechanisms->items[i].name, name))
            return &mechanisms->items[i];
    }
    return NULL;
}

static struct str address_of(struct str text)
{
    struct ip_address ip;

    return ip_address_parse(text, &ip) ? text : STR_EMPTY;
}

static void authenticate(struct attempt *attempt, const struct auth_argument *argument)
{
    struct session *session = attempt->session;
    struct auth_mechanisms mechanisms;
    const struct auth_mechanism *mechanism;
    struct auth_request request = {
        .service = session->settings->sasl.service,
        .local_address = address_of(session->peer.server_address),
        .remote_address = address_of(session->peer.address),
        .is_secured = session_is_encrypted(session),
        .has_initial = argument->has_initial,
        .initial = argument->initial,
    };

    if (!login_mechanisms(session, &mechanisms)) {
        refuse(attempt, str_from_c(lost), STR_EMPTY, true);
        return;
    }
    if (mechanisms.count == 0) {
        refuse(attempt, STR("no authentication mechanism"), STR_EMPTY, true);
        return;
    }
    mechanism = find(&mechanisms, attempt->method);
    if (mechanism == NULL) {
        refuse(attempt,
               session->settings->sasl.type == SASL_DOVECOT ? STR("Invalid authentication mechanism")
                                                            : STR("no mechanism available"),
               STR_EMPTY, false);
        return;
    }
    if (!auth_is_base64(request.initial)) {
        refuse(attempt, STR("Invalid base64 data in initial response"), STR_EMPTY, false);
        return;
    }
    request.mechanism = mechanism->name;
    converse(attempt, &request);
}

void verb_auth(struct session *session, struct str argument)
{
    struct attempt attempt = { .session = session };
    struct auth_argument parsed;

    if (!rates_allow(session, ANVIL_AUTH) || !is_allowed(session))
        return;
    if (!syntax_parse_auth(argument, &parsed)) {
        answer(session, "501 5.5.4 Syntax: AUTH mechanism");
        return;
    }
    attempt.arena = arena_create();
    attempt.method = arena_str(attempt.arena, parsed.method);
    authenticate(&attempt, &parsed);
    auth_exchange_end(&attempt.exchange);
    arena_destroy(&attempt.arena);
}
