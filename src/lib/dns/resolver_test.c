/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/resolver.h"

#include "dns/host_lookup.h"
#include "os/environment.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/poller.h"

#include "unit.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * A name server on loopback in the test's own loop. It knows a few names, answers the rest with NXDOMAIN, and
 * keeps silent about "silent.test".
 */
struct server {
    struct loop *loop;
    int fd;
    struct poller *poller;
    uint16_t port;
    unsigned questions;
    const char *address; /* of host.test, 4 bytes */
};

static void open_server(struct server *server, struct loop *loop)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(in);

    server->loop = loop;
    server->address = "\xc0\0\x02\x07";
    server->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    EXPECT_INT(bind(server->fd, (struct sockaddr *) &in, sizeof(in)), 0);
    EXPECT_INT(getsockname(server->fd, (struct sockaddr *) &in, &len), 0);
    server->port = ntohs(in.sin_port);
    EXPECT(poller_create(loop, server->fd, &server->poller, NULL));
}

static size_t put_answer(const struct server *server, char *packet, size_t len, const char *name, unsigned type)
{
    char record[16] = "\xc0\x0c\0\0\0\x01\0\0\0\x3c\0";

    record[3] = (char) type;
    if (strcmp(name, "host.test") == 0 && type == DNS_TYPE_A) {
        memcpy(record + 10, "\0\x04", 2);
        memcpy(record + 12, server->address, 4);
        memcpy(packet + len, record, 16);
        packet[7] = 1;
        return len + 16;
    }
    if (strcmp(name, "host.test") == 0)
        return len;
    if (strcmp(name, "broken.test") == 0) {
        packet[7] = 9;
        return len;
    }
    packet[3] = (char) (strcmp(name, "failing.test") == 0 ? 0x82 : 0x83);
    return len;
}

static void answer_one(struct server *server)
{
    char packet[600];
    struct sockaddr_storage from;
    socklen_t from_len = sizeof(from);
    ssize_t got = recvfrom(server->fd, packet, 500, 0, (struct sockaddr *) &from, &from_len);
    char name[256] = "";
    size_t place = 12, len = 0;

    if (got < 17)
        return;
    while (packet[place] != 0 && place + 1 < (size_t) got) {
        size_t label = (unsigned char) packet[place];

        if (len > 0)
            name[len++] = '.';
        for (size_t i = 0; i < label; i++)
            name[len++] = char_to_lower(packet[place + 1 + i]);
        place += label + 1;
    }
    server->questions++;
    if (strcmp(name, "silent.test") == 0)
        return;
    packet[2] = (char) 0x85;
    packet[3] = (char) 0x80;
    memset(packet + 6, 0, 6);
    len = put_answer(server, packet, place + 5, name, (unsigned char) packet[place + 2]);
    EXPECT(sendto(server->fd, packet, len, 0, (struct sockaddr *) &from, from_len) > 0);
}

static void serve(void *context)
{
    struct server *server = context;
    while (poller_wait(server->poller, POLLER_READ, seconds(30), NULL))
        answer_one(server);
    poller_destroy(&server->poller);
    close(server->fd);
}

struct scene {
    struct loop *loop;
    struct server server;
    struct resolver *resolver;
    struct arena *arena;
    const char *conf;
    void (*play)(struct scene *scene);
};

static void write_conf(const struct scene *scene, uint16_t port)
{
    FILE *file = fopen(scene->conf, "w");

    EXPECT(file != NULL && fprintf(file, "nameserver 127.0.0.1@%u\n", port) > 0);
    if (file != NULL)
        fclose(file);
}

static void run_scene(void *context)
{
    struct scene *scene = context;
    fiber_start(scene->loop, serve, &scene->server);
    scene->play(scene);
    poller_abort(scene->server.poller);
}

static void play_with(struct resolver_options options, void (*function)(struct scene *scene))
{
    struct scene scene = { .play = function };
    char path[300];

    scene.loop = loop_create();
    scene.arena = arena_create();
    snprintf(path, sizeof(path), "%s/resolv.conf", unit_directory());
    scene.conf = path;
    options.resolv_conf = path;
    open_server(&scene.server, scene.loop);
    write_conf(&scene, scene.server.port);
    EXPECT(resolver_create(scene.loop, &options, &scene.resolver, NULL));
    fiber_start(scene.loop, run_scene, &scene);
    loop_run(scene.loop);
    /* What libunbound still waits for must not hinder the end. */
    resolver_destroy(&scene.resolver);
    loop_destroy(&scene.loop);
    arena_destroy(&scene.arena);
}

static void play(void (*function)(struct scene *scene))
{
    play_with((struct resolver_options){ .timeout = seconds(3) }, function);
}

