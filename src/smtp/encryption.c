/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/encryption.h"

#include "config/shared_settings.h"
#include "daemon/daemon.h"
#include "delivery/nexthop.h"
#include "smtp/dane.h"
#include "smtp/log_lines.h"
#include "smtp/session.h"
#include "smtp/smtp.h"
#include "smtp/sts.h"
#include "smtp/target.h"
#include "tls/anchors.h"
#include "tls/client.h"
#include "tls/kept_sessions.h"

struct encryption {
    const struct smtp *smtp;
    const struct encryption_settings *settings;
    struct tls_settings *library;
    const char *prefix; /* of parameters */
    enum encryption_level level;
    struct str policies_title;
    struct table_list *policies;
    struct str sites_title;
    struct table_list *sites;
    struct tls_anchors anchors;     /* of smtp_tls_trust_anchor_file */
    bool has_bad_anchors;           /* then nobody can prove a name */
    struct kept_sessions *sessions; /* NULL: none are kept */
    struct tls_session_options session_options;
    struct sts *sts;           /* NULL: no domain is asked for its policy */
    struct tls_client *client; /* NULL: there is no TLS, which has been told */
};

/* ---- of a process ---- */

static void inform(void *context, const char *text)
{
    (void) context;
    smtp_log_tls(text);
}

static void warn(void *context, const char *text)
{
    (void) context;
    smtp_log_tls_warning(text);
}

static void watch(void *context, const char *path)
{
    daemon_watch_file(context, path);
}

static const struct tls_listener listener = { inform, warn, NULL };

static const struct tls_session_options *open_sessions(struct encryption *encryption, const struct smtp *smtp,
                                                       struct daemon *daemon)
{
    const struct encryption_settings *settings = encryption->settings;
    struct endpoint *tlsmgr;

    if (settings->session_cache.len == 0 || settings->session_lifetime.us <= 0)
        return NULL;
    tlsmgr = daemon_endpoint(daemon, daemon_service_path(daemon, "private", daemon_shared(daemon)->tlsmgr_service_name),
                             &tlsmgr_protocol);
    encryption->sessions = kept_sessions_create(smtp->loop, tlsmgr,
                                                smtp->is_lmtp ? TLSMGR_LMTP_SESSIONS : TLSMGR_SMTP_SESSIONS, &listener);
    encryption->session_options = (struct tls_session_options){
        .store = kept_sessions_store(encryption->sessions),
        .name = encryption->prefix,
        .lifetime = settings->session_lifetime,
    };
    return &encryption->session_options;
}

/* RFC 8461 means the authorities that browsers believe: without others they are believed for its sake. */
static struct tls_authorities authorities_of(const struct encryption *encryption)
{
    const struct encryption_settings *settings = encryption->settings;

    return (struct tls_authorities){
        .file = settings->ca_file,
        .directory = settings->ca_path,
        .with_default = encryption->library->append_default_ca ||
                        (settings->sts_enable && settings->ca_file.len == 0 && settings->ca_path.len == 0),
    };
}

static struct tls_client *make_client(struct encryption *encryption, const struct smtp *smtp, struct daemon *daemon)
{
    const struct encryption_settings *settings = encryption->settings;
    const struct tls_client_options options = {
        .settings = encryption->library,
        .identity = { .side = encryption->prefix,
                      .chain_files = settings->chain_files,
                      .certificate_file = settings->cert_file,
                      .key_file = settings->key_file,
                      .dsa_certificate_file = settings->dcert_file,
                      .dsa_key_file = settings->dkey_file,
                      .ec_certificate_file = settings->eccert_file,
                      .ec_key_file = settings->eckey_file },
        .authorities = authorities_of(encryption),
        .verify_depth = settings->verify_depth,
        .fingerprint_digest = settings->fingerprint_digest,
        .log_level = settings->log_level,
        .opening = watch,
        .opening_context = daemon,
        .listener = &listener,
        .sessions = open_sessions(encryption, smtp, daemon),
    };

    return tls_client_create(&options);
}

static bool read_library(struct encryption *encryption, struct daemon *daemon, struct failure *why)
{
    void *settings;

    if (!settings_load(&tls_settings_table, daemon_main_cf(daemon), str_from_c(daemon_service(daemon)),
                       daemon_arena(daemon), &settings, why))
        return false;
    encryption->library = settings;
    return tls_library_open(encryption->library, why);
}

