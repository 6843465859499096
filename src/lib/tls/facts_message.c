/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/facts_message.h"

static struct str cut(struct str text)
{
    return str_part(text, 0, TLSPROXY_TEXT_MAXIMUM);
}

void tls_facts_tell(const struct tls_facts *facts, struct tlsproxy_session *message_out)
{
    *message_out = (struct tlsproxy_session){
        .stream = -1,
        .protocol = cut(facts->protocol),
        .cipher = cut(facts->cipher),
        .used_bits = (uint64_t) facts->used_bits,
        .total_bits = (uint64_t) facts->total_bits,
        .key_exchange = cut(facts->key_exchange),
        .server_signature = cut(facts->server_signature),
        .server_digest = cut(facts->server_digest),
        .client_signature = cut(facts->client_signature),
        .client_digest = cut(facts->client_digest),
        .server_name = cut(facts->server_name),
        .is_resumed = facts->is_resumed,
        .has_certificate = facts->has_certificate,
        .is_trusted = facts->is_trusted,
        .common_name = cut(facts->common_name),
        .issuer_common_name = cut(facts->issuer_common_name),
        .subject = cut(facts->subject),
        .issuer = cut(facts->issuer),
        .fingerprint = cut(facts->fingerprint),
        .key_fingerprint = cut(facts->key_fingerprint),
        .verify_error = (uint64_t) facts->verify_error,
    };
}

void tls_facts_hear(const struct tlsproxy_session *message, struct tls_facts *facts_out)
{
    *facts_out = (struct tls_facts){
        .protocol = message->protocol,
        .cipher = message->cipher,
        .used_bits = (int) message->used_bits,
        .total_bits = (int) message->total_bits,
        .key_exchange = message->key_exchange,
        .server_signature = message->server_signature,
        .server_digest = message->server_digest,
        .client_signature = message->client_signature,
        .client_digest = message->client_digest,
        .server_name = message->server_name,
        .is_resumed = message->is_resumed,
        .has_certificate = message->has_certificate,
        .is_trusted = message->is_trusted,
        .common_name = message->common_name,
        .issuer_common_name = message->issuer_common_name,
        .subject = message->subject,
        .issuer = message->issuer,
        .fingerprint = message->fingerprint,
        .key_fingerprint = message->key_fingerprint,
        .verify_error = (long) message->verify_error,
    };
}
