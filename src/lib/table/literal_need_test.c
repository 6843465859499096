/* SPDX-License-Identifier: Apache-2.0 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "table/literal_need.h"

#include "unit.h"

static bool may_match(const char *pattern, const char *text)
{
    struct literal_need need = literal_need_of(str_from_c(pattern));
    struct literal_pairs pairs;

    literal_pairs_of(&pairs, str_from_c(text));
    return literal_need_is_met(&need, &pairs);
}

TEST(a_text_without_the_words_of_a_pattern_is_passed_over)
{
    EXPECT_FALSE(may_match("viagra", "Subject: hello"));
    EXPECT_FALSE(may_match("^Subject:.*viagra", "Subject: hello"));
    EXPECT_FALSE(may_match("^Subject:.*(one|two)", "From: one"));
    EXPECT_FALSE(may_match("^(To|From): .*spam[0-9]+", "From: ham7"));
    EXPECT_FALSE(may_match("a\\.example\\.com", "a example com"));
    EXPECT_FALSE(may_match("ab+c", "aac"));
    EXPECT(may_match("viagra", "buy VIAGRA now"));
    EXPECT(may_match("^Subject:.*viagra", "Subject: cheap Viagra"));
}

TEST(of_a_rule_the_pairs_are_looked_for_that_others_lack)
{
    static const char *const patterns[] = { "bad1\\.example", "bad2\\.example", "bad3\\.example" };
    static struct literal_counts counts;
    struct literal_need needs[ARRAY_COUNT(patterns)];
    struct literal_pairs pairs;

    for (size_t i = 0; i < ARRAY_COUNT(patterns); i++) {
        needs[i] = literal_need_of(str_from_c(patterns[i]));
        literal_counts_add(&counts, &needs[i]);
    }
    literal_pairs_of(&pairs, STR("from host.example bad2.example"));
    for (size_t i = 0; i < ARRAY_COUNT(patterns); i++) {
        struct literal_probe probe = literal_probe_of(&needs[i], &counts);

        EXPECT_UINT(probe.count, LITERAL_PROBE_MAX);
        EXPECT_UINT(counts.counts[probe.pairs[0]], 1);
        EXPECT(literal_probe_is_met(&probe, &pairs) == (i == 1));
    }
}

TEST(of_what_cannot_be_read_nothing_is_known)
{
    static const char *const patterns[] = {
        "one|two",   "(?i)one", "(?x) o n e", "(?#one)",  "\\Qone\\E", "\\x6fne",   "o\\Kne",
        "(*UTF)one", "one)",    "\\p{Lu}x",   "one\\1xy", "\\",        "[[:alpha",  "(one",
        "",          "x",       "o?",         ".*",       "ab{c}de",   "[[.a.]]bc", "[[:b]cd",
    };

    for (size_t i = 0; i < ARRAY_COUNT(patterns); i++)
        EXPECT_UINT(literal_need_of(str_from_c(patterns[i])).count, 0);
}

/* Each text that PCRE2 matches meets the need. */
TEST(what_matches_is_never_passed_over)
{
    static const char *const patterns[] = {
        "abc",     "ab*c",     "ab?c",    "ab+c",      "ab{2}c",  "ab{0,1}c", "a(b|x)c",       "a[b-d]c", "a[]b]c",
        "a[^]b]c", "a.c",      "a\\.c",   "^ab",       "bc$",     "a\\sb",    "a(?:b)?c",      "ab+?c",   "ab*?c",
        "ab++c",   "a(?=b)bc", "a(?!x)b", "(a)bc",     "a{1,}c",  "ab\\bc?",  "[[:alpha:]]bc", "a\\{b",   "AbC",
        "\\-ab",   "a\\ b",    "a b",     "a(?<n>b)c", "a(b(c))", "a(\\))b",  "a([)])b",       "a\\nb",   "x*abc",
    };
    static const char *const texts[] = {
        "abc", "ABC", "ac",  "abbc",   "abbbc", "axc",  "adc", "a]c",  "a.c",    "a\nc",   "ab",   "bc",
        "a b", "a{b", "acc", "a{1,}c", "-ab",   "xabc", "a)b", "a\nb", "aabbcc", "abcabc", "a{b}", "",
    };

    for (size_t i = 0; i < ARRAY_COUNT(patterns); i++) {
        int code;
        PCRE2_SIZE offset;
        pcre2_code *compiled =
            pcre2_compile((PCRE2_SPTR) patterns[i], PCRE2_ZERO_TERMINATED, PCRE2_CASELESS, &code, &offset, NULL);
        pcre2_match_data *match = pcre2_match_data_create(10, NULL);

        assert_non_null(compiled);
        for (size_t j = 0; j < ARRAY_COUNT(texts); j++) {
            if (pcre2_match(compiled, (PCRE2_SPTR) texts[j], PCRE2_ZERO_TERMINATED, 0, 0, match, NULL) >= 0)
                EXPECT(may_match(patterns[i], texts[j]));
        }
        pcre2_match_data_free(match);
        pcre2_code_free(compiled);
    }
}