/* One that cannot be used makes all of them unusable: who is believed is known in full, or not at all. */
static void read_anchors(struct encryption *encryption, struct daemon *daemon)
{
    struct arena *arena = daemon_arena(daemon);
    struct strlist files = strlist_split(arena, encryption->settings->trust_anchor_file, ", \t\r\n");
    struct failure why;

    for (size_t i = 0; i < files.count; i++) {
        const char *path = arena_c(arena, files.items[i]);

        daemon_watch_file(daemon, path);
        if (tls_anchors_read(&encryption->anchors, path, arena, &why))
            continue;
        smtp_log_bad_anchors(encryption->prefix, why.text);
        encryption->has_bad_anchors = true;
    }
}

/* Where our TLS cannot be used, too: then mail waits whose domain demands it. */
static bool open_sts(struct encryption *encryption, struct daemon *daemon, struct failure *why)
{
    struct tls_authorities authorities;

    if (encryption->library == NULL)
        return true;
    authorities = authorities_of(encryption);
    return sts_open(encryption->smtp, encryption->level, &authorities, &listener, daemon, &encryption->sts, why);
}

bool encryption_open(const struct smtp *smtp, struct daemon *daemon, struct encryption **out, struct failure *why)
{
    const struct encryption_settings *settings = &smtp->settings->tls;
    enum encryption_level level = encryption_level_of(settings);
    struct encryption *encryption;

    *out = NULL;
    if (settings->sts_enable &&
        (level == ENCRYPTION_NONE || level > ENCRYPTION_DANE || level == ENCRYPTION_FINGERPRINT))
        smtp_log_sts_of_no_use(level == ENCRYPTION_NONE);
    if (level == ENCRYPTION_NONE && settings->policy_maps.len == 0 && settings->per_site.len == 0 &&
        !settings->wrapper_mode && !settings->note_starttls_offer)
        return true;
    encryption = arena_new(daemon_arena(daemon), struct encryption);
    encryption->smtp = smtp;
    encryption->settings = settings;
    encryption->prefix = smtp->is_lmtp ? "lmtp" : "smtp";
    encryption->level = level;
    encryption->policies_title = arena_printf(daemon_arena(daemon), "%s_tls_policy_maps", encryption->prefix);
    encryption->policies =
        table_list_open(smtp->tables.set, encryption->policies_title, settings->policy_maps, TABLE_FOLD);
    encryption->sites_title = arena_printf(daemon_arena(daemon), "%s_tls_per_site", encryption->prefix);
    encryption->sites = table_list_open(smtp->tables.set, encryption->sites_title, settings->per_site, TABLE_FOLD);
    if (level != ENCRYPTION_NONE || settings->policy_maps.len > 0 || settings->per_site.len > 0) {
        if (!read_library(encryption, daemon, why))
            return false;
        read_anchors(encryption, daemon);
        encryption->client = make_client(encryption, smtp, daemon);
        if ((encryption->client == NULL || encryption->has_bad_anchors) && daemon_is_successor(daemon)) {
            encryption_close(encryption);
            return failure_set(why, FAILURE_CONFIGURATION, 0,
                               "keys and certificates that were in force before stay in force");
        }
    }
    *out = encryption;
    return open_sts(encryption, daemon, why);
}

void encryption_close(struct encryption *encryption)
{
    if (encryption == NULL)
        return;
    sts_close(encryption->sts);
    tls_client_destroy(&encryption->client);
    kept_sessions_destroy(&encryption->sessions);
}

/* ---- what is demanded ---- */

/* The next hop as it is written; of a plain domain then ".example.com" for those below it. */
static enum table_result look_up(struct encryption *encryption, struct str nexthop, struct arena *arena,
                                 struct str *text_out, struct failure *why)
{
    enum table_result result = table_list_find(encryption->policies, nexthop, TABLE_ANY_KIND, arena, text_out, why);
    size_t dot;

    if (result != TABLE_ABSENT || !str_equal(nexthop, nexthop_name(nexthop)))
        return result;
    for (struct str rest = nexthop; (dot = str_find_char(rest, '.')) != STR_NOT_FOUND; rest = str_from(rest, dot + 1)) {
        result = table_list_find(encryption->policies, str_from(rest, dot), TABLE_FIXED, arena, text_out, why);
        if (result != TABLE_ABSENT)
            return result;
    }
    return TABLE_ABSENT;
}

static bool find_site(struct encryption *encryption, struct str site, struct arena *arena, struct str *word_out)
{
    struct failure why;

    *word_out = STR_EMPTY;
    if (table_list_find(encryption->sites, site, TABLE_ANY_KIND, arena, word_out, &why) != TABLE_UNKNOWN)
        return true;
    smtp_log_table_trouble(encryption->sites_title, why.text);
    return false;
}

