/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/server.h"

#include "run/fiber.h"
#include "run/loop.h"
#include "run/socket.h"
#include "run/stream.h"
#include "tls/connection.h"
#include "unit.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

/* ---- keys and certificates ---- */

static char said[20000];

static void hear(void *context, const char *text)
{
    size_t len = strlen(said);

    (void) context;
    snprintf(said + len, sizeof said - len, "%s\n", text);
}

static const struct tls_listener listener = { hear, hear, NULL };

static void no_opening(void *context, const char *path)
{
    (void) context, (void) path;
}

static struct str file_path(struct arena *arena, const char *name)
{
    return arena_printf(arena, "%s/%s", unit_directory(), name);
}

static X509 *make_certificate(EVP_PKEY *key, const char *name)
{
    X509 *certificate = X509_new();
    X509_NAME *subject = X509_get_subject_name(certificate);

    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *) name, -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    EXPECT(X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

/* NAME.key, NAME.pem and NAME.chain, which has both. */
static void write_identity(struct arena *arena, const char *file, const char *name)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = make_certificate(key, name);
    const char *endings[] = { "key", "pem", "chain" };

    for (unsigned i = 0; i < ARRAY_COUNT(endings); i++) {
        FILE *out = fopen(arena_printf(arena, "%s/%s.%s", unit_directory(), file, endings[i]).data, "we");

        if (i != 1)
            PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
        if (i != 0)
            PEM_write_X509(out, certificate);
        fclose(out);
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static const struct tls_settings settings = {
    .medium_cipherlist = { "aNULL:-aNULL:HIGH:MEDIUM:@STRENGTH", 34 },
    .eecdh_auto_curves = { "X25519 prime256v1", 17 },
    .session_ticket_cipher = { "aes-256-cbc", 11 },
};

static struct tls_server_options usual_options(struct arena *arena)
{
    return (struct tls_server_options){
        .settings = &settings,
        .identity = { .side = "smtpd", .chain_files = file_path(arena, "server.chain") },
        .protocols = STR(">=TLSv1"),
        .ciphers = STR("medium"),
        .fingerprint_digest = STR("sha256"),
        .verify_depth = 9,
        .session_lifetime = seconds(3600),
        .session_context = STR("smtp"),
        .log_level = 1,
        .opening = no_opening,
        .listener = &listener,
    };
}

/* ---- a server and a client, joined by a socket pair ---- */

struct scene {
    struct loop *loop;
    struct arena *arena;
    struct tls_server *server;
    struct stream *here, *there;
    const struct tls_facts *facts;
    const char *client_certificate; /* a chain file, or NULL */
    SSL_CTX *client;
    bool is_accepted;
    enum tls_clear_input clear;
    struct duration timeout;
    void (*play)(struct scene *scene);
    void (*play_client)(struct scene *scene);
    struct fiber_group others;
};

static void accept_client(struct scene *scene)
{
    scene->is_accepted = tls_server_accept(scene->server, scene->here, scene->clear, scene->timeout,
                                           STR("client[192.0.2.1]"), scene->arena, &scene->facts);
}

/* True when there is TLS on the client's stream. */
static bool connect_server(struct scene *scene)
{
    SSL *ssl = SSL_new(scene->client);
    struct tls_connection *connection;
    struct failure why;

    SSL_set_connect_state(ssl);
    connection = tls_connection_create(ssl, scene->there, STR_EMPTY, &listener);
    if (tls_connection_step(connection, scene->there, &why) != TLS_STEP_DONE) {
        tls_connection_destroy(&connection);
        return false;
    }
    tls_connection_attach(&connection, scene->there);
    return true;
}

static void run_client(void *context)
{
    struct scene *scene = context;

    scene->play_client(scene);
}

static void run_scene(void *context)
{
    struct scene *scene = context;
    struct failure why;
    int fds[2];

    EXPECT(socket_pair(fds, &why));
    EXPECT(stream_create(scene->loop, fds[0], seconds(10), &scene->here, &why));
    EXPECT(stream_create(scene->loop, fds[1], seconds(10), &scene->there, &why));
    fiber_group_start(&scene->others, run_client, scene);
    scene->play(scene);
    EXPECT(fiber_group_wait(&scene->others, seconds(20), NULL));
    stream_destroy(&scene->here);
    stream_destroy(&scene->there);
}

static void with_scene(struct scene *scene, struct tls_server_options *options)
{
    scene->loop = loop_create();
    scene->client = SSL_CTX_new(TLS_client_method());
    if (scene->client_certificate != NULL) {
        EXPECT(SSL_CTX_use_certificate_chain_file(scene->client, scene->client_certificate) == 1);
        EXPECT(SSL_CTX_use_PrivateKey_file(scene->client, scene->client_certificate, SSL_FILETYPE_PEM) == 1);
    }
    if (scene->timeout.us == 0)
        scene->timeout = seconds(10);
    said[0] = '\0';
    scene->server = tls_server_create(options);
    EXPECT(scene->server != NULL);
    fiber_group_init(&scene->others, scene->loop);
    fiber_run(scene->loop, run_scene, scene);
    tls_server_destroy(&scene->server);
    SSL_CTX_free(scene->client);
    loop_destroy(&scene->loop);
}

static void expect_said(const char *part)
{
    if (strstr(said, part) == NULL)
        print_error("not said: %s\nsaid:\n%s\n", part, said);
    EXPECT(strstr(said, part) != NULL);
}

static void send_text(struct stream *stream, struct str text)
{
    EXPECT(stream_write(stream, text, NULL) && stream_flush(stream, NULL));
}

static void expect_line(struct stream *stream, const char *text)
{
    struct str line = STR_EMPTY;

    EXPECT(stream_read_line(stream, 1000, &line, NULL));
    EXPECT_STR(line, str_from_c(text));
}

/* ---- what is played ---- */

enum { LARGE = 1000000 };

static void play_talk(struct scene *scene)
{
    struct str piece;
    size_t total = 0;

    accept_client(scene);
    EXPECT(scene->is_accepted);
    if (!scene->is_accepted)
        return;
    expect_line(scene->here, "hello\r\n");
    /* What was sent together is there together. */
    EXPECT_STR(stream_buffered(scene->here), STR("again\r\n"));
    expect_line(scene->here, "again\r\n");
    send_text(scene->here, STR("welcome\r\n"));
    while (total < LARGE && stream_read_some(scene->here, STREAM_READ_MAX, &piece, NULL))
        total += piece.len;
    EXPECT_UINT(total, LARGE);
    EXPECT_FALSE(stream_read_some(scene->here, 1, &piece, NULL));
    EXPECT(stream_is_at_end(scene->here));
}

static void play_talking_client(struct scene *scene)
{
    char *large = arena_alloc(scene->arena, LARGE);

    EXPECT(connect_server(scene));
    EXPECT(stream_write(scene->there, STR("hello\r\n"), NULL));
    send_text(scene->there, STR("again\r\n"));
    expect_line(scene->there, "welcome\r\n");
    memset(large, 'x', LARGE);
    send_text(scene->there, str_make(large, LARGE));
    stream_destroy(&scene->there);
}

TEST(a_stream_keeps_its_calls_under_tls)
{
    struct arena *arena = arena_create();
    struct scene scene = { .arena = arena, .play = play_talk, .play_client = play_talking_client };
    struct tls_server_options options;

    write_identity(arena, "server", "mail.example.test");
    options = usual_options(arena);
    with_scene(&scene, &options);
    EXPECT_STR(scene.facts->protocol, STR("TLSv1.3"));
    EXPECT_STR(scene.facts->key_exchange, STR("X25519"));
    EXPECT_STR(scene.facts->server_signature, STR("ECDSA (prime256v1)"));
    EXPECT_FALSE(scene.facts->has_certificate);
    expect_said("Anonymous TLS connection established from client[192.0.2.1]: TLSv1.3 with cipher ");
    arena_destroy(&arena);
}

static void play_accept(struct scene *scene)
{
    accept_client(scene);
}

static void play_plain_client(struct scene *scene)
{
    struct str rest;

    send_text(scene->there, STR("EHLO client.example.test\r\nMAIL FROM:<>\r\n"));
    while (stream_read_some(scene->there, 1000, &rest, NULL))
        continue;
}

TEST(what_is_no_handshake_fails_and_is_told)
{
    struct arena *arena = arena_create();
    struct scene scene = { .arena = arena, .play = play_accept, .play_client = play_plain_client };
    struct tls_server_options options;

    write_identity(arena, "server", "mail.example.test");
    options = usual_options(arena);
    scene.timeout = seconds(5);
    scene.play_client = play_plain_client;
    with_scene(&scene, &options);
    EXPECT_FALSE(scene.is_accepted);
    expect_said("SSL_accept error from client[192.0.2.1]: -1\nTLS library problem: error:");
    arena_destroy(&arena);
}

static void play_silent_client(struct scene *scene)
{
    (void) scene;
}

TEST(a_handshake_that_stands_still_ends_at_its_deadline)
{
    struct arena *arena = arena_create();
    struct scene scene = { .arena = arena, .play = play_accept, .play_client = play_silent_client };
    struct tls_server_options options;

    write_identity(arena, "server", "mail.example.test");
    options = usual_options(arena);
    scene.timeout = (struct duration){ 50000 };
    with_scene(&scene, &options);
    EXPECT_FALSE(scene.is_accepted);
    EXPECT_TEXT(said, "SSL_accept error from client[192.0.2.1]: Connection timed out\n");
    arena_destroy(&arena);
}

static void play_leaving_client(struct scene *scene)
{
    stream_destroy(&scene->there);
}

TEST(a_client_that_leaves_in_the_handshake_is_told)
{
    struct arena *arena = arena_create();
    struct scene scene = { .arena = arena, .play = play_accept, .play_client = play_leaving_client };
    struct tls_server_options options;

    write_identity(arena, "server", "mail.example.test");
    options = usual_options(arena);
    with_scene(&scene, &options);
    EXPECT_FALSE(scene.is_accepted);
    EXPECT_TEXT(said, "SSL_accept error from client[192.0.2.1]: lost connection\n");
    arena_destroy(&arena);
}

/* The server has read what came in clear before it begins the handshake. */
static void play_accept_late(struct scene *scene)
{
    EXPECT(stream_fill(scene->here, NULL));
    accept_client(scene);
}

static void play_injecting_client(struct scene *scene)
{
    send_text(scene->there, STR("MAIL FROM:<evil@example.test>\r\n"));
    expect_line(scene->there, "ready\r\n");
    EXPECT(connect_server(scene));
    send_text(scene->there, STR("NOOP\r\n"));
}

static void play_accept_and_read(struct scene *scene)
{
    EXPECT(stream_fill(scene->here, NULL));
    send_text(scene->here, STR("ready\r\n"));
    accept_client(scene);
    EXPECT(scene->is_accepted);
    if (scene->is_accepted)
        expect_line(scene->here, "NOOP\r\n");
}

static void play_first_then_handshake(struct scene *scene)
{
    SSL *ssl = SSL_new(scene->client);
    struct tls_connection *connection;
    struct failure why;

    SSL_set_connect_state(ssl);
    connection = tls_connection_create(ssl, scene->there, STR_EMPTY, &listener);
    EXPECT(tls_connection_step(connection, scene->there, &why) == TLS_STEP_DONE);
    tls_connection_destroy(&connection);
}

TEST(what_was_read_with_a_header_before_it_belongs_to_the_handshake)
{
    struct arena *arena = arena_create();
    struct scene scene = { .arena = arena, .play = play_accept_late, .play_client = play_first_then_handshake };
    struct tls_server_options options;

    write_identity(arena, "server", "mail.example.test");
    options = usual_options(arena);
    scene.clear = TLS_CLEAR_IS_HANDSHAKE;
    with_scene(&scene, &options);
    EXPECT(scene.is_accepted);
    arena_destroy(&arena);
}

TEST(what_was_said_in_clear_is_not_said_under_tls)
{
    struct arena *arena = arena_create();
    struct scene scene = { .arena = arena, .play = play_accept_and_read, .play_client = play_injecting_client };
    struct tls_server_options options;

    write_identity(arena, "server", "mail.example.test");
    options = usual_options(arena);
    with_scene(&scene, &options);
    arena_destroy(&arena);
}

static void play_polite_client(struct scene *scene)
{
    struct str rest;

    if (connect_server(scene))
        EXPECT_FALSE(stream_read_some(scene->there, 1, &rest, NULL));
}

static void play_accept_and_leave(struct scene *scene)
{
    accept_client(scene);
    stream_destroy(&scene->here);
}

TEST(a_certificate_of_nobody_known_is_untrusted_and_its_names_are_tamed)
{
    struct arena *arena = arena_create();
    struct scene scene = { .arena = arena, .play = play_accept_and_leave, .play_client = play_polite_client };
    struct tls_server_options options;

    write_identity(arena, "server", "mail.example.test");
    write_identity(arena, "client", "a\"b\nc.example.test");
    options = usual_options(arena);
    options.asks_certificate = true;
    options.requires_certificate = true;
    scene.client_certificate = file_path(arena, "client.chain").data;
    with_scene(&scene, &options);
    EXPECT(scene.is_accepted && scene.facts->has_certificate);
    EXPECT_FALSE(scene.facts->is_trusted);
    EXPECT_STR(scene.facts->common_name, STR("a?b?c.example.test"));
    EXPECT_UINT(scene.facts->fingerprint.len, 95);
    EXPECT_UINT(scene.facts->key_fingerprint.len, 95);
    expect_said(
        "certificate verification failed for client[192.0.2.1]: self-signed certificate\nUntrusted TLS connection");
    arena_destroy(&arena);
}

TEST(a_certificate_that_an_authority_vouches_for_is_trusted)
{
    struct arena *arena = arena_create();
    struct scene scene = { .arena = arena, .play = play_accept_and_leave, .play_client = play_polite_client };
    struct tls_server_options options;

    write_identity(arena, "server", "mail.example.test");
    write_identity(arena, "client", "client.example.test");
    options = usual_options(arena);
    options.asks_certificate = true;
    options.authorities.file = file_path(arena, "client.pem");
    scene.client_certificate = file_path(arena, "client.chain").data;
    with_scene(&scene, &options);
    EXPECT(scene.is_accepted && scene.facts->is_trusted);
    EXPECT_STR(scene.facts->client_signature, STR("ECDSA (prime256v1)"));
    expect_said("Trusted TLS connection established");
    arena_destroy(&arena);
}

/* ---- what cannot be used ---- */

static void expect_refused(const struct tls_server_options *options, const char *part)
{
    struct tls_server *server;

    said[0] = '\0';
    server = tls_server_create(options);
    EXPECT(server == NULL);
    tls_server_destroy(&server);
    expect_said(part);
}

TEST(bad_files_and_settings_leave_no_server_and_are_told)
{
    struct arena *arena = arena_create();
    struct tls_server_options options;

    write_identity(arena, "server", "mail.example.test");
    write_identity(arena, "other", "other.example.test");
    options = usual_options(arena);
    options.identity = (struct tls_identity){ .side = "smtpd" };
    expect_refused(&options, "No server certs available. TLS won't be enabled\n");
    options.identity.certificate_file = file_path(arena, "server.pem");
    options.identity.key_file = file_path(arena, "other.key");
    expect_refused(&options, "::key values mismatch:");
    options.identity.key_file = STR("/nosuch/key");
    expect_refused(&options, "cannot get RSA private key from file \"/nosuch/key\": disabling TLS support\n"
                             "TLS library problem: error:80000002:system library::No such file or directory:");
    options.identity.chain_files = file_path(arena, "server.key");
    expect_refused(&options, "No certs for key at index 1 in ");
    expect_said("the legacy  parameters will be ignored\n");
    options.identity.chain_files = file_path(arena, "server.pem");
    expect_refused(&options, ": key not first\n");
    options.identity.chain_files =
        arena_printf(arena, "%s/server.key %s/other.pem", unit_directory(), unit_directory());
    expect_refused(&options, "does not match next certificate\n");
    options.identity.chain_files = STR("/nosuch/chain");
    expect_refused(&options, "error opening chain file: /nosuch/chain: No such file or directory\n");
    options = usual_options(arena);
    options.protocols = STR("nonsense");
    expect_refused(&options, "Invalid TLS protocol list \"nonsense\": disabling TLS support\n");
    options = usual_options(arena);
    options.ciphers = STR("best");
    expect_refused(&options, "invalid cipher grade: \"best\": disabling TLS support\n");
    options = usual_options(arena);
    options.fingerprint_digest = STR("rot13");
    expect_refused(&options, "Digest algorithm \"rot13\" not found\ndisabling TLS support\n");
    options = usual_options(arena);
    options.authorities.file = STR("/nosuch/ca");
    expect_refused(&options,
                   "cannot load Certification Authority data, CAfile=\"/nosuch/ca\": disabling TLS support\n");
    arena_destroy(&arena);
}
