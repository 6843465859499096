/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/login.h"

#include "auth/auth_login.h"
#include "daemon/daemon.h"
#include "run/offload.h"
#include "smtp/history.h"
#include "smtp/log_lines.h"
#include "smtp/login_failures.h"
#include "smtp/own_domains.h"
#include "smtp/session.h"
#include "smtp/smtp.h"
#include "tls/facts.h"

/* A step of the library's, its turn included. */
enum { STEP_SECONDS = 30, REPLY_CHALLENGE = 334 };

struct login {
    const struct smtp_settings *settings;
    const char *prefix; /* of parameters; the registered name of the service, too */
    struct own_domains domains;
    struct address_rules rules;
    struct table_list *passwords;
    struct match_list *filter;
    struct login_failures *failures;
    struct offload *threads;
};

static struct str title(struct daemon *daemon, const char *prefix, const char *rest)
{
    return arena_printf(daemon_arena(daemon), "%s_%s", prefix, rest);
}

struct login *login_open(const struct smtp *smtp, struct daemon *daemon, struct failure *why)
{
    const struct smtp_settings *settings = smtp->settings;
    struct login *login = arena_new(daemon_arena(daemon), struct login);
    const char *prefix = smtp->is_lmtp ? "lmtp" : "smtp";
    struct login_failures_options failures = { settings->sasl_auth_cache_name, settings->sasl_auth_cache_time,
                                               arena_c(daemon_arena(daemon),
                                                       title(daemon, prefix, "sasl_auth_cache_name")) };

    login->settings = settings;
    login->prefix = prefix;
    if (settings->sasl_password_maps.len == 0) {
        (void) failure_set(why, FAILURE_CONFIGURATION, 0,
                           "%s_sasl_auth_enable: specify a password table via the %s_sasl_password_maps parameter",
                           prefix, prefix);
        return NULL;
    }
    if (!own_domains_open(&login->domains, smtp->tables.set, daemon, why) ||
        !login_failures_open(&failures, daemon, &login->failures, why) || !auth_login_load(why))
        return NULL;
    login->rules = own_domains_rules(&login->domains);
    login->passwords = table_list_open(smtp->tables.set, title(daemon, prefix, "sasl_password_maps"),
                                       settings->sasl_password_maps, TABLE_FOLD);
    login->filter = match_list_open(smtp->tables.set, title(daemon, prefix, "sasl_mechanism_filter"),
                                    settings->sasl_mechanism_filter, MATCH_STRINGS, false);
    return login;
}

void login_start(struct login *login, struct daemon *daemon)
{
    if (login == NULL)
        return;
    login->threads = auth_login_threads(daemon_loop(daemon));
    login_failures_start(login->failures, daemon);
}

void login_stop(struct login *login)
{
    if (login != NULL && login->threads != NULL)
        offload_destroy(&login->threads);
}

/* ---- who we are there ---- */

void login_find_sender(struct login *login, struct session_purpose *purpose, struct arena *arena)
{
    struct address_answer answer;
    struct failure why;

    purpose->sender_login = TABLE_ABSENT;
    if (login == NULL || !login->settings->sender_dependent_authentication || purpose->sender.len == 0)
        return;
    purpose->sender_login = address_lookup(login->passwords, &login->rules, purpose->sender, arena, &answer, &why);
    purpose->sender_password = answer.value;
    /* One sender's session is no other's. */
    if (purpose->sender_login == TABLE_FOUND)
        purpose->key = arena_printf(arena, "%.*s\n%.*s", STR_ARG(purpose->nexthop), STR_ARG(answer.value));
    if (purpose->sender_login != TABLE_UNKNOWN)
        return;
    /* Whose sessions will do is not known: none that is kept. */
    purpose->key = arena_printf(arena, "%.*s\n\n%.*s", STR_ARG(purpose->nexthop), STR_ARG(purpose->queue_id));
    smtp_log_table_trouble(table_list_title(login->passwords), why.text);
}

static enum table_result find_password(struct login *login, const struct smtp_session *session,
                                       const struct session_purpose *purpose, struct arena *arena,
                                       struct str *value_out)
{
    enum table_result result = purpose->sender_login;
    struct failure why;

    if (result == TABLE_FOUND)
        *value_out = purpose->sender_password;
    if (result != TABLE_ABSENT)
        return result;
    result = table_list_find(login->passwords, session->host, TABLE_ANY_KIND, arena, value_out, &why);
    if (result == TABLE_ABSENT)
        result = table_list_find(login->passwords, purpose->nexthop, TABLE_ANY_KIND, arena, value_out, &why);
    if (result == TABLE_UNKNOWN)
        smtp_log_table_trouble(table_list_title(login->passwords), why.text);
    return result;
}

