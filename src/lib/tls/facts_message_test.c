/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/facts_message.h"

#include "unit.h"

TEST(what_is_told_is_heard)
{
    const struct tls_facts facts = {
        .protocol = STR("TLSv1.3"),
        .cipher = STR("TLS_AES_256_GCM_SHA384"),
        .used_bits = 256,
        .total_bits = 256,
        .key_exchange = STR("X25519"),
        .server_signature = STR("ECDSA (prime256v1)"),
        .server_digest = STR("SHA256"),
        .client_signature = STR("RSA-PSS (2048 bits)"),
        .client_digest = STR("SHA384"),
        .server_name = STR("mail.example.com"),
        .is_resumed = true,
        .has_certificate = true,
        .is_trusted = true,
        .common_name = STR("client"),
        .issuer_common_name = STR("authority"),
        .subject = STR("/CN=client"),
        .issuer = STR("/CN=authority"),
        .fingerprint = STR("AB:CD"),
        .key_fingerprint = STR("EF:01"),
        .verify_error = 18,
    };
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    CLEANUP(strbuf_done) struct strbuf bytes;
    struct tlsproxy_session message;
    struct tls_facts heard;
    struct failure why;
    void *decoded;
    int fd = -1;

    strbuf_init(&bytes, 65536);
    tls_facts_tell(&facts, &message);
    EXPECT(message_encode(&tlsproxy_session_message, &message, &bytes, &fd, &why));
    EXPECT_INT(fd, -1);
    EXPECT(message_decode(&tlsproxy_session_message, strbuf_str(&bytes), -1, arena, &decoded, &why));
    tls_facts_hear(decoded, &heard);
    EXPECT_STR(heard.protocol, STR("TLSv1.3"));
    EXPECT_STR(heard.key_fingerprint, STR("EF:01"));
    EXPECT_STR(tls_facts_summary(&heard, arena), tls_facts_summary(&facts, arena));
    EXPECT_STR(heard.subject, STR("/CN=client"));
    EXPECT_STR(heard.issuer, STR("/CN=authority"));
    EXPECT_STR(heard.issuer_common_name, STR("authority"));
    EXPECT_STR(heard.server_name, STR("mail.example.com"));
    EXPECT(heard.is_resumed && heard.has_certificate && heard.is_trusted);
    EXPECT_INT(heard.verify_error, 18);
}

TEST(what_is_too_long_is_cut)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct tls_facts facts = { .subject = { arena_alloc(arena, 5000), 5000 } };
    struct tlsproxy_session message;

    tls_facts_tell(&facts, &message);
    EXPECT_UINT(message.subject.len, TLSPROXY_TEXT_MAXIMUM);
}
