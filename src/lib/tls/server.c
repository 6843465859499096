/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/server.h"

#include "base/memory.h"
#include "run/loop.h"
#include "run/stream.h"
#include "tls/connection.h"
#include "tls/sessions.h"
#include "tls/tickets.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

enum {
    LOG_SUMMARY = 1,
    LOG_DETAILS = 2,
    SHORTEST_TICKET_SECONDS = 120,
    SERVER_NAME_MAXIMUM = 255,
};

struct tls_server {
    SSL_CTX *context;
    const struct tls_settings *settings;
    const struct tls_listener *listener;
    struct tls_tickets *tickets;
    struct tls_facts_options facts;
    struct arena *arena;
    struct str cipher_list;
    int log_level;
    bool asks_certificate;
    bool requires_certificate;
    enum tls_name_result (*find_name)(void *context, struct str name, struct arena *arena, struct str *pem_out);
    void *find_context;
};

/* What callbacks of OpenSSL know of the handshake that they are in. */
struct handshake {
    const struct tls_server *server;
    struct str peer;
    struct str name; /* that the client asks for */
    bool has_name;
    bool was_asked;  /* for the keys of that name */
    bool is_refused; /* there are some, and they are of no use */
};

/* ---- callbacks: they tell, and never wait ---- */

static struct handshake *handshake_of(const SSL *ssl)
{
    return SSL_get_app_data(ssl);
}

/* Nobody is turned away for a certificate here: what it is worth is told by the facts. */
static int note_certificate(int is_good, X509_STORE_CTX *store)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    const struct handshake *handshake = handshake_of(ssl);
    X509 *certificate = X509_STORE_CTX_get_current_cert(store);
    char subject[300] = "";

    if (handshake == NULL || handshake->server->log_level < LOG_DETAILS || certificate == NULL)
        return 1;
    X509_NAME_oneline(X509_get_subject_name(certificate), subject, sizeof subject);
    tls_inform(handshake->server->listener, "%.*s: depth=%d verify=%d subject=%s", STR_ARG(handshake->peer),
               X509_STORE_CTX_get_error_depth(store), is_good, subject);
    return 1;
}

static void note_state(const SSL *ssl, int where, int result)
{
    const struct handshake *handshake = handshake_of(ssl);

    if (handshake == NULL)
        return;
    if (where & SSL_CB_LOOP)
        tls_inform(handshake->server->listener, "SSL_accept:%s", SSL_state_string_long(ssl));
    else if (where & SSL_CB_ALERT)
        tls_inform(handshake->server->listener, "SSL3 alert %s:%s:%s", where & SSL_CB_READ ? "read" : "write",
                   SSL_alert_type_string_long(result), SSL_alert_desc_string_long(result));
    else if ((where & SSL_CB_EXIT) && result == 0)
        tls_inform(handshake->server->listener, "SSL_accept:failed in %s", SSL_state_string_long(ssl));
}

static void note_ticket(const SSL *ssl, struct instant key_ends)
{
    const struct handshake *handshake = handshake_of(ssl);

    if (handshake != NULL)
        tls_inform(handshake->server->listener, "%.*s: Issuing session ticket, key expiration: %" PRId64,
                   STR_ARG(handshake->peer), instant_seconds(key_ends));
}

/* The first name of type host_name (RFC 6066 section 3). */
static bool read_server_name(SSL *ssl, struct str *name_out)
{
    const unsigned char *data;
    size_t len, name_len;

    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &len) != 1 || len < 5)
        return false;
    if ((size_t) (data[0] << 8 | data[1]) + 2 != len || data[2] != TLSEXT_NAMETYPE_host_name)
        return false;
    name_len = (size_t) (data[3] << 8 | data[4]);
    if (name_len == 0 || name_len > len - 5 || name_len > SERVER_NAME_MAXIMUM)
        return false;
    *name_out = str_make((const char *) data + 5, name_len);
    return true;
}

static int hear_hello(SSL *ssl, int *alert, void *context)
{
    struct handshake *handshake = handshake_of(ssl);

    (void) context;
    if (handshake != NULL && handshake->is_refused) {
        *alert = SSL_AD_INTERNAL_ERROR;
        return SSL_CLIENT_HELLO_ERROR;
    }
    if (handshake == NULL || handshake->was_asked)
        return SSL_CLIENT_HELLO_SUCCESS;
    handshake->was_asked = true;
    handshake->has_name = read_server_name(ssl, &handshake->name);
    return handshake->has_name ? SSL_CLIENT_HELLO_RETRY : SSL_CLIENT_HELLO_SUCCESS;
}

