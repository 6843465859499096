/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/sessions.h"

#include "dns/answer.h"
#include "tls/client.h"

#include "unit.h"

static const struct str exclusions[] = { { "DES", 3 } };
static const struct str other_exclusions[] = { { "RC4", 3 } };
static struct str names[] = { { "mx.example.test", 15 }, { "example.test", 12 } };
static const struct dns_record record = {
    .type = DNS_TYPE_TLSA, .tlsa_usage = 3, .tlsa_selector = 1, .tlsa_matching = 1, .data = { "0123", 4 }
};
static const struct dns_record other_record = {
    .type = DNS_TYPE_TLSA, .tlsa_usage = 3, .tlsa_selector = 1, .tlsa_matching = 1, .data = { "0124", 4 }
};

static struct tls_demand usual_demand(void)
{
    return (struct tls_demand){
        .protocols = STR(">=TLSv1"),
        .ciphers = STR("medium"),
        .exclusions = exclusions,
        .exclusion_count = 1,
        .server_name = STR("mx.example.test"),
        .proof = TLS_PROOF_NAME,
        .names = { .items = names, .count = 1 },
        .session_title = STR("smtp&example.test&mx.example.test&192.0.2.1&"),
        .session_owner = STR("ann"),
        .tlsa_records = &record,
        .tlsa_count = 1,
    };
}

/* Each in turn, and nothing else. */
static bool change(struct tls_demand *demand, unsigned which)
{
    switch (which) {
    case 0:
        demand->protocols = STR(">=TLSv1.2");
        return true;
    case 1:
        demand->ciphers = STR("high");
        return true;
    case 2:
        demand->exclusions = other_exclusions;
        return true;
    case 3:
        demand->exclusion_count = 0;
        return true;
    case 4:
        demand->server_name = STR_EMPTY;
        return true;
    case 5:
        demand->proof = TLS_PROOF_NONE;
        return true;
    case 6:
        demand->names.count = 2;
        return true;
    case 7:
        demand->fingerprints = demand->names;
        return true;
    case 8:
        demand->session_title = STR("smtp&other.test&mx.example.test&192.0.2.1&");
        return true;
    case 9:
        demand->session_owner = STR("bob");
        return true;
    case 10:
        demand->tlsa_records = &other_record;
        return true;
    case 11:
        demand->tlsa_count = 0;
        return true;
    case 12:
        demand->is_host_unsure = true;
        return true;
    default:
        return false;
    }
}

TEST(whatever_is_demanded_otherwise_is_another_session)
{
    struct arena *arena = arena_create();
    struct tls_demand demand = usual_demand();
    struct str usual = tls_session_id(&demand, STR("context"), arena);

    EXPECT(str_equal(tls_session_id(&demand, STR("context"), arena), usual));
    EXPECT(str_starts_with(usual, demand.session_title));
    EXPECT_FALSE(str_equal(tls_session_id(&demand, STR("other"), arena), usual));
    for (unsigned which = 0; change(&demand, which); which++) {
        EXPECT_FALSE(str_equal(tls_session_id(&demand, STR("context"), arena), usual));
        demand = usual_demand();
    }
    arena_destroy(&arena);
}

TEST(a_name_in_the_store_is_never_longer_than_the_store_allows)
{
    struct arena *arena = arena_create();
    struct tls_demand demand = usual_demand();
    char text[2000];
    struct str one, other;

    memset(text, 'x', sizeof text);
    demand.session_title = str_make(text, sizeof text);
    one = tls_session_id(&demand, STR("context"), arena);
    text[sizeof text - 1] = 'y';
    other = tls_session_id(&demand, STR("context"), arena);
    EXPECT(one.len <= 450);
    EXPECT_FALSE(str_equal(one, other));
    arena_destroy(&arena);
}

TEST(contexts_that_believe_others_are_not_the_same)
{
    struct arena *arena = arena_create();
    SSL_CTX *one = SSL_CTX_new(TLS_client_method()), *other = SSL_CTX_new(TLS_client_method());

    EXPECT(str_equal(tls_context_digest(one, arena), tls_context_digest(other, arena)));
    SSL_CTX_set_verify_depth(one, 5);
    EXPECT_FALSE(str_equal(tls_belief_digest(one, arena), tls_belief_digest(other, arena)));
    SSL_CTX_free(one);
    SSL_CTX_free(other);
    arena_destroy(&arena);
}
