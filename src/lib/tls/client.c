/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/client.h"

#include "base/memory.h"
#include "run/loop.h"
#include "run/stream.h"
#include "tls/connection.h"
#include "tls/dane.h"
#include "tls/sessions.h"

#include <errno.h>
#include <openssl/x509v3.h>
#include <string.h>

enum {
    LOG_SUMMARY = 1,
    LOG_DETAILS = 2,
    EXCLUSIONS_MAXIMUM = 8,
};

struct tls_client {
    SSL_CTX *context;
    const struct tls_settings *settings;
    const struct tls_listener *listener;
    struct tls_facts_options facts;
    struct arena *arena;
    int log_level;
    int usual_security;              /* OpenSSL's own level */
    struct tls_dane_digests digests; /* none: there is no DANE */
    const struct tls_session_options *sessions;
    void (*inspect)(void *context, SSL *connection, const struct tls_facts *facts);
    void *inspect_context;
    struct str digest; /* of what is shown and believed */
};

/* What callbacks of OpenSSL know of the handshake that they are in. */
struct handshake {
    const struct tls_client *client;
    const struct tls_demand *demand;
    struct str peer;
    struct str dane_match; /* how a TLSA record was met; empty: none was */
};

/* ---- callbacks: they tell, and never wait ---- */

static int note_certificate(int is_good, X509_STORE_CTX *store)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    const struct handshake *handshake = SSL_get_app_data(ssl);
    X509 *certificate = X509_STORE_CTX_get_current_cert(store);
    char subject[300] = "";

    if (handshake == NULL || handshake->client->log_level < LOG_DETAILS || certificate == NULL)
        return 1;
    X509_NAME_oneline(X509_get_subject_name(certificate), subject, sizeof subject);
    tls_inform(handshake->client->listener, "%.*s: depth=%d verify=%d subject=%s", STR_ARG(handshake->peer),
               X509_STORE_CTX_get_error_depth(store), is_good, subject);
    return 1;
}

static void note_state(const SSL *ssl, int where, int result)
{
    const struct handshake *handshake = SSL_get_app_data(ssl);

    if (handshake == NULL)
        return;
    if (where & SSL_CB_LOOP)
        tls_inform(handshake->client->listener, "SSL_connect:%s", SSL_state_string_long(ssl));
    else if (where & SSL_CB_ALERT)
        tls_inform(handshake->client->listener, "SSL3 alert %s:%s:%s", where & SSL_CB_READ ? "read" : "write",
                   SSL_alert_type_string_long(result), SSL_alert_desc_string_long(result));
    else if ((where & SSL_CB_EXIT) && result == 0)
        tls_inform(handshake->client->listener, "SSL_connect:failed in %s", SSL_state_string_long(ssl));
}

/* ---- making ---- */

static bool set_digest(struct tls_client *client, const struct tls_client_options *options)
{
    client->facts = (struct tls_facts_options){
        .digest = EVP_get_digestbyname(arena_c(client->arena, options->fingerprint_digest)),
        .has_legacy_key_fingerprints = options->settings->legacy_public_key_fingerprints,
    };
    if (client->facts.digest != NULL)
        return true;
    tls_warn(client->listener, "Digest algorithm \"%.*s\" not found", STR_ARG(options->fingerprint_digest));
    tls_warn(client->listener, "disabling TLS support");
    return false;
}

static bool set_groups(struct tls_client *client, const struct tls_settings *settings)
{
    struct str list = tls_groups(settings, client->listener, client->arena);

    tls_library_begin();
    if (list.len == 0 || SSL_CTX_set1_groups_list(client->context, arena_c(client->arena, list)) == 1)
        return true;
    tls_warn(client->listener, "unable to use curves \"%.*s\": disabling TLS support", STR_ARG(list));
    tls_library_warn_errors(client->listener);
    return false;
}

