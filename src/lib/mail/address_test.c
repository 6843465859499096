/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/address.h"

#include "unit.h"

TEST(an_address_is_cut_at_its_last_at_sign)
{
    struct str local, domain;

    EXPECT(address_split(STR("a@b@c.example"), &local, &domain));
    EXPECT_STR(local, STR("a@b"));
    EXPECT_STR(domain, STR("c.example"));
    EXPECT_FALSE(address_split(STR("root"), &local, &domain));
    EXPECT_STR(local, STR("root"));
    EXPECT_STR(domain, STR(""));
    EXPECT_STR(address_domain(STR("a@x")), STR("x"));
    EXPECT_STR(address_local(STR("a@x")), STR("a"));
    EXPECT_STR(address_local(STR("")), STR(""));
}

TEST(a_source_route_is_taken_away)
{
    EXPECT_STR(address_skip_route(STR("@a,@b:u@c")), STR("u@c"));
    EXPECT_STR(address_skip_route(STR("@a:@b:u@c")), STR("@b:u@c"));
    EXPECT_STR(address_skip_route(STR("@a")), STR("@a"));
    EXPECT_STR(address_skip_route(STR("@a:u")), STR("@a:u"));
    EXPECT_STR(address_skip_route(STR("a:u@c")), STR("a:u@c"));
    EXPECT_STR(address_skip_route(STR("")), STR(""));
}

struct extension_case {
    const char *local;
    const char *delimiters;
    bool is_owner_special;
    const char *user;
    const char *extension; /* NULL: is not split */
};

TEST(extensions_are_split_by_a_set_of_delimiters_but_not_off_reserved_names)
{
    static const struct extension_case cases[] = {
        { "user+tag", "+", true, "user", "tag" },
        { "user-a+b", "+-", true, "user", "a+b" },
        { "user+", "+", true, "user", "" },
        { "user", "+", true, NULL, NULL },
        { "+tag", "+", true, NULL, NULL },
        { "user+tag", "", true, NULL, NULL },
        { "Postmaster", "o", true, NULL, NULL },
        { "MAILER-DAEMON", "-", true, NULL, NULL },
        { "double-bounce", "-", true, NULL, NULL },
        { "owner-list", "-", true, NULL, NULL },
        { "list-request", "+-", true, NULL, NULL },
        { "owner-list", "-", false, "owner", "list" },
        { "owner-list+x", "+", true, "owner-list", "x" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct str user = STR("?"), extension = STR("?");
        bool is_split = address_split_extension(str_from_c(cases[i].local), str_from_c(cases[i].delimiters),
                                                cases[i].is_owner_special, &user, &extension);

        EXPECT_INT(is_split, cases[i].user != NULL);
        if (is_split) {
            EXPECT_STR(user, str_from_c(cases[i].user));
            EXPECT_STR(extension, str_from_c(cases[i].extension));
        }
    }
}

TEST(stripping_an_extension_keeps_the_domain)
{
    struct arena *arena = arena_create();
    struct str stripped, extension;

    EXPECT(address_strip_extension(arena, STR("u+x@d.example"), STR("+"), true, &stripped, &extension));
    EXPECT_STR(stripped, STR("u@d.example"));
    EXPECT_STR(extension, STR("x"));
    EXPECT(address_strip_extension(arena, STR("u+x"), STR("+"), true, &stripped, &extension));
    EXPECT_STR(stripped, STR("u"));
    EXPECT_FALSE(address_strip_extension(arena, STR("u@d+e"), STR("+"), true, &stripped, &extension));
    EXPECT_STR(address_fold_domain(arena, STR("User@EXAMPLE.Com")), STR("User@example.com"));
    EXPECT_STR(address_fold_domain(arena, STR("User")), STR("User"));
    arena_destroy(&arena);
}
