/* SPDX-License-Identifier: Apache-2.0 */
#include "posttls-finger/handshake.h"

#include "base/strbuf.h"
#include "posttls-finger/say.h"
#include "tls/anchors.h"
#include "tls/client.h"
#include "tls/dane.h"
#include "tls/sessions.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

enum { VERIFY_DEPTH = 9, LOG_DETAILS = 2, NAME_MAXIMUM = 1000, SESSIONS_MAXIMUM = 20, SESSION_HOURS = 1 };

struct kept_session {
    struct str id;
    struct str session;
};

struct handshakes {
    const struct finger_options *options;
    struct arena *arena;
    struct tls_client *client;
    struct tls_anchors anchors;     /* -A: instead of authorities */
    struct tls_facts_options facts; /* how certificates above the server's are digested */
    struct tls_session_options sessions;
    struct kept_session kept[SESSIONS_MAXIMUM];
    size_t kept_count;
    bool is_first;
    struct str peer;
    const struct tls_demand *demand;
};

/* ---- sessions, in this process alone ---- */

static struct kept_session *find_session(struct handshakes *handshakes, struct str id)
{
    for (size_t i = 0; i < handshakes->kept_count; i++) {
        if (str_equal(handshakes->kept[i].id, id))
            return &handshakes->kept[i];
    }
    return NULL;
}

static bool load_session(void *context, struct str id, struct arena *arena, struct str *session_out)
{
    const struct kept_session *kept = find_session(context, id);

    if (kept == NULL || kept->session.len == 0)
        return false;
    *session_out = arena_str(arena, kept->session);
    return true;
}

static void save_session(void *context, struct str id, struct str session, struct instant ends)
{
    struct handshakes *handshakes = context;
    struct kept_session *kept = find_session(handshakes, id);

    (void) ends;
    if (kept == NULL && handshakes->kept_count < SESSIONS_MAXIMUM) {
        kept = &handshakes->kept[handshakes->kept_count++];
        kept->id = arena_str(handshakes->arena, id);
    }
    if (kept != NULL)
        kept->session = arena_str(handshakes->arena, session);
}

static void forget_session(void *context, struct str id)
{
    struct kept_session *kept = find_session(context, id);

    if (kept != NULL)
        kept->session = STR_EMPTY;
}

bool handshakes_have_sessions(const struct handshakes *handshakes)
{
    return handshakes->kept_count > 0;
}

/* ---- what is printed of certificates ---- */

static void tell_record(const struct handshakes *handshakes, SSL *ssl)
{
    uint8_t usage, selector, matching;
    const unsigned char *data;
    size_t len;
    int depth = SSL_get0_dane_authority(ssl, NULL, NULL);
    struct dns_record record = { .type = DNS_TYPE_TLSA };
    struct str text;

    if (depth < 0 || SSL_get0_dane_tlsa(ssl, &usage, &selector, &matching, &data, &len) < 0)
        return;
    record.tlsa_usage = usage;
    record.tlsa_selector = selector;
    record.tlsa_matching = matching;
    record.data = str_make((const char *) data, len);
    if (handshakes->demand->tlsa_records == handshakes->anchors.records) {
        say("%.*s: Matched trust anchor at depth %d", STR_ARG(handshakes->peer), depth);
        return;
    }
    text = tls_dane_text(&record, handshakes->arena);
    say("%.*s: Matched DANE %s at depth %d: %.*s", STR_ARG(handshakes->peer),
        usage == 2 ? "TA certificate" : "EE certificate", depth, STR_ARG(text));
}

/* The one that was asked for, without its colons. */
static void tell_fingerprint(const struct handshakes *handshakes, const struct tls_facts *facts)
{
    bool is_of_key = !strlist_contains_nocase(&handshakes->demand->fingerprints, facts->fingerprint);
    struct str rest = is_of_key ? facts->key_fingerprint : facts->fingerprint, part;
    struct strbuf text;

    strbuf_init(&text, NAME_MAXIMUM);
    while (str_next_word(&rest, ":", &part))
        strbuf_append(&text, part);
    say("%.*s: Matched fingerprint: %.*s", STR_ARG(handshakes->peer), STR_ARG(strbuf_str(&text)));
    strbuf_done(&text);
}

