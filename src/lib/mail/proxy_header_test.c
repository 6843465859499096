/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/proxy_header.h"

#include "unit.h"

#define V2 "\r\n\r\n\0\r\nQUIT\n"
#define BYTES(text) ((struct str){ text, sizeof(text) - 1 })

/* The problem; "more", or "" for a header that is taken. */
static const char *parse(struct str input, bool is_all, struct proxy_header *header)
{
    const char *problem = "none";

    switch (proxy_header_parse(input, is_all, header, &problem)) {
    case PROXY_HEADER_DONE:
        return "";
    case PROXY_HEADER_NEEDS_MORE:
        return "more";
    case PROXY_HEADER_BAD:
        break;
    }
    return problem;
}

static const char *shown(const struct ip_address *ip)
{
    static char text[IP_ADDRESS_TEXT_MAX];

    return ip_address_format(ip, text);
}

TEST(both_versions_say_who_is_there)
{
    struct proxy_header header;

    EXPECT_TEXT(parse(STR("PROXY TCP4 192.0.2.1 192.0.2.2 4711 25\r\nEHLO x\r\n"), false, &header), "");
    EXPECT_TEXT(shown(&header.client), "192.0.2.1");
    EXPECT_TEXT(shown(&header.server), "192.0.2.2");
    EXPECT_UINT(header.client_port, 4711);
    EXPECT_UINT(header.server_port, 25);
    EXPECT_UINT(header.length, 40);
    EXPECT_TEXT(parse(BYTES(V2 "\x21\x11\0\x10\xc0\0\x02\x01\xc0\0\x02\x02\x12\x67\0\x19\x04\0\x01x"), false, &header),
                "");
    EXPECT_TEXT(shown(&header.client), "192.0.2.1");
    EXPECT_UINT(header.client_port, 4711);
    EXPECT_UINT(header.length, 32);
    EXPECT_TEXT(parse(BYTES(V2 "\x20\x31\x01\0"), false, &header), "");
    EXPECT(header.is_local);
    EXPECT_UINT(header.length, 16 + 256);
}

TEST(a_header_comes_in_any_pieces)
{
    static const struct str whole[] = {
        { "PROXY TCP6 2001:db8::1 ::ffff:1.2.3.4 4711 25\n", 46 },
        { V2 "\x21\x21\0\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
             "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\x12\x67\0\x19",
          52 },
    };
    struct proxy_header header;

    for (size_t i = 0; i < ARRAY_COUNT(whole); i++) {
        for (size_t length = 0; length < whole[i].len; length++) {
            EXPECT_TEXT(parse(str_part(whole[i], 0, length), false, &header), "more");
            EXPECT(strstr(parse(str_part(whole[i], 0, length), true, &header), "protocol header") != NULL);
        }
        EXPECT_TEXT(parse(whole[i], false, &header), "");
        EXPECT_TEXT(shown(&header.client), "2001:db8::1");
    }
}

TEST(what_is_begun_by_a_stranger_is_seen)
{
    EXPECT(proxy_header_is_begun(STR("PROXY TCP4 192.0.2.1 192.0.2.2 1 2"), STR_EMPTY));
    EXPECT(proxy_header_is_begun(STR("PROXY UNKNOWN"), STR_EMPTY));
    EXPECT(proxy_header_is_begun(STR_EMPTY, BYTES("\r\n\0\r\nQUIT\n\x21")));
    EXPECT(!proxy_header_is_begun(STR_EMPTY, STR("\r\nQUIT\r\n")));
    EXPECT(!proxy_header_is_begun(STR("EHLO proxy"), STR_EMPTY));
}