/* ---- making ---- */

static bool set_protocols(struct tls_server *server, const struct tls_server_options *options)
{
    struct tls_protocols protocols;

    if (!tls_protocols_parse(options->protocols, &protocols)) {
        tls_warn(server->listener, "Invalid TLS protocol list \"%.*s\": disabling TLS support",
                 STR_ARG(options->protocols));
        return false;
    }
    tls_library_begin();
    /* Without a bound here that of OpenSSL's configuration holds. */
    if (protocols.lowest != 0 && SSL_CTX_set_min_proto_version(server->context, protocols.lowest) != 1)
        tls_warn(server->listener, "error setting minimum TLS version to: 0x%04x", (unsigned) protocols.lowest);
    if (protocols.highest != 0 && SSL_CTX_set_max_proto_version(server->context, protocols.highest) != 1)
        tls_warn(server->listener, "error setting maximum TLS version to: 0x%04x", (unsigned) protocols.highest);
    SSL_CTX_set_options(server->context, protocols.excluded);
    return true;
}

static bool set_ciphers(struct tls_server *server, const struct tls_server_options *options)
{
    const struct tls_settings *settings = options->settings;
    struct str exclusions[8];
    size_t count = 0;

    while (count < options->exclusion_count && count < ARRAY_COUNT(exclusions) - 1) {
        exclusions[count] = options->exclusions[count];
        count++;
    }
    /* Who is to show who he is does so by a certificate. */
    if (options->asks_certificate)
        exclusions[count++] = STR("aNULL");
    if (!tls_ciphers_of_grade(settings, options->ciphers, exclusions, count, server->arena, &server->cipher_list)) {
        tls_warn(server->listener, "invalid cipher grade: \"%.*s\": disabling TLS support", STR_ARG(options->ciphers));
        return false;
    }
    tls_library_begin();
    if (SSL_CTX_set_cipher_list(server->context, server->cipher_list.data) != 1) {
        tls_warn(server->listener, "error setting cipher list \"%.*s\": disabling TLS support",
                 STR_ARG(server->cipher_list));
        tls_library_warn_errors(server->listener);
        return false;
    }
    if (settings->preempt_cipherlist)
        SSL_CTX_set_options(server->context, SSL_OP_CIPHER_SERVER_PREFERENCE);
    return true;
}

static void set_dh(struct tls_server *server, struct str file, const struct tls_server_options *options)
{
    const char *path = arena_c(server->arena, file);
    EVP_PKEY *parameters = NULL;
    BIO *bio;

    if (file.len == 0 || str_equal_nocase(file, STR("auto")) || str_equal_nocase(file, STR("none"))) {
        SSL_CTX_set_dh_auto(server->context, 1);
        return;
    }
    options->opening(options->opening_context, path);
    tls_library_begin();
    bio = BIO_new_file(path, "r");
    if (bio != NULL)
        parameters = PEM_read_bio_Parameters(bio, NULL);
    BIO_free(bio);
    /* On success the context owns them. */
    if (parameters != NULL && SSL_CTX_set0_tmp_dh_pkey(server->context, parameters) == 1)
        return;
    EVP_PKEY_free(parameters);
    SSL_CTX_set_dh_auto(server->context, 1);
    tls_warn(server->listener, "cannot load DH parameters from file %s: using compiled-in defaults", path);
    tls_library_warn_errors(server->listener);
}

static bool set_groups(struct tls_server *server, const struct tls_server_options *options)
{
    struct str list = tls_groups(options->settings, server->listener, server->arena);

    tls_library_begin();
    if (list.len > 0 && SSL_CTX_set1_groups_list(server->context, list.data) != 1) {
        tls_warn(server->listener, "unable to use curves \"%.*s\": disabling TLS support", STR_ARG(list));
        tls_library_warn_errors(server->listener);
        return false;
    }
    return true;
}

