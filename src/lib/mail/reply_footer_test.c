/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/reply_footer.h"

#include "unit.h"

static void append_named(void *context, struct str name, struct strbuf *out)
{
    (void) context;
    if (str_equal(name, STR("who")))
        reply_footer_append_tame(out, STR("a\r\nb"));
}

static void expect(const char *text, const char *template, const char *wanted)
{
    struct arena *arena = arena_create();

    EXPECT_STR(reply_footer_add(str_from_c(text), str_from_c(template), append_named, NULL, arena), str_from_c(wanted));
    arena_destroy(&arena);
}

TEST(lines_get_the_code_and_the_status)
{
    expect("550 5.1.1 No", "", "550 5.1.1 No");
    expect("550 5.1.1 No", "Sorry", "550-5.1.1 No\n550 5.1.1 Sorry");
    expect("550 No", "One\\nTwo", "550-No\n550-One\n550 Two");
    expect("550 5.1.1 No", "\\c, sorry", "550 5.1.1 No, sorry");
    expect("550 5.1.1 No", "\\c, sorry\\nTwo\\n", "550-5.1.1 No, sorry\n550-5.1.1 Two\n550 5.1.1 ");
}

TEST(names_are_expanded_and_cannot_break_the_line)
{
    expect("550 No", "\\c $who ${who} $(who) $$ $none.", "550 No a__b a__b a__b $ .");
}