/* Without it there is no DANE; all else is as it was. */
static void set_dane(struct tls_client *client, const struct tls_settings *settings)
{
    tls_dane_digests_parse(settings->dane_digests, client->listener, &client->digests);
    if (client->digests.count > 0 && tls_dane_allow(&client->digests, client->context))
        return;
    tls_warn(client->listener, "tls_dane_digests: there is none that can be used: disabling DANE support");
    tls_library_warn_errors(client->listener);
    client->digests.count = 0;
}

static bool set_up(struct tls_client *client, const struct tls_client_options *options)
{
    /* A server must not become another one after it has been judged. */
    SSL_CTX_set_options(client->context, tls_library_options(options->settings, client->listener) |
                                             SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    client->usual_security = SSL_CTX_get_security_level(client->context);
    SSL_CTX_set_security_level(client->context, 0);
    SSL_CTX_set_read_ahead(client->context, 1);
    if (client->sessions != NULL)
        tls_sessions_attach(client->context);
    else
        SSL_CTX_set_session_cache_mode(client->context, SSL_SESS_CACHE_OFF);
    if (!set_digest(client, options) ||
        !tls_authorities_load(&options->authorities, client->context, options->opening, options->opening_context,
                              client->listener) ||
        (tls_identity_is_given(&options->identity) &&
         !tls_identity_load(&options->identity, client->context, options->opening, options->opening_context,
                            client->listener)) ||
        !set_groups(client, options->settings))
        return false;
    set_dane(client, options->settings);
    SSL_CTX_set_verify(client->context, SSL_VERIFY_NONE, note_certificate);
    SSL_CTX_set_verify_depth(client->context, options->verify_depth + 1);
    if (client->log_level >= LOG_DETAILS)
        SSL_CTX_set_info_callback(client->context, note_state);
    if (client->sessions != NULL)
        client->digest = tls_context_digest(client->context, client->arena);
    return true;
}

struct tls_client *tls_client_create(const struct tls_client_options *options)
{
    struct tls_client *client = memory_alloc(sizeof *client);

    *client = (struct tls_client){
        .context = SSL_CTX_new(TLS_client_method()),
        .settings = options->settings,
        .listener = options->listener,
        .arena = arena_create(),
        .log_level = options->log_level,
        .sessions = options->sessions,
        .inspect = options->inspect,
        .inspect_context = options->inspect_context,
    };
    if (client->log_level >= LOG_DETAILS)
        tls_inform(client->listener, "initializing the client-side TLS engine");
    if (client->context == NULL) {
        tls_warn(client->listener, "cannot allocate client SSL_CTX: disabling TLS support");
        tls_library_warn_errors(client->listener);
        tls_client_destroy(&client);
    } else if (!set_up(client, options)) {
        tls_client_destroy(&client);
    }
    tls_library_begin();
    return client;
}

void tls_client_destroy(struct tls_client **pointer)
{
    struct tls_client *client = *pointer;

    if (client == NULL)
        return;
    SSL_CTX_free(client->context);
    arena_destroy(&client->arena);
    memory_free(client);
    *pointer = NULL;
}

const struct tls_dane_digests *tls_client_dane(const struct tls_client *client)
{
    return client->digests.count > 0 ? &client->digests : NULL;
}

/* ---- what is demanded of a connection ---- */

static bool demand_protocols(const struct handshake *handshake, SSL *ssl)
{
    struct tls_protocols protocols;

    if (!tls_protocols_parse(handshake->demand->protocols, &protocols)) {
        tls_warn(handshake->client->listener, "%.*s: Invalid TLS protocol list \"%.*s\": aborting TLS session",
                 STR_ARG(handshake->peer), STR_ARG(handshake->demand->protocols));
        return false;
    }
    if (SSL_set_min_proto_version(ssl, protocols.lowest) != 1 ||
        SSL_set_max_proto_version(ssl, protocols.highest) != 1) {
        tls_warn(handshake->client->listener, "%.*s: error setting the TLS versions \"%.*s\"", STR_ARG(handshake->peer),
                 STR_ARG(handshake->demand->protocols));
        return false;
    }
    SSL_set_options(ssl, protocols.excluded);
    return true;
}

static bool demand_ciphers(const struct handshake *handshake, SSL *ssl, struct arena *arena)
{
    const struct tls_demand *demand = handshake->demand;
    const struct tls_listener *listener = handshake->client->listener;
    struct str exclusions[EXCLUSIONS_MAXIMUM], list;
    size_t count = 0;

    while (count < demand->exclusion_count && count < EXCLUSIONS_MAXIMUM - 1) {
        exclusions[count] = demand->exclusions[count];
        count++;
    }
    /* Who is to prove who he is does so by a certificate. */
    if (demand->proof != TLS_PROOF_NONE && !demand->is_only_tested)
        exclusions[count++] = STR("aNULL");
    if (!tls_ciphers_of_grade(handshake->client->settings, demand->ciphers, exclusions, count, arena, &list)) {
        tls_warn(listener, "%.*s: invalid cipher grade: \"%.*s\"", STR_ARG(handshake->peer), STR_ARG(demand->ciphers));
        return false;
    }
    if (SSL_set_cipher_list(ssl, arena_c(arena, list)) != 1) {
        tls_warn(listener, "%.*s: error setting cipher list \"%.*s\"", STR_ARG(handshake->peer), STR_ARG(list));
        tls_library_warn_errors(listener);
        return false;
    }
    if (handshake->client->log_level >= LOG_DETAILS)
        tls_inform(listener, "%.*s: TLS cipher list \"%.*s\"", STR_ARG(handshake->peer), STR_ARG(list));
    return true;
}

static bool demand_names(const struct handshake *handshake, SSL *ssl, struct arena *arena)
{
    const struct tls_demand *demand = handshake->demand;
    unsigned flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;

    if (demand->server_name.len > 0) {
        if (SSL_set_tlsext_host_name(ssl, arena_c(arena, demand->server_name)) != 1)
            return false;
        if (handshake->client->log_level >= LOG_DETAILS)
            tls_inform(handshake->client->listener, "%.*s: SNI hostname: %.*s", STR_ARG(handshake->peer),
                       STR_ARG(demand->server_name));
    }
    if (demand->proof != TLS_PROOF_NAME)
        return true;
    /* Weak keys and digests prove nothing. */
    if (!demand->is_only_tested)
        SSL_set_security_level(ssl, handshake->client->usual_security);
    if (handshake->client->settings->wildcard_matches_multiple_labels)
        flags |= X509_CHECK_FLAG_MULTI_LABEL_WILDCARDS;
    SSL_set_hostflags(ssl, flags);
    for (size_t i = 0; i < demand->names.count; i++) {
        if (SSL_add1_host(ssl, arena_c(arena, demand->names.items[i])) != 1)
            return false;
    }
    return true;
}

static bool demand_records(const struct handshake *handshake, SSL *ssl, struct arena *arena)
{
    const struct tls_demand *demand = handshake->demand;

    if (demand->proof != TLS_PROOF_DANE)
        return true;
    SSL_set_security_level(ssl, handshake->client->usual_security);
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return handshake->client->digests.count > 0 &&
           tls_dane_demand(&handshake->client->digests, ssl, demand->tlsa_records, demand->tlsa_count, &demand->names,
                           arena);
}

static bool demand_all(const struct handshake *handshake, SSL *ssl, struct arena *arena)
{
    tls_library_begin();
    if (demand_protocols(handshake, ssl) && demand_ciphers(handshake, ssl, arena) &&
        demand_names(handshake, ssl, arena) && demand_records(handshake, ssl, arena))
        return true;
    tls_library_warn_errors(handshake->client->listener);
    return false;
}

/* ---- what has come of it ---- */

static bool has_fingerprint(const struct tls_demand *demand, const struct tls_facts *facts)
{
    return facts->has_certificate && (strlist_contains_nocase(&demand->fingerprints, facts->fingerprint) ||
                                      strlist_contains_nocase(&demand->fingerprints, facts->key_fingerprint));
}

static void judge(const struct tls_demand *demand, SSL *ssl, struct tls_facts *facts)
{
    switch (demand->proof) {
    case TLS_PROOF_NONE:
        break;
    case TLS_PROOF_FINGERPRINT:
        facts->is_proven = has_fingerprint(demand, facts);
        facts->is_trusted = facts->is_proven;
        facts->verify_error = facts->is_proven ? X509_V_OK : X509_V_ERR_DANE_NO_MATCH;
        break;
    case TLS_PROOF_NAME:
        facts->is_proven = facts->has_certificate && facts->is_trusted && demand->names.count > 0;
        break;
    case TLS_PROOF_DANE:
        facts->is_trusted = facts->has_certificate && facts->is_trusted &&
                            (facts->is_resumed || SSL_get0_dane_authority(ssl, NULL, NULL) >= 0);
        /* What the name of a host rests on is no proof, if nobody has proved that. */
        facts->is_proven = facts->is_trusted && !demand->is_host_unsure;
        break;
    }
}

bool tls_demand_is_met(const struct tls_demand *demand, const struct tls_facts *facts)
{
    return demand->proof == TLS_PROOF_NONE || facts->is_proven || (demand->is_host_unsure && facts->is_trusted);
}

static void tell_distrust(const struct handshake *handshake, const struct tls_facts *facts, struct arena *arena)
{
    struct str text;

    if (facts->verify_error == X509_V_ERR_HOSTNAME_MISMATCH || facts->verify_error == X509_V_ERR_IP_ADDRESS_MISMATCH ||
        facts->verify_error == X509_V_ERR_DANE_NO_MATCH)
        text =
            arena_printf(arena, "num=%ld:%s", facts->verify_error, X509_verify_cert_error_string(facts->verify_error));
    else
        text = tls_facts_distrust(facts, arena);
    tls_inform(handshake->client->listener, "%scertificate verification failed for %.*s: %.*s",
               str_starts_with(text, STR("untrusted issuer")) ? "" : "server ", STR_ARG(handshake->peer),
               STR_ARG(text));
}

static void tell_peer(const struct handshake *handshake, const struct tls_facts *facts)
{
    const struct tls_listener *listener = handshake->client->listener;

    if (handshake->client->log_level < LOG_DETAILS)
        return;
    if (facts->is_resumed)
        tls_inform(listener, "%.*s: Reusing old session", STR_ARG(handshake->peer));
    if (!facts->has_certificate)
        return;
    if (facts->proven_name.len > 0 && !facts->is_resumed)
        tls_inform(listener, "%.*s: matched peername: %.*s", STR_ARG(handshake->peer), STR_ARG(facts->proven_name));
    if (handshake->dane_match.len > 0)
        tls_inform(listener, "%.*s: %.*s", STR_ARG(handshake->peer), STR_ARG(handshake->dane_match));
    tls_inform(listener, "%.*s: subject_CN=%.*s, issuer_CN=%.*s, fingerprint=%.*s, pkey_fingerprint=%.*s",
               STR_ARG(handshake->peer), STR_ARG(facts->common_name), STR_ARG(facts->issuer_common_name),
               STR_ARG(facts->fingerprint), STR_ARG(facts->key_fingerprint));
}

static void tell_summary(const struct tls_client *client, const struct tls_facts *facts, const char *what,
                         struct str peer, struct arena *arena)
{
    struct str summary = tls_facts_summary(facts, arena);

    tls_inform(client->listener, "%s TLS connection %s to %.*s: %.*s",
               facts->is_proven ? "Verified" : tls_facts_trust(facts), what, STR_ARG(peer), STR_ARG(summary));
}

void tls_client_note_reuse(const struct tls_client *client, const struct tls_facts *facts, struct str peer)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();

    if (client->log_level >= LOG_SUMMARY)
        tell_summary(client, facts, "reused", peer, arena);
}