static bool set_digest(struct tls_server *server, const struct tls_server_options *options)
{
    server->facts = (struct tls_facts_options){
        .digest = EVP_get_digestbyname(arena_c(server->arena, options->fingerprint_digest)),
        .has_legacy_key_fingerprints = options->settings->legacy_public_key_fingerprints,
        .is_server = true,
    };
    if (server->facts.digest != NULL)
        return true;
    tls_warn(server->listener, "Digest algorithm \"%.*s\" not found", STR_ARG(options->fingerprint_digest));
    tls_warn(server->listener, "disabling TLS support");
    return false;
}

static bool set_certificates(struct tls_server *server, const struct tls_server_options *options)
{
    const struct tls_identity *identity = &options->identity;

    if (!tls_identity_is_given(identity)) {
        tls_warn(server->listener, "No server certs available. TLS won't be enabled");
        return false;
    }
    if (!tls_authorities_load(&options->authorities, server->context, options->opening, options->opening_context,
                              server->listener) ||
        !tls_identity_load(identity, server->context, options->opening, options->opening_context, server->listener))
        return false;
    if (!options->asks_certificate)
        return true;
    SSL_CTX_set_verify(server->context, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE, note_certificate);
    /* One more than OpenSSL takes for the same number, as Postfix does. */
    SSL_CTX_set_verify_depth(server->context, options->verify_depth + 1);
    if (options->authorities.file.len > 0)
        SSL_CTX_set_client_CA_list(server->context,
                                   SSL_load_client_CA_file(arena_c(server->arena, options->authorities.file)));
    return true;
}

/*
 * Whose session a ticket may bring back: of the same service, which asks its clients for the same. A client that was
 * asked for no certificate, or whose authority is believed no more, begins anew.
 */
static void set_session_context(struct tls_server *server, const struct tls_server_options *options)
{
    struct str belief =
        options->asks_certificate ? tls_belief_digest(server->context, server->arena) : STR("no certificates");
    struct str text = arena_printf(server->arena, "%.*s\n%.*s", STR_ARG(options->session_context), STR_ARG(belief));
    unsigned char id[SSL_MAX_SSL_SESSION_ID_LENGTH];
    unsigned id_len = 0;

    if (EVP_Digest(text.data, text.len, id, &id_len, EVP_sha256(), NULL) == 1)
        (void) SSL_CTX_set_session_id_context(server->context, id, id_len);
}

static void set_tickets(struct tls_server *server, const struct tls_server_options *options)
{
    struct str cipher = options->settings->session_ticket_cipher;
    struct duration lifetime = options->session_lifetime;
    struct failure why;

    set_session_context(server, options);
    SSL_CTX_set_session_cache_mode(server->context, SSL_SESS_CACHE_OFF);
    (void) SSL_CTX_set_num_tickets(server->context, 1);
    if (cipher.len == 0 || lifetime.us <= 0 || SSL_CTX_get_options(server->context) & SSL_OP_NO_TICKET) {
        SSL_CTX_set_options(server->context, SSL_OP_NO_TICKET);
        (void) SSL_CTX_set_num_tickets(server->context, 0);
        return;
    }
    if (lifetime.us < seconds(SHORTEST_TICKET_SECONDS).us)
        lifetime = seconds(SHORTEST_TICKET_SECONDS);
    if (!tls_tickets_create(arena_c(server->arena, cipher), lifetime, options->ticket_source, server->listener,
                            &server->tickets, &why)) {
        tls_warn(server->listener, "%s", why.text);
        SSL_CTX_set_options(server->context, SSL_OP_NO_TICKET);
        return;
    }
    SSL_CTX_set_timeout(server->context, (long) (lifetime.us / seconds(1).us));
    tls_tickets_attach(server->tickets, server->context, server->log_level >= LOG_DETAILS ? note_ticket : NULL);
}

