/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/host_lookup.h"

#include "base/strbuf.h"
#include "dns/resolver.h"
#include "run/fiber.h"
#include "run/loop.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Names that stand in the hosts file; no name server is asked for them, and none is there. */
static const char hosts[] = "192.0.2.7 host.test alias.test\n"
                            "2001:db8::7 host.test\n"
                            "192.0.2.8 host.test\n"
                            "2001:db8::9 six.test\n"
                            "192.0.2.30 10.0.0.1\n"
                            "192.0.2.31 bad$name.test\n"
                            "192.0.2.40 moved.test\n";

struct scene {
    struct loop *loop;
    struct arena *arena;
    struct resolver *resolver;
    struct host_lookup *lookup;
    struct host_lookup_options options;
    void (*play)(struct scene *scene);
};

static void run_scene(void *context)
{
    struct scene *scene = context;

    scene->lookup = host_lookup_create(scene->loop, scene->resolver, &scene->options);
    scene->play(scene);
    host_lookup_destroy(&scene->lookup);
}

static void play(void (*function)(struct scene *scene), bool wants_ipv4, bool wants_ipv6)
{
    struct resolver_options resolver = { .resolv_conf = "/nonexistent/resolv.conf", .timeout = milliseconds(1) };
    struct scene scene = {
        .loop = loop_create(),
        .arena = arena_create(),
        .options = { .may_use_native = true, .wants_ipv4 = wants_ipv4, .wants_ipv6 = wants_ipv6 },
        .play = function,
    };
    char path[300];
    FILE *file;

    snprintf(path, sizeof path, "%s/hosts", unit_directory());
    file = fopen(path, "w");
    EXPECT(file != NULL && fputs(hosts, file) >= 0);
    if (file != NULL)
        fclose(file);
    setenv("MERPATI_HOSTS", path, 1);
    EXPECT(resolver_create(scene.loop, &resolver, &scene.resolver, NULL));
    fiber_start(scene.loop, run_scene, &scene);
    loop_run(scene.loop);
    unsetenv("MERPATI_HOSTS");
    resolver_destroy(&scene.resolver);
    loop_destroy(&scene.loop);
    arena_destroy(&scene.arena);
}

static void expect_addresses(struct scene *scene, const char *name, const char *expected)
{
    struct host_addresses found;
    struct strbuf text;

    host_lookup_addresses(scene->lookup, str_from_c(name), scene->arena, &found);
    strbuf_init(&text, 1000);
    for (size_t i = 0; found.outcome == DNS_FOUND && i < found.count; i++) {
        char address[IP_ADDRESS_TEXT_MAX];

        strbuf_printf(&text, "%s%s", i > 0 ? " " : "", ip_address_format(&found.items[i], address));
    }
    EXPECT_STR(strbuf_str(&text), str_from_c(expected));
    if (*expected == '\0')
        EXPECT_INT(found.outcome, DNS_ABSENT_RECORD);
    strbuf_done(&text);
}

static void ask_for_both(struct scene *scene)
{
    expect_addresses(scene, "host.test", "2001:db8::7 192.0.2.7 192.0.2.8");
    expect_addresses(scene, "ALIAS.test", "192.0.2.7");
    expect_addresses(scene, "192.0.2.99", "192.0.2.99");
    expect_addresses(scene, "2001:db8::99", "2001:db8::99");
    EXPECT_TEXT(host_lookup_type_name(scene->lookup), "AAAA");
}

TEST(a_host_has_the_addresses_of_both_protocols)
{
    play(ask_for_both, true, true);
}

static void ask_for_ipv4(struct scene *scene)
{
    expect_addresses(scene, "host.test", "192.0.2.7 192.0.2.8");
    expect_addresses(scene, "six.test", "");
    expect_addresses(scene, "2001:db8::99", "");
    EXPECT_TEXT(host_lookup_type_name(scene->lookup), "A");
}

TEST(a_protocol_that_is_off_gives_no_address)
{
    play(ask_for_ipv4, true, false);
}

static void ask_for_ipv6(struct scene *scene)
{
    expect_addresses(scene, "host.test", "2001:db8::7");
    expect_addresses(scene, "alias.test", "");
    expect_addresses(scene, "192.0.2.99", "");
}

TEST(ipv6_alone_gives_ipv6_alone)
{
    play(ask_for_ipv6, false, true);
}

static struct peer_name name_of(struct scene *scene, const char *address)
{
    struct ip_address parsed;
    struct peer_name name;

    EXPECT(ip_address_parse(str_from_c(address), &parsed));
    host_lookup_peer_name(scene->lookup, &parsed, scene->arena, &name);
    return name;
}

static void ask_for_peers(struct scene *scene)
{
    struct peer_name name = name_of(scene, "192.0.2.7");

    EXPECT_INT(name.outcome, PEER_NAME_CONFIRMED);
    EXPECT_STR(name.name, STR("host.test"));
    name = name_of(scene, "2001:db8::9");
    EXPECT_INT(name.outcome, PEER_NAME_CONFIRMED);
    EXPECT_STR(name.name, STR("six.test"));
    /* A reverse name that is an address, or no host's name, would deceive whoever reads it. */
    name = name_of(scene, "192.0.2.30");
    EXPECT_INT(name.outcome, PEER_NAME_ABSENT);
    EXPECT_STR(name.reverse_name, STR("unknown"));
    name = name_of(scene, "192.0.2.31");
    EXPECT_INT(name.outcome, PEER_NAME_ABSENT);
}

TEST(a_peer_s_name_must_lead_back)
{
    play(ask_for_peers, true, true);
}

static void ask_with_ipv6_alone(struct scene *scene)
{
    struct peer_name name = name_of(scene, "192.0.2.40");

    EXPECT_INT(name.outcome, PEER_NAME_UNCONFIRMED);
    EXPECT_STR(name.name, STR("unknown"));
    EXPECT_STR(name.reverse_name, STR("moved.test"));
    EXPECT_STR(name.trouble, STR("hostname moved.test does not resolve to address 192.0.2.40: Host found but no data "
                                 "record of requested type"));
}

TEST(a_peer_s_name_that_does_not_lead_back_is_not_believed)
{
    play(ask_with_ipv6_alone, false, true);
}
