/* SPDX-License-Identifier: Apache-2.0 */
#include "config/listen_place.h"

#include "base/strbuf.h"
#include "config/main_cf.h"
#include "config/shared_settings.h"
#include "unit.h"

static struct arena *arena;

static const struct shared_settings *settings_of(const char *text)
{
    const struct shared_settings *shared = NULL;
    struct main_cf *cf;
    struct failure why;

    arena_destroy(&arena);
    arena = arena_create();
    EXPECT(main_cf_parse(str_from_c(text), STR("main.cf"), STR("/etc/x"), arena, &cf, &why));
    EXPECT(shared_settings_load(cf, arena, &shared, &why));
    return shared;
}

static const struct master_cf *services_of(const char *text)
{
    struct master_cf *cf = NULL;
    struct failure why;

    EXPECT(master_cf_parse(str_from_c(text), STR("master.cf"), arena, &cf, &why));
    return cf;
}

/* What the first service of the text listens on, a space between two. */
static void expect_places(const char *main_text, const char *service, const char *expected)
{
    const struct shared_settings *shared = settings_of(main_text);
    struct listen_places places = { 0 };
    struct strbuf all;
    struct failure why;

    EXPECT(listen_places_of(shared, services_of(service)->services, arena, &places, &why));
    strbuf_init(&all, STRBUF_UNLIMITED);
    for (size_t i = 0; i < places.count; i++) {
        struct str place = listen_place_text(&places.items[i], arena);

        strbuf_printf(&all, "%s%.*s", i > 0 ? ", " : "", STR_ARG(place));
    }
    EXPECT_STR(strbuf_str(&all), str_from_c(expected));
    strbuf_done(&all);
}

TEST(a_service_listens_where_its_name_and_inet_interfaces_say)
{
    expect_places("inet_interfaces = all\ninet_protocols = all\n", "2525 inet n - n - - smtpd\n",
                  "0.0.0.0 port 2525, :: port 2525");
    expect_places("inet_interfaces = all\ninet_protocols = ipv4\n", "2525 inet n - n - - smtpd\n", "0.0.0.0 port 2525");
    expect_places("inet_interfaces = 127.0.0.1, 127.0.0.2\n", "2525 inet n - n - - smtpd\n",
                  "127.0.0.1 port 2525, 127.0.0.2 port 2525");
    expect_places("inet_interfaces = all\n", "127.0.0.1:2525 inet n - n - - smtpd\n", "127.0.0.1 port 2525");
    expect_places("inet_protocols = all\n", "[::1]:2525 inet n - n - - smtpd\n", "::1 port 2525");
    expect_places("", "showq unix n - - - - showq\n", "public/showq");
    expect_places("", "bounce unix - - - - 0 bounce\n", "private/bounce");
}

static void expect_shared(const char *main_text, const char *services, const char *expected)
{
    const struct shared_settings *shared = settings_of(main_text);
    const struct master_cf *cf = services_of(services);
    struct failure why = { 0 };

    if (listen_places_are_apart(shared, cf->services, cf->count, &why))
        why.text[0] = '\0';
    EXPECT_TEXT(why.text, expected);
}

TEST(two_services_that_want_one_place_are_told)
{
    expect_shared("inet_interfaces = 127.0.0.1\n", "2525 inet n - n - - smtpd\n127.0.0.1:2525 inet n - n - - smtpd\n",
                  "services 2525/inet (line 1) and 127.0.0.1:2525/inet (line 2) both listen on 127.0.0.1 port 2525");
    expect_shared("inet_interfaces = all\ninet_protocols = ipv4\n",
                  "127.0.0.1:2525 inet n - n - - smtpd\n2525 inet n - n - - smtpd\n",
                  "services 127.0.0.1:2525/inet (line 1) and 2525/inet (line 2) both listen on 127.0.0.1 port 2525");
    expect_shared("", "x unix n - n - - showq\nx fifo n - n - - pickup\n",
                  "services x/unix (line 1) and x/fifo (line 2) both listen on public/x");
}

TEST(others_are_not)
{
    expect_shared("inet_interfaces = 127.0.0.1\n",
                  "2525 inet n - n - - smtpd\n127.0.0.2:2525 inet n - n - - smtpd\n2526 inet n - n - - smtpd\n", "");
    expect_shared("", "x unix n - n - - showq\nx unix-dgram y - n - - postlogd\n", "");
    /* One that is never started takes nothing. */
    expect_shared("", "x unix n - n - - showq\nx pass n - n - - no-such-program\n", "");
    /* Where a service would listen is not known: that is told elsewhere. */
    expect_shared("", "no-such-port inet n - n - - smtpd\nx unix n - n - - showq\n", "");
}