static bool set_up(struct tls_server *server, const struct tls_server_options *options)
{
    SSL_CTX_set_options(server->context,
                        tls_library_options(options->settings, server->listener) | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_security_level(server->context, 0);
    SSL_CTX_set_read_ahead(server->context, 1);
    if (!set_digest(server, options) || !set_protocols(server, options) || !set_certificates(server, options) ||
        !set_ciphers(server, options) || !set_groups(server, options))
        return false;
    set_dh(server, options->dh_file, options);
    set_tickets(server, options);
    if (server->log_level >= LOG_DETAILS)
        SSL_CTX_set_info_callback(server->context, note_state);
    if (server->find_name != NULL)
        SSL_CTX_set_client_hello_cb(server->context, hear_hello, NULL);
    return true;
}

struct tls_server *tls_server_create(const struct tls_server_options *options)
{
    struct tls_server *server = memory_alloc(sizeof *server);

    *server = (struct tls_server){
        .context = SSL_CTX_new(TLS_server_method()),
        .settings = options->settings,
        .listener = options->listener,
        .arena = arena_create(),
        .log_level = options->log_level,
        .asks_certificate = options->asks_certificate,
        .requires_certificate = options->requires_certificate,
        .find_name = options->find_name,
        .find_context = options->find_context,
    };
    if (server->log_level >= LOG_DETAILS)
        tls_inform(server->listener, "initializing the server-side TLS engine");
    if (server->context == NULL) {
        tls_warn(server->listener, "cannot allocate server SSL_CTX: disabling TLS support");
        tls_library_warn_errors(server->listener);
        tls_server_destroy(&server);
    } else if (!set_up(server, options)) {
        tls_server_destroy(&server);
    }
    tls_library_begin();
    return server;
}

void tls_server_destroy(struct tls_server **pointer)
{
    struct tls_server *server = *pointer;

    if (server == NULL)
        return;
    SSL_CTX_free(server->context);
    tls_tickets_destroy(&server->tickets);
    arena_destroy(&server->arena);
    memory_free(server);
    *pointer = NULL;
}

/* ---- a handshake ---- */

/* Keys of the name that the client asked for, by the name itself or by that of a domain above it. */
static enum tls_name_result find_pem(const struct tls_server *server, struct str name, struct arena *arena,
                                     struct str *pem_out)
{
    enum tls_name_result result = server->find_name(server->find_context, name, arena, pem_out);
    size_t dot;

    while (result == TLS_NAME_ABSENT && (dot = str_find_char(str_from(name, 1), '.')) != STR_NOT_FOUND) {
        name = str_from(name, dot + 1);
        result = server->find_name(server->find_context, name, arena, pem_out);
    }
    return result;
}

static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!char_is_alnum(name.data[i]) && name.data[i] != '-' && name.data[i] != '.' && name.data[i] != '_')
            return false;
    }
    return true;
}

static void use_identity(struct tls_server *server, struct handshake *handshake, SSL *ssl, struct str pem,
                         struct arena *arena)
{
    struct str title = arena_printf(arena, "SNI data for %.*s", STR_ARG(handshake->name));

    SSL_certs_clear(ssl);
    handshake->has_name = tls_identity_use_pem(ssl, pem, title.data, server->listener);
    if (handshake->has_name)
        return;
    tls_warn(server->listener, "error loading private keys and certificates from: %.*s: aborting TLS handshake",
             STR_ARG(title));
    handshake->is_refused = true;
}

static void choose_identity(struct tls_server *server, struct handshake *handshake, SSL *ssl, struct arena *arena)
{
    struct str pem;

    handshake->has_name = false;
    handshake->name = arena_str(arena, handshake->name);
    if (!is_name(handshake->name)) {
        tls_warn(server->listener, "TLS SNI from %.*s is invalid: %.*s", STR_ARG(handshake->peer),
                 STR_ARG(handshake->name));
        return;
    }
    switch (find_pem(server, handshake->name, arena, &pem)) {
    case TLS_NAME_FOUND:
        use_identity(server, handshake, ssl, pem, arena);
        break;
    case TLS_NAME_BROKEN:
        handshake->is_refused = true;
        break;
    case TLS_NAME_ABSENT:
        if (server->log_level >= LOG_SUMMARY)
            tls_inform(server->listener, "TLS SNI %.*s from %.*s not matched, using default chain",
                       STR_ARG(handshake->name), STR_ARG(handshake->peer));
        break;
    }
}

static void tell_failure(const struct tls_server *server, const struct handshake *handshake, const struct failure *why)
{
    const char *reason = why->text;

    if (why->kind == FAILURE_TIMEOUT)
        reason = strerror(ETIMEDOUT);
    else if (why->error != 0)
        reason = why->error == ECONNRESET || why->error == EPIPE ? "lost connection" : strerror(why->error);
    tls_inform(server->listener, "SSL_accept error from %.*s: %s", STR_ARG(handshake->peer), reason);
    tls_library_warn_errors(server->listener);
}

