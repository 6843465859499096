/* SPDX-License-Identifier: Apache-2.0 */
#include "table/table.h"

#include "base/strbuf.h"
#include "config/main_cf.h"
#include "os/file.h"
#include "table/table_list.h"
#include "table/table_writer.h"
#include "unit.h"

#include <stdio.h>

/* Everything a test opens, and the warnings made meanwhile. */
struct bench {
    struct arena *arena;
    struct table_set *set;
    char warnings[2000];
};

static void keep_warning(void *context, const char *text)
{
    struct bench *bench = context;
    size_t len = strlen(bench->warnings);

    (void) snprintf(bench->warnings + len, sizeof(bench->warnings) - len, "%s\n", text);
}

static void bench_init(struct bench *bench)
{
    struct table_set_options options = { .warn = keep_warning, .warn_context = bench };

    bench->warnings[0] = '\0';
    bench->arena = arena_create();
    bench->set = table_set_create(&options);
}

static void bench_done(struct bench *bench)
{
    table_set_destroy(&bench->set);
    arena_destroy(&bench->arena);
}

static struct str file_with(struct bench *bench, const char *name, const char *text)
{
    struct str path = arena_printf(bench->arena, "%s/%s", unit_directory(), name);
    struct failure why;

    EXPECT(file_replace(path.data, str_from_c(text), 0644, &why));
    return path;
}

/* What a lookup gives: the value, "-" for ABSENT, "?" for UNKNOWN or a table that cannot be opened. */
static struct str find(struct bench *bench, const char *type, struct str argument, unsigned flags, struct str key)
{
    struct str name = arena_printf(bench->arena, "%s:%.*s", type, STR_ARG(argument));
    struct table *table;
    struct str value;
    struct failure why;

    if (!table_open(bench->set, name, flags, &table, &why))
        return STR("?");
    switch (table_lookup(table, key, bench->arena, &value, &why)) {
    case TABLE_FOUND:
        return value;
    case TABLE_ABSENT:
        return STR("-");
    case TABLE_UNKNOWN:
        return STR("?");
    }
    return STR_EMPTY;
}

static void build(struct bench *bench, const char *type, struct str path, bool has_no_nul)
{
    struct table_writer_options options = { .mode = 0644, .has_no_nul = has_no_nul, .has_nul = !has_no_nul };
    struct table_writer *writer;
    struct failure why;
    bool is_duplicate;

    (void) bench;
    EXPECT(table_writer_open(str_from_c(type), path, TABLE_REBUILD, &options, &writer, &why));
    EXPECT(table_writer_put(writer, STR("key"), STR("one"), false, &is_duplicate, &why));
    EXPECT_FALSE(is_duplicate);
    EXPECT(table_writer_put(writer, STR("key"), STR("two"), false, &is_duplicate, &why));
    EXPECT(is_duplicate);
    EXPECT(table_writer_commit(&writer, &why));
}

TEST(tables_that_are_written_are_found_again_with_and_without_the_nul)
{
    static const char *const written[] = { "hash", "btree", "cdb", "lmdb" };

    for (size_t i = 0; i < 2 * ARRAY_COUNT(written); i++) {
        struct bench bench;
        struct str path;

        bench_init(&bench);
        path = arena_printf(bench.arena, "%s/written%zu", unit_directory(), i);
        build(&bench, written[i / 2], path, i % 2 == 1);
        EXPECT_STR(find(&bench, written[i / 2], path, TABLE_FOLD, STR("KEY")), STR("one"));
        EXPECT_STR(find(&bench, written[i / 2], path, 0, STR("KEY")), STR("-"));
        EXPECT_STR(find(&bench, written[i / 2], path, 0, STR("ke")), STR("-"));
        EXPECT_UINT(table_set_files(bench.set)->count, 1);
        bench_done(&bench);
    }
}