/* What has proved the server's name, or why nothing has. */
static void tell_proof(const struct handshakes *handshakes, SSL *ssl, const struct tls_facts *facts)
{
    struct str text;

    if (handshakes->demand->proof == TLS_PROOF_NONE || !facts->has_certificate || facts->is_resumed)
        return;
    if (!tls_demand_is_met(handshakes->demand, facts)) {
        text = tls_facts_distrust(facts, handshakes->arena);
        say("%scertificate verification failed for %.*s: %.*s",
            str_starts_with(text, STR("untrusted issuer")) ? "" : "server ", STR_ARG(handshakes->peer), STR_ARG(text));
        return;
    }
    if ((handshakes->options->log & FINGER_LOG_MATCH) == 0)
        return;
    if (facts->proven_name.len > 0)
        say("%.*s: matched peername: %.*s", STR_ARG(handshakes->peer), STR_ARG(facts->proven_name));
    if (handshakes->demand->proof == TLS_PROOF_FINGERPRINT)
        tell_fingerprint(handshakes, facts);
    tell_record(handshakes, ssl);
}

static void tell_peer(const struct handshakes *handshakes, const struct tls_facts *facts)
{
    if (!handshakes->is_first || !facts->has_certificate ||
        (handshakes->options->log & (FINGER_LOG_MATCH | FINGER_LOG_PEER)) == 0)
        return;
    say("%.*s: subject_CN=%.*s, issuer_CN=%.*s, fingerprint=%.*s, pkey_fingerprint=%.*s", STR_ARG(handshakes->peer),
        STR_ARG(facts->common_name), STR_ARG(facts->issuer_common_name), STR_ARG(facts->fingerprint),
        STR_ARG(facts->key_fingerprint));
}

static void tell_summary(const struct handshakes *handshakes, const struct tls_facts *facts)
{
    struct str summary = tls_facts_summary(facts, handshakes->arena);

    if (handshakes->is_first && (handshakes->options->log & FINGER_LOG_SUMMARY) == 0)
        return;
    say("%s TLS connection established to %.*s: %.*s",
        facts->is_proven && !handshakes->demand->is_host_unsure ? "Verified" : tls_facts_trust(facts),
        STR_ARG(handshakes->peer), STR_ARG(summary));
}

static void print_certificate(const struct handshakes *handshakes, X509 *certificate, int place)
{
    const struct tls_facts *facts = tls_facts_of_certificate(certificate, &handshakes->facts, handshakes->arena);
    BIO *out = BIO_new_fp(stdout, BIO_NOCLOSE);

    say_plain("%2d subject: %.*s", place, STR_ARG(facts->subject));
    say_plain("    issuer: %.*s", STR_ARG(facts->issuer));
    say_plain("   cert digest=%.*s", STR_ARG(facts->fingerprint));
    say_plain("   pkey digest=%.*s", STR_ARG(facts->key_fingerprint));
    if (out != NULL)
        (void) PEM_write_bio_X509(out, certificate);
    BIO_free(out);
}

static void print_chain(const struct handshakes *handshakes, SSL *ssl)
{
    STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);

    if (chain == NULL)
        chain = SSL_get_peer_cert_chain(ssl);
    if (chain == NULL)
        return;
    say_plain("\n---\nCertificate chain");
    for (int i = 0; i < sk_X509_num(chain); i++)
        print_certificate(handshakes, sk_X509_value(chain, i), i);
}

static void tell(const struct handshakes *handshakes, SSL *ssl, const struct tls_facts *facts)
{
    if (facts->is_resumed) {
        say("%.*s: Reusing old session", STR_ARG(handshakes->peer));
    } else {
        tell_proof(handshakes, ssl, facts);
        tell_peer(handshakes, facts);
    }
    tell_summary(handshakes, facts);
}

static void inspect(void *context, SSL *ssl, const struct tls_facts *facts)
{
    const struct handshakes *handshakes = context;

    /* With details the client tells all of it. */
    if ((handshakes->options->log & FINGER_LOG_DETAILS) == 0)
        tell(handshakes, ssl, facts);
    if (handshakes->options->prints_chain && handshakes->is_first)
        print_chain(handshakes, ssl);
}

/* ---- making ---- */

static void inform(void *context, const char *text)
{
    (void) context;
    say("%s", text);
}

static void warn(void *context, const char *text)
{
    (void) context;
    say_warning("%s", text);
}

/* Nobody waits here for files to change. */
static void note_opening(void *context, const char *path)
{
    (void) context;
    (void) path;
}

