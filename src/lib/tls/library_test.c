/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/library.h"

#include "unit.h"

static unsigned warnings;

static void count_warning(void *context, const char *text)
{
    (void) context, (void) text;
    warnings++;
}

static const struct tls_listener listener = { count_warning, count_warning, NULL };

static const struct tls_settings settings = {
    .high_cipherlist = { "HIGH", 4 },
    .medium_cipherlist = { "HIGH:MEDIUM", 11 },
    .null_cipherlist = { "eNULL", 5 },
    .eecdh_auto_curves = { "X25519 nosuchcurve prime256v1", 29 },
    .ffdhe_auto_groups = { "ffdhe2048", 9 },
};

TEST(protocols_are_bounds_exclusions_or_a_list)
{
    static const struct {
        const char *list;
        bool is_good;
        int lowest, highest;
        uint64_t excluded;
    } rows[] = {
        { "", true, 0, 0, 0 },
        { ">=TLSv1", true, TLS1_VERSION, 0, 0 },
        { ">=TLSv1.2, <=tlsv1.3", true, TLS1_2_VERSION, TLS1_3_VERSION, 0 },
        { ">=0x0303:<=304", true, TLS1_2_VERSION, TLS1_3_VERSION, 0 },
        { "!SSLv2 !SSLv3, !TLSv1", true, 0, 0, SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 },
        { "TLSv1.2", true, 0, 0, SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_TLSv1_3 },
        { ">=SSLv2", true, 0, 0, 0 },
        { "nonsense", false, 0, 0, 0 },
        { ">=nonsense", false, 0, 0, 0 },
        { ">= TLSv1", false, 0, 0, 0 },
        { "!", false, 0, 0, 0 },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct tls_protocols protocols = { 0 };

        EXPECT_INT(tls_protocols_parse(str_from_c(rows[i].list), &protocols), rows[i].is_good);
        EXPECT_INT(protocols.lowest, rows[i].lowest);
        EXPECT_INT(protocols.highest, rows[i].highest);
        EXPECT_UINT(protocols.excluded, rows[i].excluded);
    }
}

TEST(a_grade_of_ciphers_goes_without_what_is_excluded)
{
    const struct str exclusions[] = { STR("MD5, DES+SHA1"), STR(""), STR("aNULL") };
    struct arena *arena = arena_create();
    struct str list;

    EXPECT(tls_ciphers_of_grade(&settings, STR("Medium"), exclusions, 3, arena, &list));
    EXPECT_STR(list, STR("HIGH:MEDIUM:!MD5:!DES+SHA1:!aNULL"));
    EXPECT(tls_ciphers_of_grade(&settings, STR("null"), exclusions, 0, arena, &list));
    EXPECT_STR(list, STR("eNULL"));
    EXPECT_FALSE(tls_ciphers_of_grade(&settings, STR("best"), exclusions, 0, arena, &list));
    arena_destroy(&arena);
}

TEST(curves_that_nobody_knows_are_left_out_and_told_of)
{
    struct arena *arena = arena_create();

    warnings = 0;
    EXPECT_STR(tls_groups(&settings, &listener, arena), STR("X25519:prime256v1:ffdhe2048"));
    EXPECT_UINT(warnings, 1);
    arena_destroy(&arena);
}

TEST(options_are_names_or_a_mask_and_others_are_told_of)
{
    struct tls_settings with = { .ssl_options = STR("no_ticket, PRIORITIZE_CHACHA nonsense") };

    warnings = 0;
    EXPECT_UINT(tls_library_options(&with, &listener), SSL_OP_ALL | SSL_OP_NO_TICKET | SSL_OP_PRIORITIZE_CHACHA);
    EXPECT_UINT(warnings, 1);
    with = (struct tls_settings){ .ssl_options = STR("0x4000"),
                                  .disable_workarounds = STR("TLSEXT_PADDING CVE-2010-4180") };
    EXPECT_UINT(tls_library_options(&with, &listener), (SSL_OP_ALL & ~SSL_OP_TLSEXT_PADDING) | 0x4000);
    EXPECT_UINT(warnings, 1);
}