static bool misconfigured(struct arena *arena, struct trouble *trouble_out)
{
    *trouble_out = trouble_local(arena, DSN_STATUS(4, 7, 5), "client TLS configuration problem");
    return false;
}

static bool read_sites(struct encryption *encryption, struct str nexthop, struct str host, struct arena *arena,
                       struct encryption_policy *policy_out, struct trouble *trouble_out)
{
    struct str by_nexthop, by_host;
    enum encryption_level level;
    struct failure why;

    if (table_list_is_empty(encryption->sites))
        return true;
    if (!find_site(encryption, nexthop, arena, &by_nexthop) || !find_site(encryption, host, arena, &by_host)) {
        *trouble_out = trouble_local(arena, DSN_STATUS(4, 3, 0), "Temporary lookup error");
        return false;
    }
    if (!encryption_level_of_site(by_nexthop, by_host, encryption->level, &level, &why)) {
        smtp_log_bad_policy(encryption->sites_title, nexthop, why.text);
        return misconfigured(arena, trouble_out);
    }
    if (level != encryption->level)
        *policy_out = encryption_policy_at(encryption->settings, level, arena);
    policy_out->is_from_table = by_nexthop.len > 0 || by_host.len > 0;
    return true;
}

static bool read_policy(struct encryption *encryption, struct str nexthop, struct str host, struct arena *arena,
                        struct encryption_policy *policy_out, struct trouble *trouble_out)
{
    struct failure why;
    struct str text;

    *policy_out = encryption_policy_at(encryption->settings, encryption->level, arena);
    if (table_list_is_empty(encryption->policies))
        return read_sites(encryption, nexthop, host, arena, policy_out, trouble_out);
    switch (look_up(encryption, nexthop, arena, &text, &why)) {
    case TABLE_ABSENT:
        return true;
    case TABLE_FOUND:
        if (encryption_policy_parse(encryption->settings, text, arena, policy_out, &why)) {
            policy_out->is_from_table = true;
            return true;
        }
        break;
    case TABLE_UNKNOWN:
        smtp_log_table_trouble(encryption->policies_title, why.text);
        (void) failure_set(&why, FAILURE_RETRY, 0, "policy table lookup error");
        break;
    }
    smtp_log_bad_policy(encryption->policies_title, nexthop, why.text);
    return misconfigured(arena, trouble_out);
}

static bool can_be_proven(const struct encryption *encryption, const struct encryption_policy *policy,
                          struct str nexthop, struct arena *arena, struct trouble *trouble_out)
{
    if (policy->level >= ENCRYPTION_VERIFY && encryption->has_bad_anchors)
        return misconfigured(arena, trouble_out); /* which was told when they were read */
    if (!encryption_policy_needs_match(policy) || policy->match.count > 0)
        return true;
    smtp_log_nothing_to_match(nexthop, policy->level == ENCRYPTION_FINGERPRINT);
    return misconfigured(arena, trouble_out);
}

bool encryption_find(struct encryption *encryption, const struct session_purpose *purpose, const struct target *target,
                     struct arena *arena, struct encryption_policy *policy_out, struct trouble *trouble_out)
{
    *policy_out = (struct encryption_policy){ .level = ENCRYPTION_NONE };
    if (encryption == NULL)
        return true;
    if (!read_policy(encryption, purpose->nexthop, target->host, arena, policy_out, trouble_out) ||
        !can_be_proven(encryption, policy_out, purpose->nexthop, arena, trouble_out)) {
        smtp_log_policy_failed(purpose->nexthop, target->host, trouble_out->text);
        return false;
    }
    if (!dane_decide(encryption->smtp, encryption->client, purpose->nexthop, target, arena, policy_out, trouble_out))
        return false;
    if (!sts_decide(encryption->sts, purpose->nexthop, target, arena, policy_out, trouble_out))
        return false;
    /* It may have been raised. */
    if (!can_be_proven(encryption, policy_out, purpose->nexthop, arena, trouble_out)) {
        smtp_log_policy_failed(purpose->nexthop, target->host, trouble_out->text);
        return false;
    }
    if (encryption->settings->wrapper_mode && policy_out->level < ENCRYPTION_ENCRYPT) {
        smtp_log_weak_wrapper(encryption->prefix);
        *trouble_out = trouble_local(arena, DSN_STATUS(4, 3, 0), "server unavailable or unable to receive mail");
        return false;
    }
    return true;
}

