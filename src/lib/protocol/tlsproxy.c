/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/tlsproxy.h"

#include "base/time.h"

enum { PATIENCE_SECONDS = 10, PEER_MAXIMUM = 1024 };

#define OWNER struct tlsproxy_session
#define TEXT(member, meaning) MESSAGE_FIELD(OWNER, member, FIELD_STR, TLSPROXY_TEXT_MAXIMUM, meaning)

static const struct message_field tlsproxy_request_fields[] = {
    MESSAGE_FIELD(struct tlsproxy_request, peer, FIELD_STR, PEER_MAXIMUM, "the client, for the log"),
    MESSAGE_FIELD(struct tlsproxy_request, handshake_s, FIELD_UINT, TLSPROXY_SECONDS_MAXIMUM,
                  "seconds for the handshake"),
    MESSAGE_FIELD(struct tlsproxy_request, idle_s, FIELD_UINT, TLSPROXY_SECONDS_MAXIMUM,
                  "seconds without a byte that end the session"),
};
MESSAGE_TYPE(tlsproxy_request);

static const struct message_field tlsproxy_offer_fields[] = {
    MESSAGE_FIELD(struct tlsproxy_offer, is_ready, FIELD_BOOL, 1, "there is TLS"),
};
MESSAGE_TYPE(tlsproxy_offer);

static const struct message_field tlsproxy_begin_fields[] = {
    MESSAGE_FIELD(struct tlsproxy_begin, socket, FIELD_FD, 0, "the client's socket"),
};
MESSAGE_TYPE(tlsproxy_begin);

static const struct message_field tlsproxy_session_fields[] = {
    MESSAGE_FIELD(OWNER, stream, FIELD_FD, 0, "the clear socket; none: the handshake failed"),
    TEXT(protocol, "TLSv1.3"),
    TEXT(cipher, "TLS_AES_256_GCM_SHA384"),
    MESSAGE_FIELD(OWNER, used_bits, FIELD_UINT, UINT16_MAX, "of the cipher's key"),
    MESSAGE_FIELD(OWNER, total_bits, FIELD_UINT, UINT16_MAX, "of the cipher's key"),
    TEXT(key_exchange, "X25519"),
    TEXT(server_signature, "ECDSA (prime256v1)"),
    TEXT(server_digest, "SHA256"),
    TEXT(client_signature, "the client's"),
    TEXT(client_digest, "the client's"),
    TEXT(server_name, "that the client asked for and got"),
    MESSAGE_FIELD(OWNER, is_resumed, FIELD_BOOL, 1, "an earlier session goes on"),
    MESSAGE_FIELD(OWNER, has_certificate, FIELD_BOOL, 1, "the client has shown a certificate"),
    MESSAGE_FIELD(OWNER, is_trusted, FIELD_BOOL, 1, "and an authority vouches for it"),
    TEXT(common_name, "of the certificate"),
    TEXT(issuer_common_name, "of the certificate"),
    TEXT(subject, "of the certificate"),
    TEXT(issuer, "of the certificate"),
    TEXT(fingerprint, "of the certificate"),
    TEXT(key_fingerprint, "of its public key"),
    MESSAGE_FIELD(OWNER, verify_error, FIELD_UINT, UINT32_MAX, "X509_V_*"),
};
MESSAGE_TYPE(tlsproxy_session);

static const struct message_type *const messages[] = {
    &tlsproxy_request_message, &tlsproxy_offer_message, &tlsproxy_begin_message, &tlsproxy_session_message, NULL,
};

const struct protocol tlsproxy_protocol = { "tlsproxy", 1, messages };

static bool hear_offer(struct call *call, const struct tlsproxy_request *request, struct arena *arena,
                       bool *is_ready_out, struct failure *why)
{
    struct duration patience = seconds(PATIENCE_SECONDS);
    void *message;

    if (!call_send(call, &tlsproxy_request_message, request, patience, why) ||
        !call_expect(call, &tlsproxy_offer_message, arena, patience, &message, why))
        return false;
    *is_ready_out = ((const struct tlsproxy_offer *) message)->is_ready;
    return true;
}

bool tlsproxy_ask(struct endpoint *tlsproxy, const struct tlsproxy_request *request, struct arena *arena,
                  struct call **call_out, struct failure *why)
{
    struct call *call = NULL;
    bool is_ready = false;
    bool is_heard;

    /* A client waits to hear whether there is TLS. */
    endpoint_set_connect_timeout(tlsproxy, seconds(PATIENCE_SECONDS));
    is_heard = endpoint_call(tlsproxy, &call, why) && hear_offer(call, request, arena, &is_ready, why);
    if (!is_ready)
        call_end(&call);
    *call_out = call;
    return is_heard;
}

bool tlsproxy_start(struct call *call, int socket, struct duration timeout, struct arena *arena,
                    const struct tlsproxy_session **session_out, struct failure *why)
{
    const struct tlsproxy_begin begin = { socket };
    void *message;

    if (!call_send(call, &tlsproxy_begin_message, &begin, seconds(PATIENCE_SECONDS), why) ||
        !call_expect(call, &tlsproxy_session_message, arena, timeout, &message, why))
        return false;
    *session_out = message;
    return true;
}
