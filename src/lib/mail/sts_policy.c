/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/sts_policy.h"

#include "base/cursor.h"
#include "mail/domain.h"

/* Section 3.2: about a year. */
enum { MAX_AGE_SECONDS = 31557600, MAX_AGE_DIGITS = 10 };

static const char *const mode_names[] = { "none", "testing", "enforce" };

const char *sts_mode_name(enum sts_mode mode)
{
    return mode_names[mode];
}

/* ---- the record ---- */

static const char blanks[] = " \t";

/* The version, case and all, and what must follow it. */
static bool take_version(struct cursor *cursor)
{
    if (!cursor_skip_str(cursor, STR("v=STSv1")))
        return false;
    (void) cursor_skip_any(cursor, blanks);
    return cursor_skip_char(cursor, ';');
}

bool sts_record_is(struct str record)
{
    struct cursor cursor = cursor_over(record);

    return take_version(&cursor);
}

static bool is_id(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!char_is_alnum(text.data[i]))
            return false;
    }
    return text.len > 0 && text.len <= STS_ID_MAXIMUM;
}

bool sts_record_parse(struct str record, struct str *id_out, struct failure *why)
{
    struct cursor cursor = cursor_over(record);
    struct str name, value, id = STR_EMPTY;

    if (!take_version(&cursor))
        return failure_set(why, FAILURE_PROTOCOL, 0, "it does not begin with \"v=STSv1;\"");
    while (!cursor_at_end(&cursor)) {
        struct str field = str_trim(cursor_take_until(&cursor, ";"));

        (void) cursor_skip_char(&cursor, ';');
        if (field.len == 0)
            continue;
        if (!str_cut(field, '=', &name, &value) || name.len == 0)
            return failure_set(why, FAILURE_PROTOCOL, 0, "it has a field without \"=\"");
        if (id.len == 0 && str_equal(name, STR("id"))) {
            if (!is_id(value))
                return failure_set(why, FAILURE_PROTOCOL, 0, "its id is not one to %d letters and digits",
                                   STS_ID_MAXIMUM);
            id = value;
        }
    }
    if (id.len == 0)
        return failure_set(why, FAILURE_PROTOCOL, 0, "it has no id");
    *id_out = id;
    return true;
}

/* ---- the policy ---- */

struct reading {
    struct arena *arena;
    struct sts_policy policy;
    unsigned seen; /* bits, by row of fields[] */
};

static bool read_version(struct reading *reading, struct str value, struct failure *why)
{
    (void) reading;
    return str_equal(value, STR("STSv1")) || failure_set(why, FAILURE_PROTOCOL, 0, "its version is not STSv1");
}

static bool read_mode(struct reading *reading, struct str value, struct failure *why)
{
    for (size_t i = 0; i < ARRAY_COUNT(mode_names); i++) {
        if (str_equal(value, str_from_c(mode_names[i]))) {
            reading->policy.mode = (enum sts_mode) i;
            return true;
        }
    }
    return failure_set(why, FAILURE_PROTOCOL, 0, "its mode is not enforce, testing or none");
}

static bool read_max_age(struct reading *reading, struct str value, struct failure *why)
{
    uint64_t number;

    if (value.len == 0 || value.len > MAX_AGE_DIGITS || !char_is_digit(value.data[0]) || !str_to_uint64(value, &number))
        return failure_set(why, FAILURE_PROTOCOL, 0, "its max_age is no number of seconds");
    reading->policy.max_age = seconds(number > MAX_AGE_SECONDS ? MAX_AGE_SECONDS : (int64_t) number);
    return true;
}

static bool read_mx(struct reading *reading, struct str value, struct failure *why)
{
    struct str name = str_starts_with(value, STR("*.")) ? str_from(value, 2) : value;

    if (!domain_is_valid_hostname(name, false))
        return failure_set(why, FAILURE_PROTOCOL, 0, "one of its mx is no name of a host");
    if (reading->policy.patterns.count >= STS_PATTERNS_MAXIMUM)
        return failure_set(why, FAILURE_PROTOCOL, 0, "it has more than %d mx", STS_PATTERNS_MAXIMUM);
    strlist_add_view(&reading->policy.patterns, reading->arena, arena_lower(reading->arena, value));
    return true;
}

enum { FIELD_VERSION, FIELD_MODE, FIELD_MAX_AGE, FIELD_MX };

static const struct {
    const char *name;
    bool (*read)(struct reading *reading, struct str value, struct failure *why);
} fields[] = {
    [FIELD_VERSION] = { "version", read_version },
    [FIELD_MODE] = { "mode", read_mode },
    [FIELD_MAX_AGE] = { "max_age", read_max_age },
    [FIELD_MX] = { "mx", read_mx },
};

/* Of a field that is there twice the first counts; only mx may be there more than once. */
static bool read_field(struct reading *reading, struct str name, struct str value, struct failure *why)
{
    for (unsigned i = 0; i < ARRAY_COUNT(fields); i++) {
        if (!str_equal(name, str_from_c(fields[i].name)))
            continue;
        if (i != FIELD_MX && (reading->seen & 1U << i) != 0)
            return true;
        reading->seen |= 1U << i;
        return fields[i].read(reading, value, why);
    }
    return true;
}

static bool is_whole(const struct reading *reading, struct failure *why)
{
    for (unsigned i = 0; i < ARRAY_COUNT(fields); i++) {
        if ((reading->seen & 1U << i) == 0 && !(i == FIELD_MX && reading->policy.mode == STS_NONE))
            return failure_set(why, FAILURE_PROTOCOL, 0, "it has no %s", fields[i].name);
    }
    return true;
}

bool sts_policy_parse(struct str text, struct arena *arena, struct sts_policy *policy_out, struct failure *why)
{
    struct reading reading = { .arena = arena };
    struct cursor cursor = cursor_over(text);
    struct str line, name, value;

    if (text.len > STS_TEXT_MAXIMUM)
        return failure_set(why, FAILURE_PROTOCOL, 0, "it is larger than %d bytes", STS_TEXT_MAXIMUM);
    while (cursor_take_line(&cursor, &line)) {
        if (str_trim(line).len == 0)
            continue;
        if (!str_cut(line, ':', &name, &value))
            return failure_set(why, FAILURE_PROTOCOL, 0, "it has a line without \":\"");
        if (!read_field(&reading, str_trim(name), str_trim(value), why))
            return false;
    }
    if (!is_whole(&reading, why))
        return false;
    *policy_out = reading.policy;
    return true;
}

bool sts_patterns_match(const struct strlist *patterns, struct str host)
{
    size_t dot = str_find_char(host, '.');

    for (size_t i = 0; i < patterns->count; i++) {
        struct str pattern = patterns->items[i];
        bool is_wild = str_starts_with(pattern, STR("*."));

        if (!is_wild && str_equal_nocase(pattern, host))
            return true;
        if (is_wild && dot != STR_NOT_FOUND && dot > 0 && str_equal_nocase(str_from(pattern, 1), str_from(host, dot)))
            return true;
    }
    return false;
}
