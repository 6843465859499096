/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/native_lookup.h"

#include "run/fiber.h"
#include "run/loop.h"
#include "run/offload.h"
#include "unit.h"

#include <netdb.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

/* What the C library is made to answer: no test asks a name server or reads /etc. */
static struct {
    int error;
    const char *addresses[100];
    size_t count;
    const char *name;
    char asked[NI_MAXHOST];
    int asked_family;
    unsigned freed;
} library;

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    static struct addrinfo items[100];
    static struct sockaddr_storage sockets[100];

    EXPECT(service == NULL && hints->ai_socktype == SOCK_STREAM);
    snprintf(library.asked, sizeof library.asked, "%s", name);
    library.asked_family = hints->ai_family;
    for (size_t i = 0; i < library.count; i++) {
        struct ip_address address;
        bool is_address = ip_address_parse(str_from_c(library.addresses[i]), &address);

        memset(&sockets[i], 0, sizeof sockets[i]);
        if (is_address)
            (void) ip_address_to_sockaddr(&address, 25, &sockets[i]);
        items[i] = (struct addrinfo){ .ai_addr = (struct sockaddr *) &sockets[i],
                                      .ai_next = i + 1 < library.count ? &items[i + 1] : NULL };
    }
    *result = library.error == 0 ? items : NULL;
    return library.error;
}

void freeaddrinfo(struct addrinfo *result)
{
    EXPECT(result != NULL);
    library.freed++;
}

int getnameinfo(const struct sockaddr *address, socklen_t address_len, char *host, socklen_t host_len, char *service,
                socklen_t service_len, int flags)
{
    struct ip_address asked;

    EXPECT(address_len > 0 && service == NULL && service_len == 0 && flags == NI_NAMEREQD);
    EXPECT(ip_address_from_sockaddr(address, &asked, NULL));
    library.asked_family = address->sa_family;
    snprintf(host, host_len, "%s", library.name);
    return library.error;
}

struct scene {
    struct loop *loop;
    struct offload *offload;
    struct arena *arena;
    void (*play)(struct scene *scene);
};

static void run(void *context)
{
    struct scene *scene = context;

    scene->play(scene);
}

static void play(void (*function)(struct scene *scene))
{
    struct scene scene = { .loop = loop_create(), .arena = arena_create(), .play = function };

    library.error = 0;
    library.count = 0;
    library.name = "";
    library.freed = 0;
    library.asked[0] = '\0';
    scene.offload = offload_create(scene.loop, "names", 1);
    fiber_run(scene.loop, run, &scene);
    offload_destroy(&scene.offload);
    loop_run(scene.loop);
    loop_destroy(&scene.loop);
    arena_destroy(&scene.arena);
}

static struct native_addresses look_up(struct scene *scene, struct str name)
{
    struct native_addresses found;

    native_lookup_addresses(scene->offload, name, AF_UNSPEC, seconds(60), scene->arena, &found);
    return found;
}

static void find_both(struct scene *scene)
{
    struct native_addresses found;

    /* The middle one is of a family that is not ours. */
    library.addresses[0] = "192.0.2.1";
    library.addresses[1] = "of another family";
    library.addresses[2] = "2001:db8::1";
    library.count = 3;
    found = look_up(scene, STR("mail.example.com"));
    EXPECT_INT(found.outcome, DNS_FOUND);
    EXPECT_TEXT(found.reason, "");
    EXPECT_TEXT(library.asked, "mail.example.com");
    EXPECT_INT(library.asked_family, AF_UNSPEC);
    EXPECT_UINT(found.count, 2);
    EXPECT_UINT(library.freed, 1);
    library.count = 1;
    native_lookup_addresses(scene->offload, STR("a.example"), AF_INET6, seconds(60), scene->arena, &found);
    EXPECT_INT(library.asked_family, AF_INET6);
}

TEST(addresses_are_found_in_the_order_of_the_library)
{
    play(find_both);
}

static void find_many(struct scene *scene)
{
    for (size_t i = 0; i < 100; i++)
        library.addresses[i] = "192.0.2.1";
    library.count = 100;
    EXPECT_UINT(look_up(scene, STR("many.example.com")).count, 64);
}

TEST(more_addresses_than_there_is_room_for_are_left_out)
{
    play(find_many);
}