/* ---- with a server ---- */

static enum tls_proof proof_at(enum encryption_level level)
{
    switch (level) {
    case ENCRYPTION_NONE:
    case ENCRYPTION_MAY:
    case ENCRYPTION_ENCRYPT:
        break;
    case ENCRYPTION_FINGERPRINT:
        return TLS_PROOF_FINGERPRINT;
    case ENCRYPTION_DANE:
    case ENCRYPTION_DANE_ONLY:
        return TLS_PROOF_DANE;
    case ENCRYPTION_VERIFY:
    case ENCRYPTION_SECURE:
        return TLS_PROOF_NAME;
    }
    return TLS_PROOF_NONE;
}

static struct str server_name(const struct encryption_policy *policy, const struct smtp_session *session)
{
    if (str_equal_nocase(policy->server_name, STR("nexthop")))
        return nexthop_name(session->nexthop);
    return str_equal_nocase(policy->server_name, STR("hostname")) ? session->host : policy->server_name;
}

/* Sessions of one server are found again by all who go there for the same next hop. */
static struct str session_title(const struct smtp_session *session, struct arena *arena)
{
    return arena_printf(arena, "%.*s&%.*s&%.*s&%.*s&", STR_ARG(session->smtp->service), STR_ARG(session->nexthop),
                        STR_ARG(session->host), STR_ARG(session->address));
}

/* Whom the key of a sender's own login names (see login_find_sender), without the password. */
static struct str session_owner(const struct smtp_session *session)
{
    struct str nexthop, login, user, rest;

    if (!str_cut(session->key, '\n', &nexthop, &login))
        return STR_EMPTY;
    (void) str_cut(login, ':', &user, &rest);
    return user;
}

/* RFC 7672 section 8.1: the name to ask for is the records'. */
static void demand_dane(struct tls_demand *demand, const struct encryption_policy *policy)
{
    demand->tlsa_records = policy->tlsa_records;
    demand->tlsa_count = policy->tlsa_count;
    demand->names = policy->tlsa_names;
    demand->server_name = policy->tlsa_names.items[0];
    demand->is_host_unsure = policy->is_host_unsure;
}

/* By the anchors alone, if there are any: they are as a host's TLSA records of usage 2 would be. */
static void demand_names(struct tls_demand *demand, const struct encryption *encryption,
                         const struct encryption_policy *policy, const struct smtp_session *session,
                         struct arena *arena)
{
    demand->names = encryption_match_names(&policy->match, nexthop_name(session->nexthop), session->host, arena);
    if (encryption->anchors.count == 0)
        return;
    demand->proof = TLS_PROOF_DANE;
    demand->tlsa_records = encryption->anchors.records;
    demand->tlsa_count = encryption->anchors.count;
}

/* As if it were in force; only that nobody is sent away for it. */
static void demand_what_is_tested(struct tls_demand *demand, const struct smtp_session *session, struct arena *arena)
{
    demand->proof = TLS_PROOF_NAME;
    demand->is_only_tested = true;
    demand->names = (struct strlist){ .count = 0 };
    strlist_add(&demand->names, arena, session->host);
    demand->server_name = session->host;
}

static bool shake_hands(struct encryption *encryption, struct smtp_session *session,
                        const struct encryption_policy *policy, struct arena *arena, struct trouble *trouble_out)
{
    struct tls_demand demand = {
        .protocols = policy->protocols,
        .ciphers = policy->ciphers,
        .exclusions = policy->exclusions,
        .exclusion_count = policy->exclusion_count,
        .server_name = server_name(policy, session),
        .proof = proof_at(policy->level),
        .session_title = session_title(session, arena),
        .session_owner = session_owner(session),
    };

    if (demand.proof == TLS_PROOF_FINGERPRINT)
        demand.fingerprints = policy->match;
    else if (demand.proof == TLS_PROOF_DANE)
        demand_dane(&demand, policy);
    else if (demand.proof == TLS_PROOF_NAME)
        demand_names(&demand, encryption, policy, session, arena);
    else if (policy->is_sts_tested)
        demand_what_is_tested(&demand, session, arena);
    if (!tls_client_connect(encryption->client, &demand, session->stream, encryption->settings->starttls_timeout,
                            session->name_address_port, session->arena, &session->tls)) {
        session->is_broken = true;
        session->has_failed_handshake = true;
        *trouble_out = trouble_about(arena, session, DSN_STATUS(4, 7, 5), "Cannot start TLS: handshake failure");
        return false;
    }
    if (tls_demand_is_met(&demand, session->tls))
        return true;
    if (policy->is_sts_tested) {
        sts_tell_tested(policy, session, "its certificate is not verified");
        return true;
    }
    *trouble_out = trouble_about(arena, session, DSN_STATUS(4, 7, 5), "Server certificate not verified");
    return false;
}

