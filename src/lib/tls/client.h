/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_CLIENT_H
#define TLS_CLIENT_H

#include "base/strlist.h"
#include "base/time.h"
#include "tls/facts.h"
#include "tls/identity.h"

struct dns_record;
struct stream;
struct tls_dane_digests;

/*
 * client - the encrypted side of a connection to a server of somebody else's.
 *
 * Made before the jail: certificates to show, and whom to believe, are in its memory from then on. What a connection
 * must be like differs from server to server and is demanded at its handshake, which is a fiber's and waits in the
 * stream; after it the stream has the same calls as before, and what had come in clear is dropped.
 *
 * No handshake is ended for a certificate: who the server has proved to be is told, and the caller decides.
 */
struct tls_client;

struct tls_client_options {
    const struct tls_settings *settings;
    struct tls_identity identity; /* none given: none is shown */
    struct tls_authorities authorities;
    int verify_depth;
    struct str fingerprint_digest;
    int log_level;
    tls_opening *opening; /* told of each file before it is read */
    void *opening_context;
    const struct tls_listener *listener; /* lives as long as the client */
    /* Where sessions are kept; as long as the client. NULL: each handshake is a full one. */
    const struct tls_session_options *sessions;
    /* For commands that print what a server shows: called after each handshake, before it is told of. NULL: nobody. */
    void (*inspect)(void *context, SSL *connection, const struct tls_facts *facts);
    void *inspect_context;
};

/* Tells the listener what is wrong, and returns NULL: there is no TLS. */
struct tls_client *tls_client_create(const struct tls_client_options *options);
/* All its connections are over. Leaves *client NULL; NULL is fine. */
void tls_client_destroy(struct tls_client **client);

/* What of TLSA records counts, for dane.h. NULL: there is no DANE, which has been told. */
const struct tls_dane_digests *tls_client_dane(const struct tls_client *client);

/* What a server must prove. */
enum tls_proof {
    TLS_PROOF_NONE,
    TLS_PROOF_FINGERPRINT, /* its certificate or public key is one of those listed, whoever vouches for it */
    TLS_PROOF_NAME,        /* an authority that we believe vouches for one of the names (RFC 6125) */
    TLS_PROOF_DANE,        /* what TLSA records say (RFC 7672), whomever we believe */
};

struct tls_demand {
    struct str protocols;
    struct str ciphers; /* a grade */
    const struct str *exclusions;
    size_t exclusion_count;
    struct str server_name; /* to ask for (SNI, RFC 6066 section 3); empty: none */
    enum tls_proof proof;
    bool is_only_tested;  /* the connection is made as without it, and whether it is met is only told */
    struct strlist names; /* "mx.example.com"; ".example.com" is each name below it. DANE: where a record is of an
                             authority; server_name is to be the TLSA base domain (RFC 7672 section 8.1) */
    struct strlist fingerprints;           /* "AB:CD:..." */
    const struct dns_record *tlsa_records; /* DANE: at least one that is usable, see dane.h */
    size_t tlsa_count;
    struct str
        session_title; /* "smtp&example.com&mx.example.com&192.0.2.1:25": whose session it is; empty: none is kept */
    struct str session_owner; /* who we will be there (SASL); not shown */
    bool is_host_unsure;      /* DANE: who named the host did not prove it, so that the log says "Trusted" at most */
};

/* Whether the server has proved what was demanded. One whose host is unsure is trusted then, and not proven. */
bool tls_demand_is_met(const struct tls_demand *demand, const struct tls_facts *facts);

/*
 * The handshake. timeout is for all of it. peer is for the log, "name[address]:port". False when it failed, which has
 * been told: then nothing more can be said on the stream. The facts are in arena; the stream owns the connection.
 */
MUST_USE bool tls_client_connect(struct tls_client *client, const struct tls_demand *demand, struct stream *stream,
                                 struct duration timeout, struct str peer, struct arena *arena,
                                 const struct tls_facts **facts_out);

/* A connection of before is used for another purpose: the log has a line of that, as of a new one. */
void tls_client_note_reuse(const struct tls_client *client, const struct tls_facts *facts, struct str peer);

#endif