static void tell_peer(const struct tls_server *server, const struct handshake *handshake, const struct tls_facts *facts)
{
    if (server->log_level < LOG_DETAILS || !facts->has_certificate)
        return;
    tls_inform(server->listener, "subject=%.*s", STR_ARG(facts->subject));
    tls_inform(server->listener, "issuer=%.*s", STR_ARG(facts->issuer));
    tls_inform(server->listener, "%.*s: subject_CN=%.*s, issuer=%.*s, fingerprint=%.*s, pkey_fingerprint=%.*s",
               STR_ARG(handshake->peer), STR_ARG(facts->common_name), STR_ARG(facts->issuer_common_name),
               STR_ARG(facts->fingerprint), STR_ARG(facts->key_fingerprint));
}

static void tell_success(const struct tls_server *server, const struct handshake *handshake,
                         const struct tls_facts *facts, struct arena *arena)
{
    struct str summary;

    tell_peer(server, handshake, facts);
    if (server->log_level < LOG_SUMMARY)
        return;
    if (server->requires_certificate && facts->has_certificate && !facts->is_trusted) {
        summary = tls_facts_distrust(facts, arena);
        tls_inform(server->listener, "certificate verification failed for %.*s: %.*s", STR_ARG(handshake->peer),
                   STR_ARG(summary));
    }
    summary = tls_facts_summary(facts, arena);
    tls_inform(server->listener, "%s TLS connection established from %.*s%s%.*s: %.*s", tls_facts_trust(facts),
               STR_ARG(handshake->peer), facts->server_name.len > 0 ? " to " : "", STR_ARG(facts->server_name),
               STR_ARG(summary));
}

static bool shake_hands(struct tls_server *server, struct handshake *handshake, struct tls_connection *connection,
                        struct stream *stream, struct arena *arena)
{
    struct failure why;
    enum tls_step step;

    while ((step = tls_connection_step(connection, stream, &why)) == TLS_STEP_NAME)
        choose_identity(server, handshake, tls_connection_ssl(connection), arena);
    if (step == TLS_STEP_FAILED)
        tell_failure(server, handshake, &why);
    return step == TLS_STEP_DONE;
}

static void tell_beginning(const struct tls_server *server, const struct handshake *handshake)
{
    if (server->log_level < LOG_DETAILS)
        return;
    tls_inform(server->listener, "setting up TLS connection from %.*s", STR_ARG(handshake->peer));
    tls_inform(server->listener, "%.*s: TLS cipher list \"%.*s\"", STR_ARG(handshake->peer),
               STR_ARG(server->cipher_list));
}

bool tls_server_accept(struct tls_server *server, struct stream *stream, enum tls_clear_input clear,
                       struct duration timeout, struct str peer, struct arena *arena,
                       const struct tls_facts **facts_out)
{
    struct handshake handshake = { .server = server, .peer = peer };
    struct instant deadline = instant_add(loop_now(stream_loop(stream)), timeout);
    struct tls_connection *connection;
    struct tls_facts *facts;
    SSL *ssl = SSL_new(server->context);
    bool is_done;

    if (ssl == NULL) {
        tls_warn(server->listener, "Could not allocate 'TLScontext->con' with SSL_new()");
        tls_library_warn_errors(server->listener);
        return false;
    }
    tell_beginning(server, &handshake);
    tls_tickets_refresh(server->tickets, stream_loop(stream));
    SSL_set_accept_state(ssl);
    SSL_set_app_data(ssl, &handshake);
    connection = tls_connection_create(
        ssl, stream, clear == TLS_CLEAR_IS_HANDSHAKE ? stream_buffered(stream) : STR_EMPTY, server->listener);
    stream_set_deadline(stream, deadline);
    is_done = shake_hands(server, &handshake, connection, stream, arena);
    stream_set_deadline(stream, STREAM_NO_DEADLINE);
    SSL_set_app_data(ssl, NULL);
    if (!is_done) {
        tls_connection_destroy(&connection);
        return false;
    }
    facts = arena_new(arena, struct tls_facts);
    *facts = *tls_facts_collect(ssl, &server->facts, arena);
    if (handshake.has_name)
        facts->server_name = handshake.name;
    tell_success(server, &handshake, facts, arena);
    tls_connection_attach(&connection, stream);
    *facts_out = facts;
    return true;
}
