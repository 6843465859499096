/* SPDX-License-Identifier: Apache-2.0 */
#include "notice/template.h"

#include "config/main_cf.h"
#include "unit.h"

struct stage {
    struct arena *arena;
    struct template_set set;
    struct strlist warnings;
    struct main_cf *cf;
    struct failure why;
};

static void begin(struct stage *stage)
{
    *stage = (struct stage){ .arena = arena_create() };
    template_set_init(&stage->set);
    EXPECT(main_cf_parse(STR("myhostname = xn--bcher-kva.example\nmydomain = $myhostname\nsmtputf8_enable = yes\n"
                             "delay_warning_time = 90m\nmaximal_queue_lifetime = 5\nmy_word = one $mydomain\n"),
                         STR("main.cf"), STR("/etc"), stage->arena, &stage->cf, &stage->why));
}

static bool parse(struct stage *stage, const char *text)
{
    stage->warnings.count = 0;
    return template_set_parse(&stage->set, str_from_c(text), STR("t.cf"), stage->arena, &stage->warnings, &stage->why);
}

static void expect_warning(const struct stage *stage, size_t place, const char *text)
{
    EXPECT(place < stage->warnings.count);
    EXPECT_STR(stage->warnings.items[place], str_from_c(text));
}

TEST(a_file_sets_headers_and_text_and_leaves_the_rest)
{
    struct stage stage;

    begin(&stage);
    EXPECT(parse(&stage, "# comment\n\n  \nfailure_template = <<END\nsubject:   Sorry  \nCharset: utf-8\nFrom : P <p>\n"
                         "\n \nGr\xc3\xbc\xc3\x9f"
                         "e\nSubject: of the text\n\nEND\ndelay_template = one line\n"));
    EXPECT_UINT(stage.warnings.count, 0);
    EXPECT_STR(stage.set.items[TEMPLATE_FAILURE].subject, STR("Sorry  "));
    EXPECT_STR(stage.set.items[TEMPLATE_FAILURE].from, STR("P <p>"));
    EXPECT_STR(stage.set.items[TEMPLATE_FAILURE].charset, STR("utf-8"));
    EXPECT_STR(stage.set.items[TEMPLATE_FAILURE].postmaster_subject, STR("Postmaster Copy: Undelivered Mail"));
    EXPECT_STR(stage.set.items[TEMPLATE_FAILURE].text, STR("Gr\xc3\xbc\xc3\x9f"
                                                           "e\nSubject: of the text\n\n"));
    EXPECT_STR(stage.set.items[TEMPLATE_DELAY].text, STR("one line\n"));
    EXPECT_STR(stage.set.items[TEMPLATE_SUCCESS].subject, STR("Successful Mail Delivery Report"));
    arena_destroy(&stage.arena);
}

TEST(a_template_that_breaks_the_rules_is_left_out)
{
    static const struct {
        const char *text;
        const char *warning;
    } rows[] = {
        { "failure_template = <<EOF\nBogus: x\n\ntext\nEOF\n",
          "t.cf: unknown \"Bogus\" header label in failure template -- ignoring this template" },
        { "success_template = <<EOF\nPostmaster-Subject: x\n\ntext\nEOF\n",
          "t.cf: inapplicable \"Postmaster-Subject\" header label in success template -- ignoring this template" },
        { "delay_template = <<EOF\nSubject:\n\ntext\nEOF\n",
          "t.cf: empty \"Subject\" header value in delay template -- ignoring this template" },
        { "verify_template = <<EOF\nFrom: \xc3\xa9\n\ntext\nEOF\n",
          "t.cf: non-ASCII \"From\" header value in verify template -- ignoring this template" },
        { "failure_template = <<EOF\nFrom: x\n\nEOF\n",
          "t.cf: missing message text in failure template -- ignoring this template" },
        { "failure_template =\n", "t.cf: missing message text in failure template -- ignoring this template" },
        { "failure_template = <<EOF\n\xe9\nEOF\n", "t.cf: 8-bit message text in failure template" },
        { "other_template = x\n", "t.cf, line 1: unknown template name: other_template -- ignoring this template" },
    };
    struct template_set own;
    struct stage stage;

    template_set_init(&own);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        begin(&stage);
        EXPECT(parse(&stage, rows[i].text));
        expect_warning(&stage, 0, rows[i].warning);
        for (size_t class = 0; class < TEMPLATE_CLASSES; class ++) {
            EXPECT_STR(stage.set.items[class].text, own.items[class].text);
            EXPECT_STR(stage.set.items[class].subject, own.items[class].subject);
        }
        arena_destroy(&stage.arena);
    }
}

