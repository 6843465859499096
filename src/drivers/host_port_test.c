/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/host_port.h"

#include "base/str.h"

#include "unit.h"

TEST(servers_in_every_spelling)
{
    static const struct {
        const char *text, *host, *path;
        unsigned port;
    } rows[] = {
        { "db.example.com", "db.example.com", NULL, 0 },    { "db.example.com:3306", "db.example.com", NULL, 3306 },
        { "inet:127.0.0.1:5432", "127.0.0.1", NULL, 5432 }, { "[2001:db8::1]:5432", "2001:db8::1", NULL, 5432 },
        { "[2001:db8::1]", "2001:db8::1", NULL, 0 },        { "2001:db8::1", "2001:db8::1", NULL, 0 },
        { "unix:/run/db/socket", "", "/run/db/socket", 0 }, { "/run/db", "", "/run/db", 0 },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct host_port place;

        EXPECT(host_port_parse(rows[i].text, &place));
        EXPECT_TEXT(place.host, rows[i].host);
        EXPECT_TEXT(place.path, rows[i].path == NULL ? "" : rows[i].path);
        EXPECT_UINT(place.port, rows[i].port);
    }
}

TEST(what_is_no_server_is_refused)
{
    static const char *const rows[] = { "",        "inet:",    ":5432",        "db.example.com:", "db.example.com:0",
                                        "db:port", "db:65536", "[2001:db8::1", "[2001:db8::1]x" };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct host_port place;

        EXPECT_FALSE(host_port_parse(rows[i], &place));
    }
}
