/* SPDX-License-Identifier: Apache-2.0 */
#include "local/template.h"

#include "unit.h"

TEST(names_stand_for_what_is_known)
{
    static const struct {
        const char *text;
        enum template_result result;
        const char *expanded;
    } cases[] = {
        { "$home/.forward", TEMPLATE_OK, "/home/u/.forward" },
        { "$home/.forward${recipient_delimiter}${extension}", TEMPLATE_UNDEFINED, NULL },
        { "$(user)x", TEMPLATE_OK, "ux" },
        { "a${user?b}c", TEMPLATE_OK, "abc" },
        { "a${extension?b}c", TEMPLATE_OK, "ac" },
        { "a${extension:b}c", TEMPLATE_OK, "abc" },
        { "${user?{yes $user}:{no}}", TEMPLATE_OK, "yes u" },
        { "${extension?{yes}:{no}}", TEMPLATE_OK, "no" },
        { "$odd", TEMPLATE_OK, "a_b_c" },
        { "$$x", TEMPLATE_OK, "$x" },
        { "${user", TEMPLATE_BAD, NULL },
        { "$unknown", TEMPLATE_UNDEFINED, NULL },
    };
    const struct template_name items[] = {
        { "home", STR("/home/u") },          { "user", STR("u") },    { "extension", { NULL, 0 } },
        { "recipient_delimiter", STR("+") }, { "odd", STR("a;b c") },
    };
    const struct template_names names = { items, ARRAY_COUNT(items) };
    struct arena *arena = arena_create();

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct str text;

        EXPECT_INT(
            template_expand(str_from_c(cases[i].text), &names, STR("/.abcdefghijklmnopqrstuvwxyz+"), arena, &text),
            cases[i].result);
        if (cases[i].expanded != NULL)
            EXPECT_STR(text, str_from_c(cases[i].expanded));
    }
    arena_destroy(&arena);
}