TEST(a_rebuilt_table_is_a_new_file_and_an_open_one_stays_as_it_was)
{
    struct bench bench;
    struct bench later;
    struct table_writer_options options = { .mode = 0644 };
    struct table_writer *writer;
    struct failure why;
    bool ignored;
    struct str path;

    bench_init(&bench);
    path = arena_printf(bench.arena, "%s/rebuilt", unit_directory());
    build(&bench, "hash", path, false);
    EXPECT_STR(find(&bench, "hash", path, 0, STR("key")), STR("one"));
    EXPECT(table_writer_open(STR("hash"), path, TABLE_EXTEND, &options, &writer, &why));
    EXPECT(table_writer_put(writer, STR("key"), STR("two"), true, &ignored, &why));
    EXPECT(table_writer_put(writer, STR("more"), STR("three"), true, &ignored, &why));
    EXPECT(table_writer_commit(&writer, &why));
    EXPECT_STR(find(&bench, "hash", path, 0, STR("key")), STR("one"));
    bench_init(&later);
    EXPECT_STR(find(&later, "hash", path, 0, STR("key")), STR("two"));
    EXPECT_STR(find(&later, "hash", path, 0, STR("more")), STR("three"));
    bench_done(&later);
    bench_done(&bench);
}

TEST(a_table_changed_in_place_is_unknown_rather_than_wrong)
{
    struct bench bench;
    struct failure why;
    struct str path;
    struct str file;
    int fd;

    bench_init(&bench);
    path = arena_printf(bench.arena, "%s/inplace", unit_directory());
    file = arena_printf(bench.arena, "%.*s.db", STR_ARG(path));
    build(&bench, "btree", path, false);
    EXPECT_STR(find(&bench, "btree", path, 0, STR("nobody")), STR("-"));
    EXPECT(file_open(file.data, 2, 0, &fd, &why));
    EXPECT(file_truncate(fd, "x", 0, &why));
    EXPECT_STR(find(&bench, "btree", path, 0, STR("nobody")), STR("?"));
    bench_done(&bench);
}

TEST(a_broken_table_is_warned_of_once_and_answers_unknown)
{
    struct bench bench;
    struct failure why;
    struct str value;
    struct table *table;

    bench_init(&bench);
    table = table_open_or_defer(bench.set, STR("hash:/nonexistent/x"), TABLE_FOLD);
    EXPECT(table == table_open_or_defer(bench.set, STR("hash:/nonexistent/x"), TABLE_FOLD));
    EXPECT_TEXT(bench.warnings,
                "hash:/nonexistent/x is unavailable: open database /nonexistent/x.db: No such file or directory\n");
    EXPECT_INT(table_lookup(table, STR("a"), bench.arena, &value, &why), TABLE_UNKNOWN);
    EXPECT_FALSE(table_open(bench.set, STR("nonesuch:x"), 0, &table, &why));
    EXPECT_TEXT(why.text, "unsupported dictionary type: nonesuch");
    EXPECT_FALSE(table_open(bench.set, STR("/etc/aliases"), 0, &table, &why));
    bench_done(&bench);
}

