/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/encryption_policy.h"

#include "smtp/encryption_settings.h"
#include "unit.h"

static const struct encryption_settings settings = {
    .protocols = { "any", 3 },
    .mandatory_protocols = { ">=TLSv1.2", 9 },
    .ciphers = { "medium", 6 },
    .mandatory_ciphers = { "high", 4 },
    .exclude_ciphers = { "A", 1 },
    .mandatory_exclude_ciphers = { "B", 1 },
    .verify_match = { "hostname", 8 },
    .secure_match = { "nexthop, dot-nexthop", 20 },
    .fingerprint_match = { "AA:BB, CC:DD", 12 },
};

TEST(a_level_brings_what_the_settings_have_for_it)
{
    struct arena *arena = arena_create();
    struct encryption_policy policy = encryption_policy_at(&settings, ENCRYPTION_MAY, arena);

    EXPECT_STR(policy.protocols, STR("any"));
    EXPECT_UINT(policy.exclusion_count, 1);
    EXPECT_UINT(policy.match.count, 0);
    policy = encryption_policy_at(&settings, ENCRYPTION_FINGERPRINT, arena);
    EXPECT_STR(policy.ciphers, STR("high"));
    EXPECT_UINT(policy.match.count, 2);
    EXPECT_STR(policy.match.items[0], STR("AA:BB"));
    policy = encryption_policy_at(&settings, ENCRYPTION_SECURE, arena);
    EXPECT_UINT(policy.match.count, 2);
    EXPECT_UINT(policy.exclusion_count, 2);
    arena_destroy(&arena);
}

TEST(a_policy_is_a_level_and_attributes)
{
    struct arena *arena = arena_create();
    struct encryption_policy policy;
    struct failure why;

    EXPECT(encryption_policy_parse(
        &settings, STR("secure match=a.test:.b.test exclude=C protocols=TLSv1.3 match=c.test"), arena, &policy, &why));
    EXPECT_INT(policy.level, ENCRYPTION_SECURE);
    EXPECT_UINT(policy.match.count, 3);
    EXPECT_STR(policy.match.items[1], STR(".b.test"));
    EXPECT_UINT(policy.exclusion_count, 3);
    EXPECT_STR(policy.exclusions[2], STR("C"));
    EXPECT_STR(policy.protocols, STR("TLSv1.3"));
    EXPECT(encryption_policy_parse(&settings, STR("may exclude=C"), arena, &policy, &why));
    EXPECT_UINT(policy.exclusion_count, 2);
    EXPECT_STR(policy.exclusions[1], STR("C"));
    arena_destroy(&arena);
}

TEST(a_policy_keeps_its_own_words_at_a_lower_level)
{
    struct arena *arena = arena_create();
    struct encryption_policy policy;
    struct failure why;

    EXPECT(encryption_policy_parse(&settings, STR("dane-only ciphers=high exclude=C"), arena, &policy, &why));
    EXPECT_INT(policy.level, ENCRYPTION_DANE_ONLY);
    EXPECT_UINT(policy.exclusion_count, 3);
    EXPECT_STR(policy.protocols, settings.mandatory_protocols);
    encryption_policy_lower(&settings, ENCRYPTION_MAY, &policy, arena);
    EXPECT_INT(policy.level, ENCRYPTION_MAY);
    EXPECT_UINT(policy.exclusion_count, 2);
    EXPECT_STR(policy.exclusions[1], STR("C"));
    EXPECT_STR(policy.ciphers, STR("high"));
    EXPECT_STR(policy.protocols, settings.protocols);
    arena_destroy(&arena);
}

