/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/login.h"

#include "auth/auth_server.h"
#include "config/sasl_service.h"
#include "smtpd/ehlo_keyword.h"
#include "smtpd/log_lines.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

/* Dovecot makes who guesses wait for as long as 17 seconds; in a chain of back ends one may wait for another. */
enum { ANSWER_SECONDS = 20, GREETING_SECONDS = 5 };

bool login_proves(const struct login *login)
{
    return login_is_known(login) && !str_equal_nocase(login->method, STR("ANONYMOUS"));
}

void login_set(struct login *login, struct str username, struct str method)
{
    struct arena *arena = arena_create();

    /* The old one may be what the new one is made of. */
    *login = (struct login){ arena, arena_str(arena, username), arena_str(arena, method) };
}

void login_forget(struct login *login)
{
    arena_destroy(&login->arena);
    *login = (struct login){ 0 };
}

/* "private/sasl": ours, which reads the file that settings name. */
static struct str sasl_place(const struct smtpd *smtpd)
{
    struct str usual = sasl_service_usual(smtpd->main_cf, smtpd->arena);
    struct str name = sasl_service_name(usual, smtpd->settings->sasl.path, smtpd->arena);

    return arena_printf(smtpd->arena, "private/%.*s", STR_ARG(name));
}

static bool open_back_end(struct smtpd *smtpd, struct failure *why)
{
    const struct sasl_settings *settings = &smtpd->settings->sasl;
    bool is_dovecot = settings->type == SASL_DOVECOT;
    struct auth_server_options options = {
        .loop = smtpd->loop,
        .host_lookup = smtpd->host_lookup,
        .place = is_dovecot ? settings->path : sasl_place(smtpd),
        .title = is_dovecot ? "Dovecot auth socket" : "authentication service",
        .timeout = seconds(ANSWER_SECONDS),
        .greeting_timeout = seconds(GREETING_SECONDS),
        .keeps_connections = is_dovecot,
    };
    struct str queue = smtpd->shared->queue_directory;

    /* In the jail a path begins at the queue directory. */
    if (str_starts_with(options.place, STR("unix:")))
        options.place = str_from(options.place, strlen("unix:"));
    if (str_starts_with(options.place, queue) && str_starts_with(str_from(options.place, queue.len), STR("/")))
        options.place = str_from(options.place, queue.len + 1);
    if (!is_dovecot) {
        strlist_add(&options.application, smtpd->arena, settings->path);
        strlist_add(&options.application, smtpd->arena, settings->service);
        strlist_add(&options.application, smtpd->arena, settings->local_domain);
    }
    return auth_server_create(&options, &smtpd->auth_server, why) || failure_prefix(why, "smtpd_sasl_path");
}

bool login_open(struct smtpd *smtpd, struct failure *why)
{
    const struct sasl_settings *settings = &smtpd->settings->sasl;

    smtpd->has_logins = settings->auth_enable && !smtpd->is_standalone;
    if (!smtpd->has_logins)
        return true;
    smtpd->login_exceptions = match_list_open(smtpd->tables, STR("smtpd_sasl_exceptions_networks"),
                                              settings->exceptions_networks, MATCH_HOSTS, false);
    smtpd->login_mechanism_filter = match_list_open(smtpd->tables, STR("smtpd_sasl_mechanism_filter"),
                                                    settings->mechanism_filter, MATCH_STRINGS, false);
    return open_back_end(smtpd, why);
}

void login_close(struct smtpd *smtpd)
{
    auth_server_destroy(&smtpd->auth_server);
}

bool login_is_possible(const struct session *session)
{
    return session->smtpd->has_logins && !(session->discarded_keywords & KEYWORD_AUTH) &&
           (session_is_encrypted(session) || !session->settings->tls_auth_only);
}

bool login_is_announced(struct session *session)
{
    struct match_list *exceptions = session->smtpd->login_exceptions;
    struct failure why;

    if (!login_is_possible(session))
        return false;
    switch (match_list_has_host(exceptions, session->peer.name, session->peer.address, &why)) {
    case TABLE_FOUND:
        return false;
    case TABLE_UNKNOWN:
        log_table_trouble(STR("smtpd_sasl_exceptions_networks"), why.text);
        return true;
    case TABLE_ABSENT:
        break;
    }
    return true;
}

/* What cannot be looked up is not offered. */
static bool passes_filter(struct smtpd *smtpd, struct str name)
{
    struct failure why;

    if (match_list_is_empty(smtpd->login_mechanism_filter))
        return true;
    switch (match_list_has(smtpd->login_mechanism_filter, name, &why)) {
    case TABLE_FOUND:
        return true;
    case TABLE_UNKNOWN:
        log_table_trouble(STR("smtpd_sasl_mechanism_filter"), why.text);
        return false;
    case TABLE_ABSENT:
        break;
    }
    return false;
}

bool login_mechanisms(struct session *session, struct auth_mechanisms *mechanisms_out)
{
    struct smtpd *smtpd = session->smtpd;
    const struct sasl_settings *settings = &session->settings->sasl;
    struct auth_security security =
        auth_security_of(session_is_encrypted(session) ? &settings->tls_security_options : &settings->security_options);
    struct auth_mechanisms offered;
    struct failure why;

    mechanisms_out->count = 0;
    if (!auth_server_mechanisms(smtpd->auth_server, session->command_arena, &offered, &why)) {
        if (why.kind != FAILURE_NONE)
            log_login_trouble(why.text);
        return false;
    }
    for (size_t i = 0; i < offered.count; i++) {
        const struct auth_mechanism *mechanism = &offered.items[i];

        if (auth_security_allows(security, mechanism->traits) && !(mechanism->traits & AUTH_IS_PRIVATE) &&
            passes_filter(smtpd, mechanism->name))
            mechanisms_out->items[mechanisms_out->count++] = *mechanism;
    }
    if (mechanisms_out->count == 0)
        log_no_mechanisms();
    return true;
}
