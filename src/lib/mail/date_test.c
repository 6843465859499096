/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/date.h"

#include "unit.h"

#include <stdlib.h>
#include <time.h>

TEST(a_date_names_its_zone)
{
    struct strbuf out;

    strbuf_init(&out, 100);
    EXPECT(date_append_utc(&out, instant_from_seconds(1795312000)));
    EXPECT_STR(strbuf_str(&out), STR("Sun, 22 Nov 2026 01:46:40 +0000 (UTC)"));
    setenv("TZ", "XYZ3:30", 1);
    tzset();
    strbuf_clear(&out);
    EXPECT(date_append(&out, instant_from_seconds(1795312000)));
    EXPECT_STR(strbuf_str(&out), STR("Sat, 21 Nov 2026 22:16:40 -0330 (XYZ)"));
    unsetenv("TZ");
    tzset();
    strbuf_done(&out);
}

TEST(the_days_number_is_as_short_as_it_can_be_and_the_year_has_four_digits)
{
    struct strbuf out;

    strbuf_init(&out, 100);
    EXPECT(date_append_utc(&out, instant_from_seconds(5 * 86400 + 3723)));
    EXPECT_STR(strbuf_str(&out), STR("Tue, 6 Jan 1970 01:02:03 +0000 (UTC)"));
    strbuf_clear(&out);
    EXPECT(date_append_utc(&out, instant_from_seconds(-62135596800 + 30 * 86400)));
    EXPECT_STR(strbuf_str(&out), STR("Wed, 31 Jan 0001 00:00:00 +0000 (UTC)"));
    strbuf_clear(&out);
    EXPECT(date_append_utc(&out, instant_from_seconds(253402300800)));
    EXPECT_STR(strbuf_str(&out), STR("Sat, 1 Jan 10000 00:00:00 +0000 (UTC)"));
    strbuf_done(&out);
}

TEST(a_time_beyond_the_calendar_is_1970)
{
    struct strbuf out;

    strbuf_init(&out, 100);
    EXPECT(date_append_utc(&out, (struct instant){ INT64_MAX }));
    strbuf_clear(&out);
    EXPECT(date_append(&out, instant_from_seconds(0)));
    strbuf_done(&out);
}

static const struct {
    const char *text;
    int64_t seconds; /* -1: is no date */
} cases[] = {
    { "Sun, 22 Nov 2026 01:46:40 +0000 (UTC)", 1795312000 },
    { "22 Nov 2026 01:46 +0100", 1795308360 },
    { "Sat, 21 Nov 2026 20:46:40 EST", 1795312000 },
    { "Sun , 22 (x (y\\)) z) nov 26 01 : 46 : 40 GMT", 1795312000 },
    { "21 Nov 126 17:46:40 PST", 1795312000 },
    { "1 Jan 70 00:00:00 Z", 0 },
    { "Sun, 22 Nov 2026 01:46:40 -0015", 1795312900 },
    { "", -1 },
    { "Sun,", -1 },
    { "32 Nov 2026 01:46:40 +0000", -1 },
    { "0 Nov 2026 01:46:40 +0000", -1 },
    { "22 Foo 2026 01:46:40 +0000", -1 },
    { "22 Nov 20266 01:46:40 +0000", -1 },
    { "22 Nov 2026 25:46:40 +0000", -1 },
    { "22 Nov 2026 01-46:40 +0000", -1 },
    { "22 Nov 2026 01:66:40 +0000", -1 },
    { "22 Nov 2026 01:46:80 +0000", -1 },
    { "22 Nov 2026 01:46:40 +00x", -1 },
    { "22 Nov 2026 01:46:40 +0099", -1 },
    { "22 Nov 2026 01:46:40 +0000 x", -1 },
};

TEST(dates_are_read_in_old_forms_too)
{
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct instant when = instant_from_seconds(-1);

        EXPECT_INT(date_parse(str_from_c(cases[i].text), &when), cases[i].seconds != -1);
        EXPECT_INT(instant_seconds(when), cases[i].seconds);
    }
}
