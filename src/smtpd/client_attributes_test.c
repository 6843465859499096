/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/client_attributes.h"

#include "unit.h"

/* What XCLIENT says of a client in one command, or the reply. */
static struct str take(struct arena *arena, enum client_command command, const char *argument,
                       struct client_attributes *attributes)
{
    struct str reply = STR_EMPTY;

    *attributes = (struct client_attributes){ 0 };
    return client_attributes_take(attributes, command, str_from_c(argument), arena, &reply) ? STR_EMPTY : reply;
}

TEST(values_are_decoded_and_spelt_in_one_way)
{
    struct arena *arena = arena_create();
    struct client_attributes a;

    EXPECT_STR(take(arena, CLIENT_XCLIENT, "addr=ipv6:2001:DB8:0::1 HELO=a+20+3Cb PORT=25 destaddr=192.0.2.1", &a),
               STR_EMPTY);
    EXPECT_STR(a.values[CLIENT_ADDR], STR("2001:db8::1"));
    EXPECT_STR(a.values[CLIENT_HELO], STR("a??b"));
    EXPECT_STR(a.values[CLIENT_PORT], STR("25"));
    EXPECT_STR(a.values[CLIENT_DESTADDR], STR("192.0.2.1"));
    EXPECT(!client_attributes_has(&a, CLIENT_NAME));
    EXPECT_STR(
        take(arena, CLIENT_XFORWARD, "ADDR=IPV6:::ffff:1.2.3.4 source=local IDENT=a+20b HELO=x+2 HELO=y+00z", &a),
        STR_EMPTY);
    EXPECT_STR(a.values[CLIENT_ADDR], STR("1.2.3.4"));
    EXPECT_STR(a.values[CLIENT_SOURCE], STR("LOCAL"));
    EXPECT_STR(a.values[CLIENT_IDENT], STR("a?b"));
    EXPECT_STR(a.values[CLIENT_HELO], STR("y"));
    arena_destroy(&arena);
}

TEST(names_go_with_the_reverse_names)
{
    struct arena *arena = arena_create();
    struct client_attributes a;

    EXPECT_STR(take(arena, CLIENT_XCLIENT, "NAME=a.example", &a), STR_EMPTY);
    EXPECT_STR(a.values[CLIENT_REVERSE_NAME], STR("a.example"));
    EXPECT_STR(take(arena, CLIENT_XCLIENT, "NAME=a.example REVERSE_NAME=[TEMPUNAVAIL]", &a), STR_EMPTY);
    EXPECT(a.is_reverse_name_temporary && !a.is_name_temporary);
    EXPECT_STR(a.values[CLIENT_REVERSE_NAME], STR_EMPTY);
    EXPECT_STR(take(arena, CLIENT_XCLIENT, "REVERSE_NAME=b.example NAME=[unavailable]", &a), STR_EMPTY);
    EXPECT_STR(a.values[CLIENT_REVERSE_NAME], STR("b.example"));
    EXPECT(client_attributes_has(&a, CLIENT_NAME) && !a.is_name_temporary);
    arena_destroy(&arena);
}

TEST(each_command_has_attributes_of_its_own)
{
    struct arena *arena = arena_create();
    struct client_attributes a;

    EXPECT_STR(take(arena, CLIENT_XFORWARD, "LOGIN=me", &a), STR("501 5.5.4 Bad XFORWARD attribute name: LOGIN"));
    EXPECT_STR(take(arena, CLIENT_XCLIENT, "IDENT=x", &a), STR("501 5.5.4 Bad XCLIENT attribute name: IDENT"));
    EXPECT_STR(take(arena, CLIENT_XFORWARD, "NAME=[TEMPUNAVAIL]", &a), STR("501 5.5.4 Bad NAME syntax: [TEMPUNAVAIL]"));
    EXPECT_STR(take(arena, CLIENT_XCLIENT, "PROTO=[UNAVAILABLE]", &a),
               STR("501 5.5.4 Bad PROTO syntax: [UNAVAILABLE]"));
    EXPECT_STR(take(arena, CLIENT_XCLIENT, "NAME=a ADDR", &a), STR("501 5.5.4 Error: attribute=value expected"));
    EXPECT_STR(take(arena, CLIENT_XCLIENT, "PORT=123456", &a), STR("501 5.5.4 Bad PORT syntax: 123456"));
    EXPECT_STR(take(arena, CLIENT_XCLIENT, "NAME=a+0A250+20ok", &a), STR("501 5.5.4 Bad NAME syntax: a?250 ok"));
    arena_destroy(&arena);
}