static struct tls_client *make_client(struct handshakes *handshakes, const struct tls_settings *settings)
{
    static const struct tls_listener listener = { inform, warn, NULL };
    const struct finger_options *options = handshakes->options;
    const struct tls_client_options client = {
        .settings = settings,
        .identity = { .side = "posttls-finger",
                      .chain_files = options->chain_files,
                      .certificate_file = options->certificate_file,
                      .key_file = options->key_file },
        .authorities = { .file = options->authorities_file, .directory = options->authorities_directory },
        .verify_depth = VERIFY_DEPTH,
        .fingerprint_digest = options->digest,
        /* All but the library's steps is told here. */
        .log_level = (options->log & FINGER_LOG_DETAILS) != 0 ? LOG_DETAILS : 0,
        .opening = note_opening,
        .listener = &listener,
        .sessions = options->delay.us > 0 ? &handshakes->sessions : NULL,
        .inspect = inspect,
        .inspect_context = handshakes,
    };

    return tls_client_create(&client);
}

static bool read_anchors(struct handshakes *handshakes)
{
    const struct strlist *files = &handshakes->options->anchor_files;
    struct failure why;

    for (size_t i = 0; i < files->count; i++) {
        const char *path = arena_c(handshakes->arena, files->items[i]);

        if (!tls_anchors_read(&handshakes->anchors, path, handshakes->arena, &why)) {
            say_warning("%s: disabling TLS support", why.text);
            return false;
        }
    }
    return true;
}

struct handshakes *handshakes_create(const struct finger_options *options, const struct tls_settings *settings,
                                     struct arena *arena)
{
    struct handshakes *handshakes = arena_new(arena, struct handshakes);

    handshakes->options = options;
    handshakes->arena = arena;
    handshakes->facts = (struct tls_facts_options){
        .digest = EVP_get_digestbyname(arena_c(arena, options->digest)),
        .has_legacy_key_fingerprints = settings->legacy_public_key_fingerprints,
    };
    handshakes->sessions = (struct tls_session_options){
        .store = { .load = load_session, .save = save_session, .forget = forget_session, .context = handshakes },
        .name = "memory",
        .lifetime = seconds(SESSION_HOURS * 3600),
    };
    if (!read_anchors(handshakes))
        return NULL;
    handshakes->client = make_client(handshakes, settings);
    return handshakes->client == NULL ? NULL : handshakes;
}

void handshakes_destroy(struct handshakes **handshakes)
{
    if (*handshakes != NULL)
        tls_client_destroy(&(*handshakes)->client);
    *handshakes = NULL;
}

/* ---- what is demanded ---- */

/* Whether any of the records can prove something; those that cannot are told of. */
static bool has_usable_record(const struct handshakes *handshakes, const struct tlsa_records *tlsa, struct arena *arena)
{
    const struct tls_dane_digests *digests = tls_client_dane(handshakes->client);
    bool has_one = false;

    for (size_t i = 0; digests != NULL && i < tlsa->count; i++) {
        struct str text = tls_dane_text(&tlsa->items[i], arena);
        const char *problem = NULL;

        if (tls_dane_is_usable(digests, &tlsa->items[i], &problem)) {
            has_one = true;
            if ((handshakes->options->log & FINGER_LOG_DETAILS) != 0)
                say("DNSSEC-signed TLSA record: %.*s: %.*s", STR_ARG(tlsa->name), STR_ARG(text));
        } else {
            say_warning("%.*s: unusable TLSA RR: %.*s: %s", STR_ARG(tlsa->name), STR_ARG(text), problem);
        }
    }
    return has_one;
}

/* Who named the host did not prove it (RFC 7672 section 2.2.1): smtp_tls_dane_insecure_mx_policy. */
static void weaken(const struct handshakes *handshakes, struct finger_demand *demand)
{
    if (handshakes->options->insecure_mx == FINGER_INSECURE_DANE || demand->level == FINGER_DANE_ONLY) {
        say("MX RRset insecure: log verified as trusted");
        demand->is_host_unsure = true;
        return;
    }
    demand->is_by_dane = false;
    demand->level = handshakes->options->insecure_mx == FINGER_INSECURE_ENCRYPT ? FINGER_ENCRYPT : FINGER_MAY;
    say("TLSA RRs found, MX RRset insecure: %s",
        demand->level == FINGER_ENCRYPT ? "just encrypt" : "opportunistic TLS");
}

/* What DANE makes of it. False: the records cannot be known now. */
static bool apply_dane(const struct handshakes *handshakes, struct resolver *resolver, const struct finger_host *host,
                       struct arena *arena, struct finger_demand *demand, struct failure *why)
{
    const struct tlsa_server server = { .host = host->name,
                                        .canonical_name = host->canonical_name,
                                        .port = host->port,
                                        .is_secure = host->is_secure,
                                        .is_forced = handshakes->options->forces_tlsa };

