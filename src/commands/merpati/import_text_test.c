/* SPDX-License-Identifier: Apache-2.0 */
#include "merpati/import_text.h"

#include "unit.h"

#include <string.h>

TEST(paths_are_replaced_whole_and_nowhere_else)
{
    const struct import_move moves[] = {
        { STR("/etc/postfix"), STR("/etc/merpati") },
        { STR("/var/spool/postfix"), STR("/srv/queue") },
    };
    static const struct {
        const char *before, *after;
    } cases[] = {
        { "hash:/etc/postfix/virtual", "hash:/etc/merpati/virtual" },
        { "/etc/postfix", "/etc/merpati" },
        { "/etc/postfix, x", "/etc/merpati, x" },
        { "/etc/postfix2/a", "/etc/postfix2/a" },
        { "/etc/postfix-old", "/etc/postfix-old" },
        { "/etc/postfix.d/x", "/etc/postfix.d/x" },
        { "/srv/etc/postfix/a", "/srv/etc/postfix/a" },
        { "unix:/var/spool/postfix/a/b,pcre:/etc/postfix/c", "unix:/srv/queue/a/b,pcre:/etc/merpati/c" },
        { "{/etc/postfix/a}", "{/etc/merpati/a}" },
        { "", "" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct strbuf out;

        strbuf_init(&out, 1000);
        import_text_move(str_from_c(cases[i].before), moves, ARRAY_COUNT(moves), &out);
        EXPECT_TEXT(strbuf_c(&out), cases[i].after);
        EXPECT_INT(import_text_names(str_from_c(cases[i].before), moves[0].from),
                   strstr(cases[i].after, "/etc/merpati") != NULL);
        strbuf_done(&out);
    }
}

TEST(a_parameter_is_commented_out_with_its_continuation_lines)
{
    static const char *const names[] = { "queue_directory", "alpha", NULL };
    const struct import_move moves[] = { { STR("/x"), STR("/y") } };
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct strlist found = { 0 };
    struct strbuf out;

    strbuf_init(&out, 1000);
    import_text_adapt(STR("# alpha = 1\nalpha = a,\n  b,\n# in between\n\n  c\nalphabet = x\n  /x/y\n"
                          "queue_directory=/x\nalpha=2"),
                      names, moves, ARRAY_COUNT(moves), &out, arena, &found);
    EXPECT_TEXT(strbuf_c(&out), "# alpha = 1\n# alpha = a,\n#   b,\n# in between\n\n#   c\nalphabet = x\n  /y/y\n"
                                "# queue_directory=/x\n# alpha=2\n");
    EXPECT_UINT(found.count, 2);
    strbuf_done(&out);
}
