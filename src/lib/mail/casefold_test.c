/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/casefold.h"

#include "unit.h"

TEST(text_is_folded_as_unicode_says)
{
    static const struct {
        const char *text;
        const char *folded;
    } cases[] = {
        { "", "" },
        { "User@EXAMPLE.com", "user@example.com" },
        { "B\xc3\x9c"
          "CHER.test",
          "b\xc3\xbc"
          "cher.test" },
        { "Gr\xc3\xbc\xc3\x9f"
          "e",
          "gr\xc3\xbcsse" },
        { "\xce\xa3\xcf\x82", "\xcf\x83\xcf\x83" },                 /* both sigmas */
        { "\xd0\x96", "\xd0\xb6" },                                 /* Cyrillic */
        { "\xc4\x80\xc4\x81", "\xc4\x81\xc4\x81" },                 /* every second */
        { "\xe1\xba\x9e", "ss" },                                   /* capital sharp s */
        { "\xef\xac\x83", "ffi" },                                  /* three for one */
        { "\xf0\x90\x90\x80", "\xf0\x90\x90\xa8" },                 /* beyond 16 bits */
        { "\xe6\xbc\xa2\xe5\xad\x97", "\xe6\xbc\xa2\xe5\xad\x97" }, /* has no case */
        { "A\xff", "a\xff" },
        { "A\xc3", "a\xc3" },
    };
    struct arena *arena = arena_create();

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        EXPECT_STR(casefold(arena, str_from_c(cases[i].text)), str_from_c(cases[i].folded));
    arena_destroy(&arena);
}