static void ask_all(struct scene *scene)
{
    static const struct {
        const char *name;
        enum dns_type type;
        enum dns_outcome outcome;
    } rows[] = {
        { "host.test", DNS_TYPE_A, DNS_FOUND },          { "HOST.test.", DNS_TYPE_A, DNS_FOUND },
        { "host.test", DNS_TYPE_MX, DNS_ABSENT_RECORD }, { "none.test", DNS_TYPE_MX, DNS_ABSENT_NAME },
        { "failing.test", DNS_TYPE_MX, DNS_UNKNOWN },    { "broken.test", DNS_TYPE_MX, DNS_UNKNOWN },
        { "silent.test", DNS_TYPE_MX, DNS_UNKNOWN },     { "", DNS_TYPE_MX, DNS_ABSENT_NAME },
        { "a..b", DNS_TYPE_MX, DNS_ABSENT_NAME },        { "a b", DNS_TYPE_MX, DNS_ABSENT_NAME },
    };
    struct dns_answer answer;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        resolver_lookup(scene->resolver, str_from_c(rows[i].name), rows[i].type, scene->arena, &answer);
        EXPECT_INT(answer.outcome, rows[i].outcome);
    }
}

TEST(each_outcome_is_told_apart)
{
    play(ask_all);
}

static void ask_for_private_names(struct scene *scene)
{
    static const char *const names[] = {
        "localhost",
        "a.localhost",
        "1.0.0.127.in-addr.arpa",
        "9.0.168.192.in-addr.arpa",
        "x.home.arpa",
        "none.invalid",
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa",
    };
    struct dns_answer answer;

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        unsigned before = scene->server.questions;

        resolver_lookup(scene->resolver, str_from_c(names[i]), DNS_TYPE_PTR, scene->arena, &answer);
        EXPECT_INT(answer.outcome, DNS_ABSENT_NAME);
        EXPECT_STR(str_from_c(scene->server.questions > before ? "" : names[i]), STR(""));
    }
}

TEST(no_name_is_answered_without_the_server)
{
    play(ask_for_private_names);
}

static void ask_twice(struct scene *scene)
{
    struct dns_answer answer;
    unsigned before;

    resolver_lookup(scene->resolver, STR("host.test"), DNS_TYPE_A, scene->arena, &answer);
    before = scene->server.questions;
    resolver_lookup(scene->resolver, STR("host.test"), DNS_TYPE_A, scene->arena, &answer);
    EXPECT_INT(answer.outcome, DNS_FOUND);
    EXPECT_UINT(scene->server.questions, before);
}

TEST(an_answer_is_kept_for_its_ttl)
{
    play(ask_twice);
}

static void change_servers(struct scene *scene)
{
    struct server second;
    struct dns_answer answer;
    char text[IP_ADDRESS_TEXT_MAX];

    resolver_lookup(scene->resolver, STR("host.test"), DNS_TYPE_A, scene->arena, &answer);
    EXPECT_TEXT(ip_address_format(&answer.records[0].address, text), "192.0.2.7");
    memset(&second, 0, sizeof(second));
    open_server(&second, scene->loop);
    second.address = "\xc0\0\x02\x63";
    fiber_start(scene->loop, serve, &second);
    write_conf(scene, second.port);
    /* The file is looked at once a second. */
    fiber_sleep(scene->loop, milliseconds(1100));
    resolver_lookup(scene->resolver, STR("host.test"), DNS_TYPE_A, scene->arena, &answer);
    EXPECT_INT(answer.outcome, DNS_FOUND);
    EXPECT_TEXT(ip_address_format(&answer.records[0].address, text), "192.0.2.99");
    poller_abort(second.poller);
    fiber_yield(scene->loop);
}

TEST(a_changed_resolv_conf_is_followed)
{
    play(change_servers);
}

struct unwanted {
    struct scene *scene;
    struct dns_answer answer;
    bool is_over;
};

static void ask_in_vain(void *context)
{
    struct unwanted *unwanted = context;

    resolver_lookup(unwanted->scene->resolver, STR("silent.test"), DNS_TYPE_A, unwanted->scene->arena,
                    &unwanted->answer);
    unwanted->is_over = true;
}

static void cancel_lookups(struct scene *scene)
{
    struct unwanted asked = { .scene = scene }, waiting = { .scene = scene };

    fiber_start(scene->loop, ask_in_vain, &asked);
    while (scene->server.questions == 0)
        fiber_yield(scene->loop);
    fiber_start(scene->loop, ask_in_vain, &waiting);
    fiber_yield(scene->loop);
    resolver_cancel(scene->resolver, &asked.answer);
    fiber_yield(scene->loop);
    EXPECT(asked.is_over);
    EXPECT(!waiting.is_over);
    EXPECT_INT(asked.answer.outcome, DNS_UNKNOWN);
    resolver_cancel(scene->resolver, &waiting.answer);
    fiber_yield(scene->loop);
    EXPECT(waiting.is_over);
    EXPECT_INT(waiting.answer.outcome, DNS_UNKNOWN);
    resolver_cancel(scene->resolver, &waiting.answer);
}

TEST(a_lookup_that_nobody_wants_ends_at_once)
{
    play(cancel_lookups);
}

