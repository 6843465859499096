/* SPDX-License-Identifier: Apache-2.0 */
#include "os/known_ports.h"

#include "os/system_socket.h"
#include "unit.h"

static unsigned port_of(const char *name)
{
    unsigned port = 0;

    return known_ports_find(str_from_c(name), &port) ? port : 0;
}

TEST(each_name_has_the_port_behind_the_last_sign)
{
    struct failure why;

    EXPECT(known_ports_set(STR("lmtp=24, smtps=submissions=465\tours=2525"), &why));
    EXPECT_UINT(port_of("lmtp"), 24);
    EXPECT_UINT(port_of("SMTPS"), 465);
    EXPECT_UINT(port_of("submissions"), 465);
    EXPECT_UINT(port_of("ours"), 2525);
    EXPECT_UINT(port_of("smtp"), 0);
}

TEST(what_is_no_list_is_refused_and_changes_nothing)
{
    static const char *const bad[] = { "x", "x=", "=25", "x=0", "x=65536", "x=25x", "x==25", "smtp=25 y" };
    struct failure why;

    EXPECT(known_ports_set(STR("ours=2525"), &why));
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        EXPECT_FALSE(known_ports_set(str_from_c(bad[i]), &why));
        EXPECT_INT(why.kind, FAILURE_CONFIGURATION);
    }
    EXPECT_UINT(port_of("ours"), 2525);
    EXPECT_UINT(port_of("x"), 0);
    EXPECT_UINT(port_of("smtp"), 0);
}

TEST(ports_are_looked_for_there_first)
{
    struct failure why;
    unsigned port;

    EXPECT(known_ports_set(STR("smtp=2525"), &why));
    EXPECT(system_socket_parse_port(STR("smtp"), &port));
    EXPECT_UINT(port, 2525);
    EXPECT(known_ports_set(STR(""), &why));
    EXPECT(system_socket_parse_port(STR("smtp"), &port));
    EXPECT_UINT(port, 25);
}
