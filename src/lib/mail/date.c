/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/date.h"

#include "base/cursor.h"

#include <stdlib.h>
#include <time.h>

static const char *const day_names[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char *const month_names[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

static void append_two_digits(struct strbuf *out, long number, char after)
{
    char text[] = { (char) ('0' + number / 10 % 10), (char) ('0' + number % 10), after };

    strbuf_append_bytes(out, text, sizeof text);
}

static void append_day(struct strbuf *out, const struct tm *when)
{
    long year = when->tm_year + 1900;

    strbuf_append_c(out, day_names[when->tm_wday]);
    strbuf_append(out, STR(", "));
    if (when->tm_mday >= 10)
        strbuf_append_char(out, (char) ('0' + when->tm_mday / 10));
    strbuf_append_char(out, (char) ('0' + when->tm_mday % 10));
    strbuf_append_char(out, ' ');
    strbuf_append_c(out, month_names[when->tm_mon]);
    if (year >= 0 && year <= 9999) {
        strbuf_append_char(out, ' ');
        strbuf_append_char(out, (char) ('0' + year / 1000));
        strbuf_append_char(out, (char) ('0' + year / 100 % 10));
        append_two_digits(out, year, ' ');
    } else {
        strbuf_printf(out, " %ld ", year);
    }
}

/* "Sun, 22 Nov 2026 09:05:00 +0100 (CET)". Every message has one: printf would take longer than all the rest of its
 * trace line. */
static bool append_date(struct strbuf *out, const struct tm *when, long offset_seconds, const char *zone)
{
    long minutes = labs(offset_seconds) / 60;

    append_day(out, when);
    append_two_digits(out, when->tm_hour, ':');
    append_two_digits(out, when->tm_min, ':');
    append_two_digits(out, when->tm_sec, ' ');
    strbuf_append_char(out, offset_seconds < 0 ? '-' : '+');
    append_two_digits(out, minutes / 60, (char) ('0' + minutes % 60 / 10));
    strbuf_append_char(out, (char) ('0' + minutes % 10));
    strbuf_append(out, STR(" ("));
    strbuf_append_c(out, zone);
    return strbuf_append_char(out, ')') && !out->is_overflowed;
}

bool date_append(struct strbuf *out, struct instant when)
{
    time_t time = (time_t) instant_seconds(when);
    struct tm parts;

    if (localtime_r(&time, &parts) == NULL)
        return date_append_utc(out, instant_from_seconds(0));
    return append_date(out, &parts, parts.tm_gmtoff, parts.tm_zone);
}

bool date_append_utc(struct strbuf *out, struct instant when)
{
    time_t time = (time_t) instant_seconds(when);
    struct tm parts;

    if (gmtime_r(&time, &parts) == NULL)
        return date_append_utc(out, instant_from_seconds(0));
    return append_date(out, &parts, 0, "UTC");
}

/* Blanks, line folds and comments, nested to any depth. */
static void skip_blanks(struct cursor *cursor)
{
    int depth = 0;

    while (!cursor_at_end(cursor)) {
        char c = cursor_peek(cursor);

        if (c == '(')
            depth++;
        else if (c == ')' && depth > 0)
            depth--;
        else if (depth == 0 && !char_is_space(c))
            return;
        cursor_skip_char(cursor, c);
        if (c == '\\' && depth > 0)
            cursor_take_char(cursor, &c);
    }
}

static bool take_number(struct cursor *cursor, uint64_t maximum, uint64_t *value_out)
{
    skip_blanks(cursor);
    return cursor_take_uint64(cursor, value_out) && *value_out <= maximum;
}

static bool take_month(struct cursor *cursor, int *month_out)
{
    struct str word;

    skip_blanks(cursor);
    word = cursor_take_while(cursor, char_is_alpha);
    for (int i = 0; i < 12; i++)
        if (str_equal_nocase(word, str_from_c(month_names[i]))) {
            *month_out = i;
            return true;
        }
    return false;
}

/* RFC 5322 section 4.3: 00 to 49 is 2000 on, 50 to 99 and three digits count from 1900. */
static bool take_year(struct cursor *cursor, int *year_out)
{
    uint64_t year;

    if (!take_number(cursor, 9999, &year))
        return false;
    if (year < 50)
        year += 2000;
    else if (year < 1000)
        year += 1900;
    *year_out = (int) year - 1900;
    return true;
}

static bool take_time(struct cursor *cursor, struct tm *parts)
{
    uint64_t hour, minute, second = 0;

    if (!take_number(cursor, 23, &hour))
        return false;
    skip_blanks(cursor);
    if (!cursor_skip_char(cursor, ':') || !take_number(cursor, 59, &minute))
        return false;
    skip_blanks(cursor);
    if (cursor_skip_char(cursor, ':') && !take_number(cursor, 60, &second))
        return false;
    parts->tm_hour = (int) hour;
    parts->tm_min = (int) minute;
    parts->tm_sec = (int) second;
    return true;
}

/* The named zones of RFC 5322 section 4.3; all others, military ones too, mean nothing certain: UTC. */
static int64_t named_zone(struct str name)
{
    static const struct {
        const char *name;
        int hours;
    } zones[] = { { "EST", -5 }, { "EDT", -4 }, { "CST", -6 }, { "CDT", -5 },
                  { "MST", -7 }, { "MDT", -6 }, { "PST", -8 }, { "PDT", -7 } };

    for (size_t i = 0; i < ARRAY_COUNT(zones); i++)
        if (str_equal_nocase(name, str_from_c(zones[i].name)))
            return zones[i].hours * 3600;
    return 0;
}

static bool take_zone(struct cursor *cursor, int64_t *offset_out)
{
    uint64_t number;
    int64_t sign;

    skip_blanks(cursor);
    if (cursor_peek(cursor) != '+' && cursor_peek(cursor) != '-') {
        *offset_out = named_zone(cursor_take_while(cursor, char_is_alpha));
        return true;
    }
    sign = cursor_skip_char(cursor, '-') ? -1 : 1;
    cursor_skip_char(cursor, '+');
    if (!cursor_take_uint64(cursor, &number) || number > 9959 || number % 100 > 59)
        return false;
    *offset_out = sign * (int64_t) (number / 100 * 3600 + number % 100 * 60);
    return true;
}

bool date_parse(struct str text, struct instant *when_out)
{
    struct cursor cursor = cursor_over(text);
    struct tm parts = { 0 };
    uint64_t day;
    int64_t offset;

    skip_blanks(&cursor);
    if (cursor_take_while(&cursor, char_is_alpha).len > 0) {
        skip_blanks(&cursor);
        cursor_skip_char(&cursor, ',');
    }
    if (!take_number(&cursor, 31, &day) || day == 0 || !take_month(&cursor, &parts.tm_mon) ||
        !take_year(&cursor, &parts.tm_year) || !take_time(&cursor, &parts) || !take_zone(&cursor, &offset))
        return false;
    skip_blanks(&cursor);
    if (!cursor_at_end(&cursor))
        return false;
    parts.tm_mday = (int) day;
    *when_out = instant_from_seconds((int64_t) timegm(&parts) - offset);
    return true;
}