static void tell_success(const struct handshake *handshake, const struct tls_facts *facts, struct arena *arena)
{
    tell_peer(handshake, facts);
    if (handshake->client->log_level < LOG_SUMMARY)
        return;
    if (facts->has_certificate && !tls_demand_is_met(handshake->demand, facts))
        tell_distrust(handshake, facts, arena);
    tell_summary(handshake->client, facts, "established", handshake->peer, arena);
}

static void tell_failure(const struct handshake *handshake, const struct failure *why)
{
    const char *reason = why->text;

    if (why->kind == FAILURE_TIMEOUT)
        reason = strerror(ETIMEDOUT);
    else if (why->error != 0)
        reason = why->error == ECONNRESET || why->error == EPIPE ? "lost connection" : strerror(why->error);
    tls_inform(handshake->client->listener, "SSL_connect error to %.*s: %s", STR_ARG(handshake->peer), reason);
    tls_library_warn_errors(handshake->client->listener);
}

/* ---- a handshake ---- */

static const struct tls_facts *collect(const struct handshake *handshake, SSL *ssl, struct arena *arena)
{
    struct tls_facts *facts = arena_new(arena, struct tls_facts);
    const char *name;

    *facts = *tls_facts_collect(ssl, &handshake->client->facts, arena);
    judge(handshake->demand, ssl, facts);
    name = facts->is_proven ? SSL_get0_peername(ssl) : NULL;
    facts->proven_name = arena_str(arena, str_from_c(name != NULL ? name : ""));
    return facts;
}