TEST(a_text_without_its_end_goes_to_the_end_of_the_file)
{
    struct stage stage;

    begin(&stage);
    EXPECT(parse(&stage, "failure_template = <<EOF\nSubject: s\n\ntext\nEOF \nmore"));
    expect_warning(&stage, 0, "t.cf, line 6: missing \"EOF\" end marker");
    EXPECT_STR(stage.set.items[TEMPLATE_FAILURE].text, STR("text\nEOF \nmore\n"));
    arena_destroy(&stage.arena);
}

TEST(a_line_that_is_no_entry_is_a_failure)
{
    static const struct {
        const char *text;
        const char *why;
    } rows[] = {
        { "failure_template <<EOF\n", "t.cf, line 1: missing '=' after attribute name: \"failure_template <<EOF\"" },
        { "#\n= x\n", "t.cf, line 2: missing attribute name: \"= x\"" },
        { "failure_template = <<\n", "t.cf, line 1: missing end marker after <<" },
    };
    struct stage stage;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        begin(&stage);
        EXPECT_FALSE(parse(&stage, rows[i].text));
        EXPECT_TEXT(stage.why.text, rows[i].why);
        arena_destroy(&stage.arena);
    }
}

static bool expand(struct stage *stage, const char *text, struct str *text_out)
{
    stage->warnings.count = 0;
    stage->set.file = STR("t.cf");
    stage->set.items[TEMPLATE_FAILURE].text = str_from_c(text);
    return template_set_expand(&stage->set, TEMPLATE_FAILURE, stage->cf, stage->arena, text_out, &stage->warnings,
                               &stage->why);
}

TEST(names_are_parameters_and_times_in_the_unit_asked_for)
{
    static const struct {
        const char *text;
        const char *expanded;
    } rows[] = {
        { "$myhostname ${mydomain} $(my_word)\n", "b\xc3\xbc"
                                                  "cher.example b\xc3\xbc"
                                                  "cher.example one xn--bcher-kva.example\n" },
        { "$delay_warning_time_hours ${delay_warning_time_minutes} $delay_warning_time_seconds\n", "1 90 5400\n" },
        { "$maximal_queue_lifetime_days $maximal_queue_lifetime_hours\n", "5 120\n" },
        { "$delay_warning_time $$x ${nosuch?yes}${nosuch:no} a\\$$\n\n  end\n", "90m $x no a\\$\n\n  end\n" },
    };
    struct stage stage;
    struct str text;

    begin(&stage);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        EXPECT(expand(&stage, rows[i].text, &text));
        EXPECT_STR(text, str_from_c(rows[i].expanded));
        EXPECT_UINT(stage.warnings.count, i == 1 ? 3 : 0);
    }
    EXPECT(expand(&stage, "$delay_warning_time_days\n", &text));
    EXPECT_STR(text, STR("0\n"));
    expect_warning(&stage, 0,
                   "t.cf: zero result in failure template conversion of parameter \"delay_warning_time_days\"");
    arena_destroy(&stage.arena);
}

TEST(what_cannot_be_expanded_is_told_with_its_line)
{
    static const struct {
        const char *text;
        const char *why;
    } rows[] = {
        { "one\ntwo $nosuch\n", "t.cf: undefined $name in failure template: two $nosuch" },
        { "a $ b\n", "t.cf: bad $name syntax in failure template: a $ b" },
        { "${x\n", "t.cf: bad $name syntax in failure template: ${x" },
        { "$delay_warning_time_fortnights\n",
          "t.cf: unrecognized suffix \"fortnights\" in parameter \"delay_warning_time_fortnights\"" },
        { "$maximal_queue_lifetime_\n", "t.cf: unrecognized suffix \"\" in parameter \"maximal_queue_lifetime_\"" },
    };
    struct stage stage;
    struct str text = STR("untouched");

    begin(&stage);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        EXPECT_FALSE(expand(&stage, rows[i].text, &text));
        EXPECT_TEXT(stage.why.text, rows[i].why);
        EXPECT_STR(text, STR("untouched"));
    }
    arena_destroy(&stage.arena);
}

TEST(what_is_printed_is_read_again_as_the_same)
{
    struct stage stage;
    struct strbuf printed;
    struct strbuf again;

    begin(&stage);
    strbuf_init(&printed, STRBUF_UNLIMITED);
    strbuf_init(&again, STRBUF_UNLIMITED);
    template_set_print(&stage.set, &printed);
    EXPECT(parse(&stage, strbuf_c(&printed)));
    EXPECT_UINT(stage.warnings.count, 0);
    template_set_print(&stage.set, &again);
    EXPECT_STR(strbuf_str(&again), strbuf_str(&printed));
    strbuf_done(&printed);
    strbuf_done(&again);
    arena_destroy(&stage.arena);
}
