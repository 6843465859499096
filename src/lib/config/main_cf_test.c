/* SPDX-License-Identifier: Apache-2.0 */
#include "config/main_cf.h"

#include "unit.h"

#include <stdio.h>

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

static void expect_refused(const char *text, const char *name, const char *part)
{
    struct main_cf *cf = parse(text);
    struct str value;
    struct failure why = { 0 };

    EXPECT_FALSE(main_cf_value(cf, str_from_c(name), arena, &value, &why));
    if (strstr(why.text, part) == NULL)
        EXPECT_TEXT(why.text, part);
}

static void expect_unreadable(const char *text, const char *reason)
{
    struct main_cf *cf;
    struct failure why = { 0 };

    arena_destroy(&arena);
    arena = arena_create();
    EXPECT_FALSE(main_cf_parse(str_from_c(text), STR("main.cf"), STR("."), arena, &cf, &why));
    EXPECT_TEXT(why.text, reason);
    EXPECT_INT(why.kind, FAILURE_CONFIGURATION);
}

TEST(lines_are_continued_over_comments_and_empty_lines)
{
    EXPECT_STR(value_of("a = 1\n# c\n   b   c\n\n  # d\n\n\td\nb = 2\n", "a"), STR("1   b   c\td"));
    EXPECT_STR(value_of("# no\na=1\nb =2   \n", "b"), STR("2"));
    EXPECT_STR(value_of("a = b = c", "a"), STR("b = c"));
    EXPECT_STR(value_of("a =", "a"), STR(""));
    EXPECT_STR(value_of("a = 1\r\nb = 2\r\n", "a"), STR("1"));
}

TEST(the_last_of_two_entries_counts_and_the_first_is_named)
{
    struct main_cf *cf = parse("foo = a\nbar = 1\nfoo = b\nfoo = b\n");

    EXPECT_UINT(main_cf_count(cf), 2);
    EXPECT_STR(main_cf_at(cf, 0)->value, STR("b"));
    EXPECT_UINT(main_cf_warnings(cf)->count, 1);
    EXPECT_STR(main_cf_warnings(cf)->items[0], STR("/etc/x/main.cf, line 3: overriding earlier entry: foo=a"));
}

TEST(a_first_line_with_white_space_is_left_out_and_named)
{
    struct main_cf *cf = parse(" a = 1\nb = 2\n");

    EXPECT_UINT(main_cf_count(cf), 1);
    EXPECT_STR(main_cf_warnings(cf)->items[0],
               STR("/etc/x/main.cf: logical line must not start with whitespace: \" a = 1\""));
}

TEST(a_line_that_is_no_assignment_is_refused_with_its_place)
{
    expect_unreadable("a = 1\nfoo\n",
                      "main.cf, line 2: missing '=' after attribute name: \"foo\" (write: name = value)");
    expect_unreadable("= bar\n", "main.cf, line 1: missing attribute name: \"= bar\" (write: name = value)");
    expect_unreadable("foo bar = baz\n",
                      "main.cf, line 1: missing '=' after attribute name: \"foo bar = baz\" (write: name = value)");
}

TEST(names_are_replaced_in_every_spelling)
{
    EXPECT_STR(value_of("a = x\nv = $a.${a}$(a)-$a-c", "v"), STR("x.xx-x-c"));
    EXPECT_STR(value_of("v = a$$b", "v"), STR("a$b"));
    EXPECT_STR(value_of("v = [$nobody_knows_it]", "v"), STR("[]"));
    EXPECT_STR(value_of("a = $b\nb = $c\nc = 1\nv = $a", "v"), STR("1"));
    EXPECT_STR(value_of("v = ${ a }\na = 3", "v"), STR("3"));
}

TEST(a_form_chooses_by_whether_the_name_has_a_value)
{
    EXPECT_STR(value_of("a=1\nv = [${a?x}][${a:x}][${n?x}][${n:x}]", "v"), STR("[x][][][x]"));
    EXPECT_STR(value_of("a=1\nv = ${a?{x}:{y}}|${a ? {x} : {y}}|${n?{x}:{y}}|${n?{x}:y z}", "v"), STR("x|x|y|y z"));
    EXPECT_STR(value_of("a=1\nv = ${a?a b:c}|${n:a b?c}", "v"), STR("a b:c|a b?c"));
    EXPECT_STR(value_of("a=1\nb=2\nv = ${a?{${b?{$b$a}}}}", "v"), STR("21"));
    /* What counts is the text as written, as in Postfix. */
    EXPECT_STR(value_of("a=$nope\nv=[${a?x}${a:y}]", "v"), STR("[x]"));
}