TEST(a_policy_of_mta_sts_names_the_servers)
{
    struct encryption_settings enforcing = settings;
    struct arena *arena = arena_create();
    struct encryption_policy policy;
    struct failure why;
    struct str text = STR("secure match=a.test servername=a.test policy_type=sts policy_domain=d.test policy_ttl=5 "
                          "{ policy_string = mode: enforce } mx_host_pattern=*.a.test {mx_host_pattern=b.test}");

    EXPECT(encryption_policy_parse(&settings, text, arena, &policy, &why));
    EXPECT_UINT(policy.sts_patterns.count, 0);
    EXPECT_STR(policy.match.items[0], STR("a.test"));
    EXPECT_STR(policy.server_name, STR("a.test"));
    enforcing.enforce_sts_patterns = true;
    EXPECT(encryption_policy_parse(&enforcing, text, arena, &policy, &why));
    EXPECT_UINT(policy.sts_patterns.count, 2);
    EXPECT_STR(policy.sts_patterns.items[1], STR("b.test"));
    EXPECT_UINT(policy.match.count, 1);
    EXPECT_STR(policy.match.items[0], STR("hostname"));
    EXPECT_STR(policy.server_name, STR("hostname"));
    /* Where nobody must be proven, or of whatever else, it is only told of. */
    EXPECT(
        encryption_policy_parse(&enforcing, STR("may policy_type=sts mx_host_pattern=a.test"), arena, &policy, &why));
    EXPECT_UINT(policy.sts_patterns.count, 0);
    EXPECT(encryption_policy_parse(&enforcing, STR("secure policy_type=no-policy-found mx_host_pattern=a.test"), arena,
                                   &policy, &why));
    EXPECT_UINT(policy.sts_patterns.count, 0);
    arena_destroy(&arena);
}

TEST(a_bad_policy_is_told)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        { "", "invalid empty policy" },
        { "safe", "invalid security level \"safe\"" },
        { "half-dane", "invalid security level \"half-dane\"" },
        { "dane match=a", "attribute \"match\" invalid at security level \"dane\"" },
        { "encrypt x", "malformed attribute/value pair \"x\": missing '=' after attribute name" },
        { "encrypt x=y", "invalid attribute name: \"x\"" },
        { "encrypt ciphers=", "attribute \"ciphers\" has empty value" },
        { "may {policy_string = x", "missing '}' in \"{policy_string = x\"" },
        { "may { policy_string }",
          "malformed attribute/value pair \" policy_string \": missing '=' after attribute name" },
        { "may { policy_string = }", "attribute \"policy_string\" has empty value" },
        { "may policy_type=tlsa", "invalid policy_type value \"tlsa\"" },
        { "encrypt match=a", "attribute \"match\" invalid at security level \"encrypt\"" },
        { "none ciphers=high", "attribute \"ciphers\" invalid at security level \"none\"" },
    };
    struct arena *arena = arena_create();
    struct encryption_policy policy;
    struct failure why;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        EXPECT(!encryption_policy_parse(&settings, str_from_c(rows[i].text), arena, &policy, &why));
        EXPECT_STR(str_from_c(why.text), str_from_c(rows[i].why));
    }
    arena_destroy(&arena);
}

TEST(words_of_match_stand_for_the_servers_names)
{
    struct arena *arena = arena_create();
    struct strlist match = strlist_split(arena, STR("nexthop dot-nexthop hostname x.test"), " ");
    struct strlist names = encryption_match_names(&match, STR("example.com"), STR("mx.example.com"), arena);

    EXPECT_UINT(names.count, 4);
    EXPECT_STR(names.items[0], STR("example.com"));
    EXPECT_STR(names.items[1], STR(".example.com"));
    EXPECT_STR(names.items[2], STR("mx.example.com"));
    EXPECT_STR(names.items[3], STR("x.test"));
    arena_destroy(&arena);
}

TEST(of_two_sites_the_heavier_word_counts_and_may_lowers_nothing)
{
    static const struct {
        const char *nexthop, *host;
        enum encryption_level usual, level;
    } rows[] = {
        { "", "", ENCRYPTION_ENCRYPT, ENCRYPTION_ENCRYPT },
        { "NONE", "", ENCRYPTION_SECURE, ENCRYPTION_NONE },
        { "MAY", "", ENCRYPTION_NONE, ENCRYPTION_MAY },
        { "MAY", "", ENCRYPTION_VERIFY, ENCRYPTION_VERIFY },
        { "MAY", "NONE", ENCRYPTION_MAY, ENCRYPTION_NONE },
        { "must_nopeermatch", "NONE", ENCRYPTION_NONE, ENCRYPTION_ENCRYPT },
        { "MUST_NOPEERMATCH", "MUST", ENCRYPTION_NONE, ENCRYPTION_VERIFY },
        { "MUST", "NONE", ENCRYPTION_NONE, ENCRYPTION_VERIFY },
    };
    enum encryption_level level;
    struct failure why;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        EXPECT(encryption_level_of_site(str_from_c(rows[i].nexthop), str_from_c(rows[i].host), rows[i].usual, &level,
                                        &why));
        EXPECT_UINT(level, rows[i].level);
    }
    EXPECT(!encryption_level_of_site(STR("MAY"), STR("SOMETIMES"), ENCRYPTION_MAY, &level, &why));
}