static bool no_engine(struct smtp_session *session, struct arena *arena, struct trouble *trouble_out)
{
    *trouble_out =
        trouble_about(arena, session, DSN_STATUS(4, 7, 5), "TLS is required, but our TLS engine is unavailable");
    return false;
}

bool encryption_wrap(struct encryption *encryption, struct smtp_session *session,
                     const struct encryption_policy *policy, struct arena *arena, struct trouble *trouble_out)
{
    if (encryption == NULL || !encryption->settings->wrapper_mode)
        return true;
    if (encryption->client == NULL) {
        session->is_broken = true;
        return no_engine(session, arena, trouble_out);
    }
    return shake_hands(encryption, session, policy, arena, trouble_out);
}

/* The server has not begun, as its reply says. */
static bool refused(struct smtp_session *session, const struct encryption_policy *policy, struct arena *arena,
                    struct trouble *trouble_out)
{
    struct str reply;

    sts_tell_tested(policy, session, "refuses STARTTLS");
    if (policy->level < ENCRYPTION_ENCRYPT)
        return true;
    reply = smtp_reply_on_one_line(&session->reply, arena);
    /* What the domain itself has said outweighs an answer in clear, which anybody may have given (RFC 7672 section 2.2,
     * RFC 8461 section 5.1). */
    if (smtp_reply_class(&session->reply) != 4 &&
        (policy->level == ENCRYPTION_DANE || policy->level == ENCRYPTION_DANE_ONLY || policy->sts_patterns.count > 0)) {
        *trouble_out = trouble_about(arena, session, DSN_STATUS(4, 7, 4),
                                     "TLS is required, but host %.*s refused to start TLS: %.*s",
                                     STR_ARG(session->name_address), STR_ARG(reply));
        return false;
    }
    *trouble_out = trouble_said_of(arena, session, "TLS is required, but host %.*s refused to start TLS: %.*s",
                                   STR_ARG(session->name_address), STR_ARG(reply));
    return false;
}

static bool ask(struct encryption *encryption, struct smtp_session *session, const struct encryption_policy *policy,
                struct arena *arena, bool *has_begun_out, struct trouble *trouble_out)
{
    struct failure why;

    session_command(session, "STARTTLS");
    if (!session_read_reply(session, encryption->settings->starttls_timeout, &why)) {
        *trouble_out = trouble_lost(arena, session, &why, "receiving the STARTTLS response");
        return false;
    }
    if (smtp_reply_class(&session->reply) != 2)
        return refused(session, policy, arena, trouble_out);
    *has_begun_out = true;
    return shake_hands(encryption, session, policy, arena, trouble_out);
}

bool encryption_start(struct encryption *encryption, struct smtp_session *session,
                      const struct encryption_policy *policy, struct arena *arena, bool *has_begun_out,
                      struct trouble *trouble_out)
{
    bool is_offered = (session->extensions.offered & SMTP_EXTENSION_STARTTLS) != 0;

    *has_begun_out = false;
    if (encryption == NULL || session->tls != NULL)
        return true;
    if (policy->level == ENCRYPTION_NONE) {
        if (is_offered && encryption->settings->note_starttls_offer)
            smtp_log_starttls_offer(session->host);
        return true;
    }
    if (is_offered && encryption->client != NULL)
        return ask(encryption, session, policy, arena, has_begun_out, trouble_out);
    if (!is_offered)
        sts_tell_tested(policy, session, "offers no STARTTLS");
    if (policy->level < ENCRYPTION_ENCRYPT)
        return true;
    if (is_offered)
        return no_engine(session, arena, trouble_out);
    *trouble_out = trouble_about(arena, session, DSN_STATUS(4, 7, 4),
                                 "TLS is required, but was not offered by host %.*s", STR_ARG(session->name_address));
    return false;
}

void encryption_note_reuse(const struct encryption *encryption, const struct smtp_session *session)
{
    if (encryption != NULL && encryption->client != NULL && session->tls != NULL)
        tls_client_note_reuse(encryption->client, session->tls, session->name_address_port);
}
