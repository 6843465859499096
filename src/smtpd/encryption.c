/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/encryption.h"

#include "config/main_cf.h"
#include "daemon/daemon.h"
#include "run/stream.h"
#include "smtpd/answer.h"
#include "smtpd/ehlo_keyword.h"
#include "smtpd/log_lines.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

/* ---- the service ---- */

static void inform(void *context, const char *text)
{
    (void) context;
    log_tls(text);
}

static void warn(void *context, const char *text)
{
    (void) context;
    log_tls_warning(text);
}

static void watch(void *context, const char *path)
{
    daemon_watch_file(context, path);
}

static enum encryption_level level_of(const struct encryption_settings *settings)
{
    if (settings->wrapper_mode)
        return ENCRYPTION_REQUIRED;
    if (settings->security_level > 0)
        return (enum encryption_level)(settings->security_level - 1);
    return settings->enforce ? ENCRYPTION_REQUIRED : settings->use ? ENCRYPTION_MAY : ENCRYPTION_NONE;
}

static enum tls_name_result find_name(void *context, struct str name, struct arena *arena, struct str *pem_out)
{
    struct smtpd *smtpd = context;
    struct failure why;
    struct str value;

    switch (table_list_find(smtpd->encryption.sni_maps, name, TABLE_ANY_KIND, arena, &value, &why)) {
    case TABLE_FOUND:
        if (tls_identity_decode(value, arena, pem_out))
            return TLS_NAME_FOUND;
        log_bad_server_name_value(table_list_title(smtpd->encryption.sni_maps), name);
        return TLS_NAME_BROKEN;
    case TABLE_UNKNOWN:
        log_table_trouble(table_list_title(smtpd->encryption.sni_maps), why.text);
        return TLS_NAME_BROKEN;
    case TABLE_ABSENT:
        break;
    }
    return TLS_NAME_ABSENT;
}

/* The keys of our tickets are those of all processes of the service. */
static struct tls_ticket_source ticket_source(struct smtpd *smtpd)
{
    struct tls_ticket_service *tickets = &smtpd->encryption.tickets;
    const char *path = daemon_service_path(smtpd->daemon, "private", smtpd->shared->tlsmgr_service_name);

    *tickets = (struct tls_ticket_service){
        .tlsmgr = daemon_endpoint(smtpd->daemon, path, &tlsmgr_protocol),
        .name = str_from_c(daemon_service(smtpd->daemon)),
    };
    return (struct tls_ticket_source){ tls_ticket_service_fetch, tickets };
}

static struct tls_server *make_server(struct smtpd *smtpd)
{
    struct encryption *encryption = &smtpd->encryption;
    const struct tls_ticket_source tickets = ticket_source(smtpd);
    const struct encryption_settings *settings = &smtpd->settings->tls;
    bool is_required = encryption->level == ENCRYPTION_REQUIRED;
    const struct str exclusions[] = { settings->exclude_ciphers, settings->mandatory_exclude_ciphers };
    const struct tls_server_options options = {
        .settings = encryption->settings,
        .identity = { .side = "smtpd",
                      .chain_files = settings->chain_files,
                      .certificate_file = settings->certificate_file,
                      .key_file = settings->key_file,
                      .dsa_certificate_file = settings->dsa_certificate_file,
                      .dsa_key_file = settings->dsa_key_file,
                      .ec_certificate_file = settings->ec_certificate_file,
                      .ec_key_file = settings->ec_key_file },
        .authorities = { settings->ca_file, settings->ca_path, encryption->settings->append_default_ca },
        .protocols = is_required ? settings->mandatory_protocols : settings->protocols,
        .ciphers = is_required ? settings->mandatory_ciphers : settings->ciphers,
        .exclusions = exclusions,
        .exclusion_count = is_required ? 2 : 1,
        .dh_file = settings->dh_file,
        .asks_certificate = encryption->asks_certificate,
        .requires_certificate = encryption->requires_certificate,
        .verify_depth = settings->verify_depth,
        .fingerprint_digest = settings->fingerprint_digest,
        .session_lifetime = settings->session_lifetime,
        .session_context = str_from_c(daemon_service(smtpd->daemon)),
        .ticket_source = &tickets,
        .log_level = settings->log_level,
        .opening = watch,
        .opening_context = smtpd->daemon,
        .listener = &encryption->listener,
        .find_name = table_list_is_empty(encryption->sni_maps) ? NULL : find_name,
        .find_context = smtpd,
    };

    return tls_server_create(&options);
}

