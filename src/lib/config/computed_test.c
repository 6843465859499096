/* SPDX-License-Identifier: Apache-2.0 */
#include "config/computed.h"

#include "unit.h"

static struct arena *arena;

static struct main_cf *parse(const char *text)
{
    struct main_cf *cf = NULL;
    struct failure why = { 0 };

    arena_destroy(&arena);
    arena = arena_create();
    EXPECT(main_cf_parse(str_from_c(text), STR("/etc/x/main.cf"), STR("/etc/x"), arena, &cf, &why));
    return cf;
}

static struct str value_of(const char *text, const char *name)
{
    struct main_cf *cf = parse(text);
    struct str value = STR("(failed)");
    struct failure why = { 0 };

    (void) !main_cf_value(cf, str_from_c(name), arena, &value, &why);
    return value;
}

TEST(the_host_name_gets_the_domain_and_the_domain_comes_from_the_host_name)
{
    EXPECT_STR(value_of("myhostname = mail.example.com", "mydomain"), STR("example.com"));
    EXPECT_STR(value_of("myhostname = plain", "mydomain"), STR("localdomain"));
    EXPECT(str_contains_char(value_of("", "myhostname"), '.'));
    EXPECT_STR(value_of("myhostname = a.example\nmydestination = $myhostname, localhost.$mydomain", "mydestination"),
               STR("a.example, localhost.example"));
}

TEST(networks_of_this_host_follow_the_style)
{
    struct str value = value_of("inet_interfaces = 127.0.0.1\nmynetworks_style = host", "mynetworks");

    EXPECT_STR(value, STR("127.0.0.1/32"));
    value = value_of("inet_interfaces = 127.0.0.1\nmynetworks_style = class", "mynetworks");
    EXPECT_STR(value, STR("127.0.0.0/8"));
}

TEST(only_what_is_the_process_s_own_is_read_only)
{
    EXPECT(computed_is_read_only(STR("process_id")));
    EXPECT(computed_is_read_only(STR("process_name")));
    EXPECT(computed_is_read_only(STR("service_name")));
    EXPECT_FALSE(computed_is_read_only(STR("myhostname")));
    EXPECT_FALSE(computed_is_read_only(STR("")));
}

TEST(other_names_have_no_computed_default)
{
    struct main_cf *cf = parse("");

    EXPECT_FALSE(computed_is(STR("mynetwork")));
    EXPECT(computed_is(STR("config_directory")));
    EXPECT_STR(computed_default(cf, STR("mynetwork"), arena), STR_EMPTY);
    EXPECT_STR(computed_default(cf, STR("config_directory"), arena), STR("/etc/x"));
}

TEST(names_that_are_worked_out_from_each_other_end)
{
    EXPECT_STR(value_of("myhostname = ${mydomain}x\n", "myhostname"), STR("localdomainx"));
    EXPECT_STR(value_of("myhostname = ${mydomain}x\n", "mydomain"), STR("localdomain"));
    EXPECT_STR(value_of("myhostname = mail.$mydomain\n", "mydomain"), STR("localdomain"));
    EXPECT_STR(value_of("inet_interfaces = $mynetworks\n", "mynetworks"), STR_EMPTY);
}
