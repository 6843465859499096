/* SPDX-License-Identifier: Apache-2.0 */
#include "local/destination.h"

#include "unit.h"

static void expect(const char *line, const char *expected)
{
    static const char letters[] = "acfhi?";
    struct arena *arena = arena_create();
    struct destination_list list = { 0 };
    struct str got = STR_EMPTY;

    destination_parse(&list, arena, str_from_c(line));
    for (size_t i = 0; i < list.count; i++)
        got = arena_printf(arena, "%.*s%s%c:%.*s", STR_ARG(got), i > 0 ? "; " : "", letters[list.items[i].kind],
                           STR_ARG(list.items[i].text));
    EXPECT_STR(got, str_from_c(expected));
    arena_destroy(&arena);
}

TEST(a_line_holds_destinations_of_every_kind)
{
    expect("root", "a:root");
    expect("a, b@example.com,c", "a:a; a:b@example.com; a:c");
    expect("Some One <a@example.com>, (comment) b", "a:a@example.com; a:b");
    expect("|/usr/bin/cmd", "c:/usr/bin/cmd");
    expect("\"|/usr/bin/cmd arg, \\\"two\\\"\"", "c:/usr/bin/cmd arg, \"two\"");
    expect("|\"/usr/bin/cmd arg\", x", "c:/usr/bin/cmd arg; a:x");
    expect("/var/mail/archive, \"/a b\"", "f:/var/mail/archive; f:/a b");
    expect(":include:/etc/list", "i:/etc/list");
    expect("\":include:/etc/my list\"", "i:/etc/my list");
    expect("\\me, you", "a:me; a:you");
    expect("\"\\\\me\", \\\\you", "a:\\me; a:\\you");
    expect("\\me@example.com (comment)", "a:me@example.com");
    expect("\"a b\"@example.com", "a:a b@example.com");
    expect("\"/a b\"@example.com", "f:/a b@example.com");
    expect("\"|never closed, x", "c:never closed, x");
    expect("/a b@example.com, \\me you", "f:/a; a:b@example.com; a:me; a:you");
    expect("|cmd with arguments", "c:cmd with arguments");
    expect(" , ,", "");
    expect("<>", "");
    expect("<>, a", "a:a");
    expect("~/box, ~you, \"~/a b\"", "h:~/box; h:~you; h:~/a b");
    expect("list: a@example.com, b;", "a:a@example.com; a:b");
    expect(":include:/etc/list, \"|cmd; more\"", "i:/etc/list; c:cmd; more");
    expect("@, a", "?:bad address: \"@, a\"; a:a");
}

TEST(a_backslash_stands_before_what_is_meant_as_it_is)
{
    expect("\\|cmd, \\|cmd arg", "c:cmd; c:cmd; a:arg");
    expect("\\/var/mail/archive", "f:/var/mail/archive");
    expect("\\:include:/etc/list, :\\include:/etc/other", "i:/etc/list; i:/etc/other");
    expect("\"\\|cmd arg\", |\\/usr/bin/cmd", "c:cmd arg; c:/usr/bin/cmd");
    expect("<|cmd>, Some One </var/mail/archive>", "c:cmd; f:/var/mail/archive");
    expect("\"\\\\|cmd\", \\\\/file", "a:\\|cmd; a:\\/file");
    expect("a\\,b", "a:a,b");
    expect("\\", "");
    expect("a, \\", "a:a");
}

TEST(a_command_without_quotes_keeps_its_words)
{
    expect("|\"cmd\" \"a, b\", x", "c:\"cmd\" \"a, b\"; a:x");
    expect("x, |cmd >/dev/null; true, y", "a:x; c:cmd >/dev/null; true; a:y");
}

TEST(a_file_has_one_list_a_line)
{
    struct arena *arena = arena_create();
    struct destination_list list = { 0 };

    destination_parse_file(&list, arena, STR("# comment\na,\n  b\n\n|cmd\n"));
    EXPECT_UINT(list.count, 3);
    arena_destroy(&arena);
}