TEST(small_tables_answer_as_they_are_written)
{
    static const struct {
        const char *name;
        const char *key;
        const char *value;
    } cases[] = {
        { "static:text", "any", "text" },
        { "static:{ two words }", "any", "two words" },
        { "inline:{a=b, c=d}", "a", "b" },
        { "inline:{a=b, {c = two words}}", "c", "two words" },
        { "inline:{a=b}", "x", "-" },
        { "inline:{A=b}", "a", "b" },
        { "inline:{}", "x", "?" },
        { "inline:{novalue}", "x", "?" },
        { "fail:x", "x", "?" },
        { "unix:passwd.byname", "no-such-user-here", "-" },
        { "unix:nonesuch", "x", "?" },
        { "pipemap:{inline:{a=b}, inline:{b=c}}", "a", "c" },
        { "pipemap:{inline:{a=b}, inline:{x=c}}", "a", "-" },
        { "unionmap:{inline:{a=b}, inline:{a=c}}", "a", "b,c" },
        { "unionmap:{inline:{a=b}, fail:x}", "a", "?" },
        { "randmap:{one}", "a", "one" },
        { "regexp:{ {/^(a)(b)/ $2-${1}-$(2)x$$}, {/c/ d} }", "ABC", "B-A-Bx$" },
        { "pcre:{{/^a(?!b)/ yes}}", "ac", "yes" },
        { "pcre:{{/^a(?!b)/ yes}}", "ab", "-" },
        { "cidr:{{192.0.2.0/24 net}}", "192.0.2.9", "net" },
        { "cidr:{{[2001:db8::]/32 net}}", "2001:db8::9", "net" },
        { "static:", "x", "?" },
        { "static:{x", "x", "?" },
        { "static:{x y} z", "x", "?" },
        { "inline:{ {a}=b }", "a", "?" },
        { "inline:{ {a=b}c }", "a", "?" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct bench bench;
        struct str type;
        struct str argument;

        bench_init(&bench);
        (void) str_cut(str_from_c(cases[i].name), ':', &type, &argument);
        EXPECT_STR(find(&bench, arena_c(bench.arena, type), argument, TABLE_FOLD, str_from_c(cases[i].key)),
                   str_from_c(cases[i].value));
        bench_done(&bench);
    }
}

TEST(a_negated_network_stands_for_its_own_protocol_alone)
{
    struct bench bench;
    struct str path;

    bench_init(&bench);
    path = file_with(&bench, "networks",
                     "!10.0.0.0/8 other4\nif !2001:db8::/32\n::/0 other6\nendif\nif !192.0.2.0/24\n2001:db8::/32 "
                     "six\n10.0.0.0/8 ten\nendif\n");
    EXPECT_STR(find(&bench, "cidr", path, 0, STR("192.0.2.1")), STR("other4"));
    EXPECT_STR(find(&bench, "cidr", path, 0, STR("10.1.2.3")), STR("ten"));
    EXPECT_STR(find(&bench, "cidr", path, 0, STR("2001:db9::1")), STR("other6"));
    EXPECT_STR(find(&bench, "cidr", path, 0, STR("2001:db8::1")), STR("-"));
    bench_done(&bench);
}

TEST(long_runs_of_networks_keep_their_order)
{
    static const struct {
        const char *address;
        const char *value;
    } cases[] = {
        { "10.0.7.1", "first-7" },  { "10.1.9.1", "in-9" }, { "10.1.200.1", "late-1" }, { "192.0.2.1", "outside" },
        { "10.30.1.1", "late-30" }, { "10.99.1.1", "-" },   { "2001:db8::1", "-" },     { "10.0.200.1", "late-0" },
    };
    struct bench bench;
    struct strbuf text;
    struct str path;

    bench_init(&bench);
    strbuf_init(&text, STRBUF_UNLIMITED);
    for (int i = 0; i < 40; i++)
        (void) strbuf_printf(&text, "10.0.%d.0/24 first-%d\n", i, i);
    (void) strbuf_append_c(&text, "if 10.1.0.0/16\n");
    for (int i = 0; i < 40; i++)
        (void) strbuf_printf(&text, "10.1.%d.0/24 in-%d\n", i, i);
    (void) strbuf_append_c(&text, "endif\n!10.0.0.0/8 outside\n");
    for (int i = 0; i < 40; i++)
        (void) strbuf_printf(&text, "10.%d.0.0/16 late-%d\n", i, i);
    path = file_with(&bench, "long", strbuf_c(&text));
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        EXPECT_STR(find(&bench, "cidr", path, 0, str_from_c(cases[i].address)), str_from_c(cases[i].value));
    strbuf_done(&text);
    bench_done(&bench);
}

TEST(texthash_takes_continued_lines_and_comments_and_warns_with_the_line)
{
    struct bench bench;
    struct str path;

    bench_init(&bench);
    path = file_with(&bench, "text", "# comment\nFoo bar\n  # comment within\n\tbaz\n\nlonely\nfoo again\n\"a b\" c\n");
    EXPECT_STR(find(&bench, "texthash", path, TABLE_FOLD, STR("foo")), STR("bar\tbaz"));
    EXPECT_STR(find(&bench, "texthash", path, TABLE_FOLD, STR("\"a b\"")), STR("c"));
    EXPECT(strstr(bench.warnings, "line 6: expected format: key whitespace value -- ignoring this line") != NULL);
    EXPECT(strstr(bench.warnings, "line 7: duplicate entry: \"foo\"") != NULL);
    bench_done(&bench);
}

TEST(rules_of_regular_expressions_nest_and_negate)
{
    struct bench bench;
    struct str path;

    bench_init(&bench);
    path = file_with(&bench, "rules",
                     "if /^a/\nif !/z$/\n/(.)$/ in-$1\nendif\n/./ a-only\nendif\n!/q/ no-q\n/Case/i Exact\n");
    EXPECT_STR(find(&bench, "pcre", path, 0, STR("ab")), STR("in-b"));
    EXPECT_STR(find(&bench, "regexp", path, 0, STR("az")), STR("a-only"));
    EXPECT_STR(find(&bench, "regexp", path, 0, STR("b")), STR("no-q"));
    EXPECT_STR(find(&bench, "pcre", path, 0, STR("q case")), STR("-"));
    EXPECT_STR(find(&bench, "pcre", path, 0, STR("q Case")), STR("Exact"));
    EXPECT_TEXT(bench.warnings, "");
    EXPECT_STR(find(&bench, "pcre", path, TABLE_NO_SUBSTITUTION, STR("ab")), STR("a-only"));
    EXPECT(strstr(bench.warnings, "line 3: regular expression substitution is not allowed") != NULL);
    bench_done(&bench);
}

TEST(a_pattern_that_runs_away_is_unknown)
{
    struct bench bench;
    struct strbuf key;

    bench_init(&bench);
    strbuf_init(&key, STRBUF_UNLIMITED);
    for (int i = 0; i < 5000; i++)
        strbuf_append_char(&key, 'a');
    EXPECT_STR(find(&bench, "pcre", STR("{{/^(a+)+$(?<=b)/ x}}"), 0, strbuf_str(&key)), STR("?"));
    strbuf_done(&key);
    bench_done(&bench);
}

TEST(a_list_asks_its_tables_in_order_and_stops_at_unknown)
{
    struct bench bench;
    struct table_list *list;
    struct str value;
    struct failure why;

    bench_init(&bench);
    list =
        table_list_open(bench.set, STR("some_maps"), STR("inline:{a=1}, inline:{ a=2, b=3 } fail:x inline:{c=4}"), 0);
    EXPECT_INT(table_list_find(list, STR("a"), TABLE_ANY_KIND, bench.arena, &value, &why), TABLE_FOUND);
    EXPECT_STR(value, STR("1"));
    EXPECT_INT(table_list_find(list, STR("b"), TABLE_ANY_KIND, bench.arena, &value, &why), TABLE_FOUND);
    EXPECT_INT(table_list_find(list, STR("c"), TABLE_ANY_KIND, bench.arena, &value, &why), TABLE_UNKNOWN);
    EXPECT(strstr(why.text, "some_maps: fail:x lookup error for \"c\"") != NULL);
    list = table_list_open(bench.set, STR("m"), STR("pcre:{{/a/ 1}}, inline:{a=2}"), 0);
    EXPECT_INT(table_list_find(list, STR("a"), TABLE_FIXED, bench.arena, &value, &why), TABLE_FOUND);
    EXPECT_STR(value, STR("2"));
    bench_done(&bench);
}

TEST(an_empty_value_is_no_answer)
{
    struct bench bench;
    struct table_list *list;
    struct str value;
    struct failure why;

    bench_init(&bench);
    list = table_list_open(bench.set, STR("some_maps"), STR("inline:{a=}, inline:{a=2}"), 0);
    EXPECT_INT(table_list_find(list, STR("a"), TABLE_ANY_KIND, bench.arena, &value, &why), TABLE_UNKNOWN);
    EXPECT_TEXT(why.text, "some_maps: inline:{a=}: empty result for \"a\"");
    EXPECT(strstr(bench.warnings, "some_maps lookup of a returns an empty string result") != NULL);
    bench_done(&bench);
}

TEST(proxy_is_skipped_where_it_is_not_trusted)
{
    struct bench bench;
    struct table *table;
    struct failure why;

    bench_init(&bench);
    EXPECT(table_open(bench.set, STR("proxy:inline:{a=b}"), TABLE_PARANOID, &table, &why));
    EXPECT_STR(table_name(table), STR("inline:{a=b}"));
    bench_done(&bench);
}

TEST(rules_in_braces_are_whole_or_refused)
{
    static const char *const rows[][2] = {
        { "pcre:{{/a/ X}{/b/ Y}}", "pcre map: syntax error after '}' in \"{/a/ X}{/b/ Y}\"" },
        { "regexp:{{/a/ X}{/b/ Y}}", "regexp map: syntax error after '}' in \"{/a/ X}{/b/ Y}\"" },
        { "cidr:{{1.1.1.1 X}{1.1.1.2 Y}}", "cidr map: syntax error after '}' in \"{1.1.1.1 X}{1.1.1.2 Y}\"" },
        { "pcre:{{/a/ X}x {/b/ Y}}", "pcre map: syntax error after '}' in \"{/a/ X}x\"" },
        { "pcre:{{/a/ X}}y", "pcre map: syntax error after '}' in \"{{/a/ X}}y\"" },
        { "pcre:{{/a/ X} /b/ Y}", "pcre map: no '{' at start of text in \"/b/\"" },
        { "pcre:{{/a/ X}", "pcre map: missing '}' in \"{{/a/ X}\"" },
        { "inline:{{a=X}{b=Y}}",
          "syntax error after '}' in \"{a=X}{b=Y}\": \"inline:{{a=X}{b=Y}}\"; need \"inline:{name=value...}\"" },
    };
    struct bench bench;

    bench_init(&bench);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct table *table;
        struct failure why = { 0 };

        EXPECT(!table_open(bench.set, str_from_c(rows[i][0]), TABLE_FOLD, &table, &why));
        EXPECT_STR(str_from_c(why.text), str_from_c(rows[i][1]));
    }
    EXPECT_STR(find(&bench, "pcre", STR("{{/a/ X}, {/b/ {Y}}}"), TABLE_FOLD, STR("b")), STR("{Y}"));
    bench_done(&bench);
}