bool login_may_have_password(struct login *login, const struct smtp_session *session,
                             const struct session_purpose *purpose, struct arena *arena)
{
    struct str value;

    return login != NULL && find_password(login, session, purpose, arena, &value) != TABLE_ABSENT;
}

/* Without the delimiter all of it is the user. */
static void split(const struct login *login, struct str value, struct auth_login_options *options)
{
    struct str delimiter = login->settings->sasl_password_result_delimiter;
    size_t place = str_find(value, delimiter);

    options->username = value;
    options->password = STR_EMPTY;
    if (place == STR_NOT_FOUND)
        return;
    options->username = str_part(value, 0, place);
    options->password = str_from(value, place + delimiter.len);
}

/* ---- by which mechanism ---- */

static struct str join(struct arena *arena, const struct strlist *names)
{
    struct str text = STR_EMPTY;

    for (size_t i = 0; i < names->count; i++)
        text = arena_printf(arena, "%.*s%s%.*s", STR_ARG(text), i > 0 ? " " : "", STR_ARG(names->items[i]));
    return text;
}

/* What smtp_sasl_mechanism_filter lets through; a table in it that cannot be asked lets nothing. */
static struct str usable(struct login *login, const struct strlist *offered, struct arena *arena)
{
    struct strlist names = { .count = 0 };
    struct failure why;

    if (match_list_is_empty(login->filter))
        return join(arena, offered);
    for (size_t i = 0; i < offered->count; i++) {
        enum table_result result = match_list_has(login->filter, offered->items[i], &why);

        if (result == TABLE_FOUND)
            strlist_add(&names, arena, offered->items[i]);
        else if (result == TABLE_UNKNOWN)
            smtp_log_table_trouble(STR("sasl_mechanism_filter"), why.text);
    }
    return join(arena, &names);
}

/* ---- the exchange ---- */

static struct dsn_status for_now(const struct login *login, struct dsn_status dsn)
{
    if (login->settings->sasl_auth_soft_bounce && dsn.class == 5)
        dsn.class = 4;
    return dsn;
}

static bool cannot(struct smtp_session *session, const char *text, struct arena *arena, struct trouble *trouble_out)
{
    *trouble_out = trouble_about(arena, session, DSN_STATUS(4, 7, 0),
                                 "SASL authentication failed; cannot authenticate to server %.*s: %s",
                                 STR_ARG(session->name_address), text);
    return false;
}

static bool refused(const struct login *login, struct smtp_session *session, const struct auth_login_options *who,
                    struct arena *arena, struct trouble *trouble_out)
{
    struct str reply = smtp_reply_on_one_line(&session->reply, arena);
    bool is_permanent = smtp_reply_class(&session->reply) == 5;

    *trouble_out = trouble_said_of(arena, session, "SASL authentication failed; server %.*s said: %.*s",
                                   STR_ARG(session->name_address), STR_ARG(reply));
    trouble_out->dsn = for_now(login, trouble_out->dsn);
    if (is_permanent)
        login_failures_add(login->failures, session->host, who->username, who->password, reply);
    return false;
}

/* The line goes out as it is; who reads of it afterwards sees no secret. */
static void say(struct smtp_session *session, struct str shown, struct str line)
{
    history_client_said(session, shown);
    session_write(session, line);
    session_write(session, STR("\r\n"));
}

static void say_auth(struct smtp_session *session, const struct auth_step *step, struct arena *arena)
{
    struct str response = step->response.len > 0 ? step->response : STR("=");
    struct str name = step->mechanism;

    if (step->has_response)
        say(session, arena_printf(arena, "AUTH %.*s <hidden>\r\n", STR_ARG(name)),
            arena_printf(arena, "AUTH %.*s %.*s", STR_ARG(name), STR_ARG(response)));
    else
        say(session, arena_printf(arena, "AUTH %.*s\r\n", STR_ARG(name)),
            arena_printf(arena, "AUTH %.*s", STR_ARG(name)));
}

static bool read_answer(struct smtp_session *session, struct arena *arena, struct trouble *trouble_out)
{
    struct failure why;

    if (session_read_reply(session, session->smtp->settings->helo_timeout, &why))
        return true;
    *trouble_out = trouble_lost(arena, session, &why, "performing the EHLO handshake");
    return false;
}