static bool load_settings(struct smtpd *smtpd, struct failure *why)
{
    void *settings;

    if (!settings_load(&tls_settings_table, smtpd->main_cf, STR_EMPTY, smtpd->arena, &settings, why))
        return false;
    smtpd->encryption.settings = settings;
    return tls_library_open(settings, why);
}

bool encryption_open(struct smtpd *smtpd, struct failure *why)
{
    const struct encryption_settings *settings = &smtpd->settings->tls;
    struct encryption *encryption = &smtpd->encryption;

    encryption->listener = (struct tls_listener){ .inform = inform, .warn = warn };
    if (smtpd->is_standalone)
        return true;
    encryption->level = level_of(settings);
    if (encryption->level == ENCRYPTION_NONE)
        return true;
    encryption->requires_certificate = settings->require_certificate && encryption->level == ENCRYPTION_REQUIRED;
    encryption->asks_certificate = settings->ask_certificate || encryption->requires_certificate;
    if (settings->require_certificate && !encryption->requires_certificate)
        log_tls_warning("Can't require client certs unless TLS is required");
    if (!load_settings(smtpd, why))
        return false;
    encryption->sni_maps =
        table_list_open(smtpd->tables, STR("tls_server_sni_maps"), encryption->settings->server_sni_maps, TABLE_FOLD);
    encryption->server = make_server(smtpd);
    if (encryption->server == NULL && daemon_is_successor(smtpd->daemon))
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "keys and certificates that were in force before stay in force");
    return true;
}

void encryption_close(struct smtpd *smtpd)
{
    tls_server_destroy(&smtpd->encryption.server);
}

/* ---- a session ---- */

bool encryption_is_offered(const struct session *session)
{
    return session->smtpd->encryption.level != ENCRYPTION_NONE && session->tls.facts == NULL &&
           !(session->discarded_keywords & KEYWORD_STARTTLS);
}

bool encryption_is_missing(const struct session *session)
{
    return session->smtpd->encryption.level == ENCRYPTION_REQUIRED && session->tls.facts == NULL;
}

const struct tls_facts *encryption_certificate(const struct session *session)
{
    const struct tls_facts *facts = session->tls.facts;

    return facts != NULL && facts->has_certificate ? facts : NULL;
}

const struct tls_facts *encryption_trusted_certificate(const struct session *session)
{
    const struct tls_facts *facts = encryption_certificate(session);

    return facts != NULL && facts->is_trusted ? facts : NULL;
}

/* Said when the client speaks, who has not heard that anything is wrong before. */
static void judge_certificate(struct session *session)
{
    if (!session->smtpd->encryption.requires_certificate)
        return;
    if (encryption_certificate(session) == NULL)
        session->tls.refusal = "No client certificate presented";
    else if (encryption_trusted_certificate(session) == NULL)
        session->tls.refusal = "Client certificate not trusted";
    if (session->tls.refusal != NULL)
        log_tls_abort(session, session->tls.refusal);
}

bool encryption_refuses(struct session *session)
{
    if (session->tls.refusal == NULL)
        return false;
    answer_send_uncounted(session, arena_printf(session->command_arena, "421 4.7.1 %.*s Error: %s",
                                                STR_ARG(session->smtpd->shared->myhostname), session->tls.refusal));
    return true;
}

static bool begin(struct session *session, enum tls_clear_input clear)
{
    struct encryption *encryption = &session->smtpd->encryption;
    const struct tls_facts *facts;
    bool is_within_limits = true;

    if (tls_server_accept(encryption->server, session->stream, clear, session->settings->tls.handshake_timeout,
                          session->peer.shown, session->arena, &facts))
        session->tls.facts = facts;
    else
        session->end = SESSION_LOST;
    /* A handshake that fails has cost as much as one that does not. */
    if (session->tls.facts == NULL || !session->tls.facts->is_resumed)
        is_within_limits = rates_count_tls_session(session);
    if (session->tls.facts != NULL && is_within_limits)
        judge_certificate(session);
    return session->tls.facts != NULL && is_within_limits;
}

bool encryption_begin(struct session *session)
{
    return begin(session, TLS_CLEAR_DROPPED);
}

bool encryption_begin_wrapped(struct session *session)
{
    if (!session->settings->tls.wrapper_mode || session->smtpd->is_standalone)
        return true;
    if (session->smtpd->encryption.server == NULL)
        log_wrapper_dropped(session);
    else if (!rates_may_begin_tls(session))
        log_tls_refused(session, "TLS service");
    else
        return begin(session, TLS_CLEAR_IS_HANDSHAKE) && !encryption_refuses(session);
    session->end = SESSION_DROPPED;
    return false;
}
