/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTOCOL_TLSPROXY_H
#define PROTOCOL_TLSPROXY_H

#include "ipc/channel.h"

/*
 * tlsproxy - TLS for services that do not have it in their own process (private/tlsproxy): they give the socket of a
 * client away and get a clear one, which may be passed on to others like any socket.
 *
 * A call: the caller sends tlsproxy_request and hears with tlsproxy_offer whether there is TLS, while it can still tell
 * the client. Then it sends the socket with tlsproxy_begin, and never touches it again; tlsproxy_session follows when
 * the handshake is over, and the caller ends the call. From then on the clear socket is the session: closed by one
 * side, it is closed to the other, and what was written before arrives.
 */
enum { TLSPROXY_TEXT_MAXIMUM = 2048, TLSPROXY_SECONDS_MAXIMUM = 100 * 24 * 3600 };

struct tlsproxy_request {
    struct str peer;      /* for the log: "[192.0.2.1]:2525" */
    uint64_t handshake_s; /* for all of the handshake */
    uint64_t idle_s;      /* the session ends when nothing has moved for so long */
};

struct tlsproxy_offer {
    bool is_ready; /* false: there is no TLS, by settings or because of them; the call is over */
};

struct tlsproxy_begin {
    int socket;
};

/* What is known of the client; as struct tls_facts, see tls/facts_message.h. */
struct tlsproxy_session {
    int stream; /* -1: the handshake failed, and all else is empty */
    struct str protocol;
    struct str cipher;
    uint64_t used_bits;
    uint64_t total_bits;
    struct str key_exchange;
    struct str server_signature;
    struct str server_digest;
    struct str client_signature;
    struct str client_digest;
    struct str server_name;
    bool is_resumed;
    bool has_certificate;
    bool is_trusted;
    struct str common_name;
    struct str issuer_common_name;
    struct str subject;
    struct str issuer;
    struct str fingerprint;
    struct str key_fingerprint;
    uint64_t verify_error;
};

extern const struct message_type tlsproxy_request_message;
extern const struct message_type tlsproxy_offer_message;
extern const struct message_type tlsproxy_begin_message;
extern const struct message_type tlsproxy_session_message;
extern const struct protocol tlsproxy_protocol;

/*
 * The caller's side, in a fiber. *call_out is to be ended by the caller, also after tlsproxy_start; NULL when there is
 * no TLS (which is true, and no failure) or when it cannot be asked (false).
 */
MUST_USE bool tlsproxy_ask(struct endpoint *tlsproxy, const struct tlsproxy_request *request, struct arena *arena,
                           struct call **call_out, struct failure *why);
/* The socket stays the caller's to close; the stream in *session_out becomes the caller's. timeout: with the handshake.
 */
MUST_USE bool tlsproxy_start(struct call *call, int socket, struct duration timeout, struct arena *arena,
                             const struct tlsproxy_session **session_out, struct failure *why);

#endif
