/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup/masquerade.h"

#include "unit.h"

TEST(the_first_domain_that_fits_decides)
{
    static const struct {
        const char *address;
        const char *result;
    } cases[] = {
        { "u@host.example.com", "u@example.com" },
        { "u@a.b.EXAMPLE.com", "u@example.com" },
        { "u@example.com", "u@example.com" },
        { "u@x.foo.example.com", "u@foo.example.com" },
        { "u@x.keep.example.com", "u@x.keep.example.com" },
        { "u@keep.example.com", "u@keep.example.com" },
        { "u@notexample.com", "u@notexample.com" },
        { "u", "u" },
    };
    struct arena *arena = arena_create();
    struct strlist domains = strlist_split(arena, STR("foo.example.com !keep.example.com example.com"), " ");

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        EXPECT_STR(masquerade_apply(arena, str_from_c(cases[i].address), &domains), str_from_c(cases[i].result));
    arena_destroy(&arena);
}
