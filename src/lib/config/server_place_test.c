/* SPDX-License-Identifier: Apache-2.0 */
#include "config/server_place.h"

#include "unit.h"

TEST(places_are_read)
{
    static const struct {
        const char *text;
        const char *name, *host;
        unsigned port;
    } rows[] = {
        { "inet:127.0.0.1:10025", "127.0.0.1:10025", "127.0.0.1", 10025 },
        { "filter.test:smtp", "filter.test:smtp", "filter.test", 25 },
        { "[::1]:25", "[::1]:25", "::1", 25 },
        { "inet::25", ":25", "localhost", 25 },
        { "inet:10025", "10025", "localhost", 10025 },
        { "10025", "10025", "localhost", 10025 },
        { "unix:private/filter", "private/filter", "", 0 },
        { "unix:/run/filter:1", "/run/filter:1", "", 0 },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct server_place place;
        struct failure why;

        EXPECT(server_place_parse(str_from_c(rows[i].text), &place, &why));
        EXPECT_STR(place.text, str_from_c(rows[i].text));
        EXPECT_STR(place.name, str_from_c(rows[i].name));
        EXPECT_STR(place.host, str_from_c(rows[i].host));
        EXPECT_UINT(place.port, rows[i].port);
    }
}

TEST(what_is_no_place_is_told)
{
    static const struct {
        const char *text;
        const char *reason;
    } rows[] = {
        { "private/filter", "\"private/filter\": need unix:path or inet:host:port" },
        { "inet:host:nosuchport", "\"host:nosuchport\": no port of that name" },
        { "unix:", "\"unix:\": no path is named" },
        { "inet:", "\"\": need unix:path or inet:host:port" },
        { "127.0.0.1:0", "\"127.0.0.1:0\": no port of that name" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct server_place place;
        struct failure why;

        EXPECT(!server_place_parse(str_from_c(rows[i].text), &place, &why));
        EXPECT_TEXT(why.text, rows[i].reason);
    }
}
