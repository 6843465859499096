/* SPDX-License-Identifier: Apache-2.0 */
#include "postscreen/stamps.h"

#include "base/strbuf.h"

enum { SECONDS_MAXIMUM = 1LL << 40 };

bool stamps_parse(struct str text, struct stamps *stamps_out)
{
    struct stamps stamps;
    bool has_more = true;

    for (enum test test = 0; test < TESTS; test++) {
        struct str field;
        uint64_t number;

        if (!has_more)
            return false;
        has_more = str_cut(text, ';', &field, &text);
        if (!str_to_uint64(field, &number) || number > SECONDS_MAXIMUM)
            return false;
        stamps.ends[test] = instant_from_seconds((int64_t) number);
    }
    if (has_more)
        return false;
    *stamps_out = stamps;
    return true;
}

struct str stamps_format(const struct stamps *stamps, struct arena *arena)
{
    return arena_printf(arena, "%lld;%lld;%lld;%lld;%lld", (long long) instant_seconds(stamps->ends[TEST_GREETING]),
                        (long long) instant_seconds(stamps->ends[TEST_DNSBL]),
                        (long long) instant_seconds(stamps->ends[TEST_PIPELINING]),
                        (long long) instant_seconds(stamps->ends[TEST_NON_SMTP_COMMAND]),
                        (long long) instant_seconds(stamps->ends[TEST_BARE_NEWLINE]));
}

unsigned stamps_missing(const struct stamps *stamps, struct instant now)
{
    unsigned missing = 0;

    for (enum test test = 0; test < TESTS; test++) {
        if (!instant_is_before(now, stamps->ends[test]))
            missing |= TEST_BIT(test);
    }
    return missing;
}

unsigned stamps_never(const struct stamps *stamps)
{
    unsigned never = 0;

    for (enum test test = 0; test < TESTS; test++) {
        if (stamps->ends[test].us == 0)
            never |= TEST_BIT(test);
    }
    return never;
}

void stamps_set_disabled(struct stamps *stamps, enum test test)
{
    if (stamps->ends[test].us == 0)
        stamps->ends[test] = instant_from_seconds(1);
}

struct instant stamps_last(const struct stamps *stamps)
{
    struct instant last = stamps->ends[0];

    for (enum test test = 1; test < TESTS; test++) {
        if (instant_is_before(last, stamps->ends[test]))
            last = stamps->ends[test];
    }
    return last;
}