static void prepare_session(const struct handshake *handshake, SSL *ssl, struct arena *arena)
{
    const struct tls_client *client = handshake->client;
    const struct tls_demand *demand = handshake->demand;

    if (client->sessions != NULL && demand->session_title.len > 0)
        tls_session_prepare(ssl, client->sessions, tls_session_id(demand, client->digest, arena),
                            demand->proof != TLS_PROOF_NONE, client->listener, client->log_level >= LOG_DETAILS, arena);
}

bool tls_client_connect(struct tls_client *client, const struct tls_demand *demand, struct stream *stream,
                        struct duration timeout, struct str peer, struct arena *arena,
                        const struct tls_facts **facts_out)
{
    struct handshake handshake = { .client = client, .demand = demand, .peer = peer };
    struct tls_connection *connection;
    SSL *ssl = SSL_new(client->context);
    struct instant deadline = instant_add(loop_now(stream_loop(stream)), timeout);
    struct failure why;
    bool is_done = false;

    if (ssl == NULL) {
        tls_warn(client->listener, "Could not allocate 'TLScontext->con' with SSL_new()");
        tls_library_warn_errors(client->listener);
        return false;
    }
    if (client->log_level >= LOG_DETAILS)
        tls_inform(client->listener, "setting up TLS connection to %.*s", STR_ARG(peer));
    SSL_set_connect_state(ssl);
    SSL_set_app_data(ssl, &handshake);
    connection = tls_connection_create(ssl, stream, STR_EMPTY, client->listener);
    if (demand_all(&handshake, ssl, arena)) {
        prepare_session(&handshake, ssl, arena);
        stream_set_deadline(stream, deadline);
        is_done = tls_connection_step(connection, stream, &why) == TLS_STEP_DONE;
        stream_set_deadline(stream, STREAM_NO_DEADLINE);
        if (!is_done)
            tell_failure(&handshake, &why);
    }
    SSL_set_app_data(ssl, NULL);
    if (!is_done) {
        tls_session_conclude(ssl, false);
        tls_connection_destroy(&connection);
        return false;
    }
    *facts_out = collect(&handshake, ssl, arena);
    if (demand->proof == TLS_PROOF_DANE && !(*facts_out)->is_resumed)
        handshake.dane_match = tls_dane_match(ssl, arena);
    tls_session_conclude(ssl, tls_demand_is_met(demand, *facts_out));
    if (client->inspect != NULL)
        client->inspect(client->inspect_context, ssl, *facts_out);
    tell_success(&handshake, *facts_out, arena);
    tls_connection_attach(&connection, stream);
    return true;
}
