/* SPDX-License-Identifier: Apache-2.0 */
/* MTA-STS: records and policies, which anybody who owns a domain may write; the first line is the record. */

#include "mail/sts_policy.h"
#include "base/check.h"
#include "mail/domain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at_policy(const struct sts_policy *policy)
{
    CHECK(policy->max_age.us >= 0);
    CHECK(policy->mode == STS_NONE || policy->patterns.count > 0);
    CHECK(policy->patterns.count <= STS_PATTERNS_MAXIMUM);
    for (size_t i = 0; i < policy->patterns.count; i++) {
        struct str pattern = policy->patterns.items[i];

        if (str_starts_with(pattern, STR("*."))) {
            CHECK(domain_is_valid_hostname(str_from(pattern, 2), false));
            CHECK(!sts_patterns_match(&policy->patterns, STR_EMPTY));
        } else {
            CHECK(domain_is_valid_hostname(pattern, false));
            CHECK(sts_patterns_match(&policy->patterns, pattern));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str record, text, id;
    struct sts_policy policy;
    struct failure why = { .kind = FAILURE_NONE };
    struct arena *arena = arena_create();

    (void) str_cut(str_make((const char *) data, size), '\n', &record, &text);
    if (sts_record_parse(record, &id, &why)) {
        CHECK(sts_record_is(record));
        CHECK(id.len > 0 && id.len <= STS_ID_MAXIMUM && str_find_any(id, " ;=\t\r\n") == STR_NOT_FOUND);
    } else {
        CHECK(why.text[0] != '\0');
    }
    why.text[0] = '\0';
    if (sts_policy_parse(text, arena, &policy, &why))
        look_at_policy(&policy);
    else
        CHECK(why.text[0] != '\0');
    arena_destroy(&arena);
    return 0;
}