TEST(values_are_utf8_where_addresses_may_be)
{
    struct table_set_options options = { .warn = keep_warning };
    struct bench bench;
    struct main_cf *cf;
    struct failure why;
    struct str path;

    bench_init(&bench);
    path = file_with(&bench, "latin", "a ok\nb x\xe9y\nc \xc3\xa9\n");
    EXPECT_STR(find(&bench, "texthash", path, TABLE_FOLD, STR("b")), STR("x\xe9y"));
    table_set_destroy(&bench.set);
    EXPECT(main_cf_parse(STR("smtputf8_enable = yes\n"), STR("main.cf"), STR("."), bench.arena, &cf, &why));
    options.warn_context = &bench;
    options.cf = cf;
    bench.set = table_set_create(&options);
    EXPECT_STR(find(&bench, "texthash", path, TABLE_FOLD, STR("a")), STR("ok"));
    EXPECT_STR(find(&bench, "texthash", path, TABLE_FOLD, STR("b")), STR("-"));
    EXPECT_STR(find(&bench, "texthash", path, TABLE_FOLD, STR("c")), STR("\xc3\xa9"));
    EXPECT(strstr(bench.warnings, "latin, line 2: non-UTF-8 input \"b x\xe9y\" -- ignoring this line\n") != NULL);
    EXPECT_STR(find(&bench, "inline", STR("{b=x\xe9y}"), TABLE_FOLD, STR("b")), STR("?"));
    EXPECT_STR(find(&bench, "static", STR("x\xe9y"), TABLE_FOLD, STR("b")), STR("?"));
    EXPECT_STR(find(&bench, "pcre", STR("{{/b/ x\xe9y}}"), TABLE_FOLD, STR("b")), STR("?"));
    EXPECT_STR(find(&bench, "pcre", STR("{{/b/ x\xe9y}}"), 0, STR("b")), STR("x\xe9y"));
    bench_done(&bench);
}