static void fail_in_all_ways(struct scene *scene)
{
    static const struct {
        int error;
        enum dns_outcome outcome;
    } cases[] = {
        { EAI_NONAME, DNS_ABSENT_NAME },       { EAI_FAIL, DNS_ABSENT_NAME }, { EAI_NODATA, DNS_ABSENT_RECORD },
        { EAI_ADDRFAMILY, DNS_ABSENT_RECORD }, { EAI_AGAIN, DNS_UNKNOWN },    { EAI_SYSTEM, DNS_UNKNOWN },
        { EAI_MEMORY, DNS_UNKNOWN },
    };
    struct ip_address address;
    struct str name;

    EXPECT(ip_address_parse(STR("192.0.2.1"), &address));
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct native_addresses found;

        library.error = cases[i].error;
        found = look_up(scene, STR("mail.example.com"));
        EXPECT_INT(found.outcome, cases[i].outcome);
        EXPECT_TEXT(found.reason, gai_strerror(cases[i].error));
        EXPECT_UINT(found.count, 0);
        EXPECT_INT(native_lookup_name(scene->offload, &address, seconds(60), scene->arena, &name), cases[i].outcome);
        EXPECT_STR(name, STR_EMPTY);
    }
    EXPECT_UINT(library.freed, 0);
}

TEST(what_the_library_says_becomes_an_outcome_of_dns)
{
    play(fail_in_all_ways);
}

static void ask_what_is_no_name(struct scene *scene)
{
    char large[NI_MAXHOST + 1];

    memset(large, 'a', sizeof large);
    EXPECT_INT(look_up(scene, STR_EMPTY).outcome, DNS_ABSENT_NAME);
    EXPECT_INT(look_up(scene, STR("a\0b")).outcome, DNS_ABSENT_NAME);
    EXPECT_INT(look_up(scene, str_make(large, NI_MAXHOST)).outcome, DNS_ABSENT_NAME);
    EXPECT_TEXT(library.asked, "");
    library.error = EAI_NONAME;
    EXPECT_INT(look_up(scene, str_make(large, NI_MAXHOST - 1)).outcome, DNS_ABSENT_NAME);
    EXPECT_UINT(strlen(library.asked), NI_MAXHOST - 1);
}

TEST(what_cannot_be_a_name_is_not_asked_for)
{
    play(ask_what_is_no_name);
}

static void find_name(struct scene *scene)
{
    struct ip_address address;
    struct str name;

    library.name = "host.example.com";
    EXPECT(ip_address_parse(STR("2001:db8::1"), &address));
    EXPECT_INT(native_lookup_name(scene->offload, &address, seconds(60), scene->arena, &name), DNS_FOUND);
    EXPECT_STR(name, STR("host.example.com"));
    EXPECT_INT(library.asked_family, AF_INET6);
}

TEST(an_address_has_a_name)
{
    play(find_name);
}

static void wait_in_thread(void *context)
{
    sem_t *go = context;

    while (sem_wait(go) != 0)
        continue;
}

static void occupy(void *context)
{
    struct scene *scene = ((void **) context)[0];

    EXPECT(offload_run(scene->offload, wait_in_thread, ((void **) context)[1], NULL, DURATION_FOREVER, NULL));
}

static void run_out_of_time(struct scene *scene)
{
    sem_t go;
    void *context[] = { scene, &go };
    struct fiber_group others;
    struct native_addresses found;
    struct ip_address address;
    struct str name = STR("old");

    EXPECT(sem_init(&go, 0, 0) == 0 && ip_address_parse(STR("192.0.2.1"), &address));
    fiber_group_init(&others, scene->loop);
    fiber_group_start(&others, occupy, context);
    fiber_yield(scene->loop);
    native_lookup_addresses(scene->offload, STR("a.example"), AF_INET, milliseconds(1), scene->arena, &found);
    EXPECT_INT(found.outcome, DNS_UNKNOWN);
    EXPECT_TEXT(found.reason, gai_strerror(EAI_AGAIN));
    EXPECT_UINT(found.count, 0);
    EXPECT_INT(native_lookup_name(scene->offload, &address, milliseconds(1), scene->arena, &name), DNS_UNKNOWN);
    EXPECT_STR(name, STR_EMPTY);
    EXPECT(sem_post(&go) == 0);
    EXPECT(fiber_group_wait(&others, seconds(60), NULL));
    EXPECT(sem_destroy(&go) == 0);
}

TEST(what_takes_too_long_is_not_known)
{
    play(run_out_of_time);
}