TEST(values_are_compared_as_numbers_if_both_are_numbers)
{
    EXPECT_STR(value_of("v = ${{a} == {a} ? {x} : {y}}", "v"), STR("x"));
    EXPECT_STR(value_of("v = ${{a} != {a} ? {x} : {y}}", "v"), STR("y"));
    EXPECT_STR(value_of("v = ${{10}>{9}?{y}:{n}}${{a10} > {a9}?{y}:{n}}${{9} <= {09}?{y}}", "v"), STR("yny"));
    EXPECT_STR(value_of("v = ${{9999999999999999999999} >= {1} ? {gt}:{le}}", "v"), STR("gt"));
    EXPECT_STR(value_of("a=b\nv = ${{$a} == {b} ? {x$a}}${{$n}=={}?{e}}${{a}!={b}? a b }", "v"), STR("xbe a b "));
    EXPECT_STR(value_of("v = [${{a} == {a}}][${{a} == {b}}]", "v"), STR("[true][]"));
}

TEST(levels_are_compared_by_their_parts)
{
    EXPECT_STR(value_of("v = ${{3.10} >level {3.9} ? {gt}:{le}}${{1} ==level {1.0} ? {eq}:{ne}}", "v"), STR("gteq"));
    EXPECT_STR(value_of("compatibility_level = 3.6\nv = ${{$compatibility_level} <level {1} ? {yes} : {no}}", "v"),
               STR("no"));
    EXPECT_STR(value_of("v = $append_dot_mydomain", "v"), STR("yes"));
    EXPECT_STR(value_of("compatibility_level = 1\nv = $append_dot_mydomain", "v"), STR("no"));
    expect_refused("compatibility_level = x\nv = $append_dot_mydomain", "v",
                   "main.cf, line 2: v: malformed compatibility level \"x\"");
}

TEST(broken_forms_are_refused_with_the_place_and_the_spot)
{
    expect_refused("v = ${a", "v", "/etc/x/main.cf, line 1: v: \"}\" is missing at \"{a\"");
    expect_refused("v = $(a}", "v", "\")\" is missing");
    expect_refused("v = a $- b", "v", "a parameter's name expected after \"$\"");
    expect_refused("v = a$", "v", "a parameter's name expected");
    expect_refused("v = ${}", "v", "a parameter's name expected");
    expect_refused("v = ${x y}", "v", "\"?\" or \":\" or \"}\" expected at \"y\"");
    expect_refused("v = ${{a} = {b}?x}", "v", "one of == != < <= > >= expected at \"= {b}?x\"");
    expect_refused("v = ${a?{x}y}", "v", "\":\" expected at \"y\"");
    expect_refused("v = ${a?{x}:{y}z}", "v", "unexpected text");
}

TEST(a_value_that_refers_to_itself_is_refused)
{
    expect_refused("a = $b\nb = $a\nv = $a", "v", "refers to itself");
    expect_refused("v = ${v}", "v", "\"v\" refers to itself");
    expect_refused("v = ${{$v} == {} ? {x}}", "v", "refers to itself");
}

TEST(a_value_that_doubles_itself_ends_at_a_limit)
{
    char text[4000] = "a0 = xxxxxxxxxxxxxxxx\n";
    size_t used = strlen(text);
    int i;

    for (i = 1; i < 60; i++)
        used += (size_t) snprintf(text + used, sizeof text - used, "a%d = $a%d$a%d\n", i, i - 1, i - 1);
    snprintf(text + used, sizeof text - used, "v = $a59\n");
    expect_refused(text, "v", "");
}

TEST(an_override_outranks_the_file_and_the_file_the_default)
{
    struct main_cf *cf = parse("mail_name = File\nv = $mail_name");
    struct failure why;
    struct str value;

    EXPECT(main_cf_override(cf, STR("{ mail_name = From Override }"), &why));
    EXPECT(main_cf_value(cf, STR("v"), arena, &value, &why));
    EXPECT_STR(value, STR("From Override"));
    EXPECT_FALSE(main_cf_override(cf, STR("nothing"), &why));
    EXPECT_TEXT(why.text, "-o nothing: write -o name=value, or -o { name = value }");
    EXPECT_STR(value_of("mail_name = File", "mail_name"), STR("File"));
    EXPECT_STR(value_of("", "mail_name"), STR("Merpati"));
}

TEST(what_belongs_to_the_process_cannot_be_set)
{
    struct main_cf *cf = parse("process_name = other\nv = $process_name/$service_name");
    struct str value;
    struct failure why;

    main_cf_set_program(cf, STR("smtpd"), STR("submission"));
    EXPECT(main_cf_value(cf, STR("v"), arena, &value, &why));
    EXPECT_STR(value, STR("smtpd/submission"));
    EXPECT_STR(value_of("", "config_directory"), STR("/etc/x"));
}