static void look_up_hosts(struct scene *scene)
{
    struct host_lookup_options options = {
        .may_use_dns = true, .may_use_native = true, .wants_ipv4 = true, .wants_ipv6 = true, .timeout = seconds(5)
    };
    char path[300];
    struct host_lookup *lookup;
    struct host_addresses found;
    struct peer_name peer;
    struct ip_address address;
    FILE *file;

    snprintf(path, sizeof(path), "%s/hosts", unit_directory());
    file = fopen(path, "w");
    EXPECT(file != NULL && fputs("127.0.0.1 localhost\n192.0.2.8 lying.test\n192.0.2.7 host.test\n", file) >= 0);
    if (file != NULL)
        fclose(file);
    setenv("MERPATI_HOSTS", path, 1);
    lookup = host_lookup_create(scene->loop, scene->resolver, &options);

    host_lookup_addresses(lookup, STR("host.test"), scene->arena, &found);
    EXPECT_INT(found.outcome, DNS_FOUND);
    EXPECT_UINT(found.count, 1);
    host_lookup_addresses(lookup, STR("192.0.2.55"), scene->arena, &found);
    EXPECT_UINT(found.count, 1);
    host_lookup_addresses(lookup, STR("localhost"), scene->arena, &found);
    EXPECT_INT(found.outcome, DNS_FOUND);
    host_lookup_addresses(lookup, STR("failing.test"), scene->arena, &found);
    EXPECT_INT(found.outcome, DNS_UNKNOWN);
    host_lookup_addresses(lookup, STR("none.test"), scene->arena, &found);
    EXPECT_INT(found.outcome, DNS_ABSENT_NAME);

    EXPECT(ip_address_parse(STR("127.0.0.1"), &address));
    host_lookup_peer_name(lookup, &address, scene->arena, &peer);
    EXPECT_INT(peer.outcome, PEER_NAME_CONFIRMED);
    EXPECT_STR(peer.name, STR("localhost"));
    EXPECT(ip_address_parse(STR("192.0.2.7"), &address));
    host_lookup_peer_name(lookup, &address, scene->arena, &peer);
    EXPECT_STR(peer.name, STR("host.test"));
    EXPECT(ip_address_parse(STR("203.0.113.9"), &address));
    host_lookup_peer_name(lookup, &address, scene->arena, &peer);
    EXPECT_INT(peer.outcome, PEER_NAME_ABSENT);
    EXPECT_STR(peer.name, STR("unknown"));

    unsetenv("MERPATI_HOSTS");
    host_lookup_destroy(&lookup);
}

TEST(hosts_and_peers_are_named_as_the_system_names_them)
{
    play(look_up_hosts);
}

/* ---- validation; with signatures, tests/e2e/test_smtp_dane.py ---- */

static void write_anchors(const char *text)
{
    char path[300];
    FILE *file;

    snprintf(path, sizeof(path), "%s/anchors", unit_directory());
    file = fopen(path, "w");
    EXPECT(file != NULL && fprintf(file, "%s", text) > 0);
    if (file != NULL)
        fclose(file);
    EXPECT(environment_set("MERPATI_TRUST_ANCHORS", path, NULL));
}

static void ask_below_an_anchor(struct scene *scene)
{
    struct dns_answer answer;

    resolver_lookup(scene->resolver, STR("none.example"), DNS_TYPE_MX, scene->arena, &answer);
    EXPECT_INT(answer.outcome, DNS_UNKNOWN);
    EXPECT_STR(str_from_c(answer.reason), STR(RESOLVER_BOGUS));
    EXPECT(!answer.is_secure);
    resolver_lookup(scene->resolver, STR("host.test"), DNS_TYPE_A, scene->arena, &answer);
    EXPECT_INT(answer.outcome, DNS_FOUND);
    EXPECT(!answer.is_secure);
}

TEST(below_a_trust_anchor_what_is_not_signed_is_forged_but_names_of_the_house)
{
    write_anchors("; of nobody\n. 172800 IN DS 1 13 2 "
                  "0000000000000000000000000000000000000000000000000000000000000000 ; key tag 1\n");
    play_with((struct resolver_options){ .timeout = seconds(20), .is_validating = true }, ask_below_an_anchor);
}

TEST(without_a_trust_anchor_nothing_can_be_validated)
{
    static const char *const texts[] = { "; nothing\n", "garbage\n", ". IN A 192.0.2.1\n", "DS 1 13 2 00\n" };
    const struct resolver_options options = { .resolv_conf = "/nonexistent", .is_validating = true };
    struct loop *loop = loop_create();
    struct resolver *resolver;
    struct failure why;

    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        write_anchors(texts[i]);
        EXPECT(!resolver_create(loop, &options, &resolver, &why));
        EXPECT(str_starts_with(str_from_c(why.text), str_from_c(resolver_anchors_path())));
    }
    loop_destroy(&loop);
}