    demand->tlsa.outcome = TLSA_ABSENT;
    if (resolver != NULL)
        tlsa_lookup(resolver, &server, arena, &demand->tlsa);
    if (demand->tlsa.outcome == TLSA_UNKNOWN) {
        say_warning("DANE TLSA lookup problem: Host or domain name not found. Name service error for name=%.*s "
                    "type=TLSA: %s",
                    STR_ARG(demand->tlsa.name), demand->tlsa.reason);
        return failure_set(why, FAILURE_RETRY, 0, "TLSA lookup error for %.*s:%u", STR_ARG(host->name), host->port);
    }
    demand->is_by_dane = demand->tlsa.outcome == TLSA_FOUND && has_usable_record(handshakes, &demand->tlsa, arena);
    if (demand->is_by_dane && !host->is_named_securely) {
        weaken(handshakes, demand);
    } else if (!demand->is_by_dane) {
        if (demand->level == FINGER_DANE_ONLY)
            say("no TLSA records found, resorting to \"secure\"");
        demand->level = FINGER_SECURE;
    }
    return true;
}

bool handshakes_demand(const struct handshakes *handshakes, struct resolver *resolver, const struct finger_host *host,
                       struct arena *arena, struct finger_demand *demand_out, struct failure *why)
{
    *demand_out = (struct finger_demand){ .level = handshakes->options->level };
    if (demand_out->level != FINGER_DANE && demand_out->level != FINGER_DANE_ONLY)
        return true;
    return apply_dane(handshakes, resolver, host, arena, demand_out, why);
}

/* ---- a handshake ---- */

static struct strlist names_of(const struct finger_options *options, const struct finger_demand *demand,
                               struct str nexthop, struct str host, struct arena *arena)
{
    struct strlist names = { 0 };

    if (demand->is_by_dane) {
        strlist_add_view(&names, arena, demand->tlsa.base_domain);
        strlist_add_view(&names, arena, host);
        if (!demand->is_host_unsure)
            strlist_add_view(&names, arena, nexthop);
        return names;
    }
    if (options->matches.count > 0 && options->level != FINGER_DANE && options->level != FINGER_DANE_ONLY)
        return options->matches;
    if (demand->level == FINGER_VERIFY) {
        strlist_add_view(&names, arena, host);
    } else {
        strlist_add_view(&names, arena, nexthop);
        strlist_add_view(&names, arena, arena_printf(arena, ".%.*s", STR_ARG(nexthop)));
    }
    return names;
}

static void set_proof(const struct handshakes *handshakes, struct tls_demand *out, const struct finger_demand *demand,
                      struct str nexthop, struct str host, struct arena *arena)
{
    const struct finger_options *options = handshakes->options;

    if (demand->level == FINGER_FINGERPRINT) {
        out->proof = TLS_PROOF_FINGERPRINT;
        out->fingerprints = options->matches;
    } else if (demand->level == FINGER_VERIFY || demand->level == FINGER_SECURE || demand->is_by_dane) {
        out->proof = demand->is_by_dane ? TLS_PROOF_DANE : TLS_PROOF_NAME;
        out->names = names_of(options, demand, nexthop, host, arena);
    }
    if (out->proof == TLS_PROOF_NAME && handshakes->anchors.count > 0) {
        out->proof = TLS_PROOF_DANE;
        out->tlsa_records = handshakes->anchors.records;
        out->tlsa_count = handshakes->anchors.count;
    }
    if (demand->is_by_dane) {
        /* RFC 7672 section 8.1: whatever -s says. */
        out->server_name = demand->tlsa.base_domain;
        out->tlsa_records = demand->tlsa.items;
        out->tlsa_count = demand->tlsa.count;
        out->is_host_unsure = demand->is_host_unsure;
    }
}

bool handshakes_run(struct handshakes *handshakes, struct conversation *conversation,
                    const struct finger_demand *demand, struct str nexthop, struct str host, bool is_first,
                    const struct tls_facts **facts_out)
{
    const struct finger_options *options = handshakes->options;
    struct arena *arena = conversation->arena;
    struct tls_demand wanted = {
        .protocols = options->protocols,
        .ciphers = options->grade,
        .server_name = options->server_name,
        .session_title = conversation->peer,
    };

    set_proof(handshakes, &wanted, demand, nexthop, host, arena);
    handshakes->peer = conversation->peer;
    handshakes->demand = &wanted;
    handshakes->is_first = is_first;
    return tls_client_connect(handshakes->client, &wanted, conversation->stream, options->command_timeout,
                              conversation->peer, arena, facts_out);
}