/* Until the server has said its last word. */
static bool exchange(struct login *login, struct auth_login **exchange, struct smtp_session *session,
                     struct str mechanisms, struct arena *arena, struct trouble *trouble_out)
{
    struct duration limit = seconds(STEP_SECONDS);
    struct auth_step step;
    struct failure why;

    if (!auth_login_start(exchange, login->threads, mechanisms, limit, &step, &why))
        return cannot(session, why.text, arena, trouble_out);
    say_auth(session, &step, arena);
    while (read_answer(session, arena, trouble_out)) {
        struct str challenge = STR_EMPTY;
        size_t place = 0;

        if (session->reply.code != REPLY_CHALLENGE)
            return true;
        (void) smtp_reply_next_line(&session->reply, &place, &challenge);
        if (!auth_login_continue(exchange, login->threads, str_trim(challenge), limit, &step, &why)) {
            /* RFC 4954 section 4: the server hears that nothing comes. */
            say(session, STR("*\r\n"), STR("*"));
            return read_answer(session, arena, trouble_out) && cannot(session, why.text, arena, trouble_out);
        }
        say(session, STR("<hidden>\r\n"), step.response);
    }
    return false;
}

static bool log_in(struct login *login, struct smtp_session *session, const struct auth_login_options *options,
                   struct str mechanisms, struct arena *arena, struct trouble *trouble_out)
{
    struct auth_login *attempt = auth_login_create(options);
    bool is_done = exchange(login, &attempt, session, mechanisms, arena, trouble_out);

    if (attempt != NULL && auth_login_remark(attempt).len > 0)
        smtp_log_login_remark(auth_login_remark(attempt));
    auth_login_destroy(&attempt);
    if (is_done && smtp_reply_class(&session->reply) != 2)
        return refused(login, session, options, arena, trouble_out);
    session->is_logged_in = is_done;
    session->extensions.sends_dummy_auth = is_done && login->settings->send_dummy_mail_auth;
    return is_done;
}

static bool was_refused(struct login *login, struct smtp_session *session, const struct auth_login_options *who,
                        struct arena *arena, struct trouble *trouble_out)
{
    struct str said;
    struct smtp_reply reply;

    if (!login_failures_has(login->failures, session->host, who->username, who->password, arena, &said))
        return false;
    smtp_reply_init(&reply);
    (void) smtp_reply_add_line(&reply, said);
    *trouble_out = trouble_about(arena, session, for_now(login, reply.dsn),
                                 "SASL [CACHED] authentication failed; server %.*s said: %.*s", STR_ARG(session->host),
                                 STR_ARG(said));
    smtp_reply_done(&reply);
    return true;
}

static const struct strlist *security_options(const struct smtp_settings *settings, const struct smtp_session *session)
{
    if (session->tls == NULL)
        return &settings->sasl_security_options;
    return session->tls->is_proven ? &settings->sasl_tls_verified_security_options
                                   : &settings->sasl_tls_security_options;
}

bool login_run(struct login *login, struct smtp_session *session, const struct session_purpose *purpose,
               struct arena *arena, struct trouble *trouble_out)
{
    const struct strlist *offered = &session->extensions.mechanisms;
    struct auth_login_options options = { .service = login->prefix, .host = session->host };
    struct str value, mechanisms;

    if (!session->extensions.has_auth)
        return true;
    switch (find_password(login, session, purpose, arena, &value)) {
    case TABLE_ABSENT:
        return true;
    case TABLE_UNKNOWN:
        *trouble_out = trouble_about(arena, session, DSN_STATUS(4, 3, 0), "local data error while talking to %.*s",
                                     STR_ARG(session->name_address));
        return false;
    case TABLE_FOUND:
        break;
    }
    split(login, value, &options);
    options.names_itself = login->settings->send_cyrus_sasl_authzid;
    options.security = auth_security_of(security_options(login->settings, session));
    mechanisms = usable(login, offered, arena);
    if (mechanisms.len == 0) {
        smtp_log_no_mechanism(session->name_address_port, join(arena, offered));
        *trouble_out = trouble_about(arena, session, DSN_STATUS(4, 7, 0),
                                     "SASL authentication failed: server %.*s offered no compatible authentication "
                                     "mechanisms for this type of connection security",
                                     STR_ARG(session->name_address));
        return false;
    }
    if (was_refused(login, session, &options, arena, trouble_out))
        return false;
    return log_in(login, session, &options, mechanisms, arena, trouble_out);
}
