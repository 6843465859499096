/* SPDX-License-Identifier: Apache-2.0 */
#include "checks/checks.h"

#include "base/strbuf.h"
#include "table/table.h"
#include "unit.h"

#include <stdio.h>

struct bench {
    struct table_set *set;
    struct arena *arena;
    struct checks *checks;
};

static struct bench open_bench(const char *value, unsigned actions)
{
    const struct table_set_options set_options = { .loop = NULL };
    struct checks_options options = { .actions = actions, .body_size_limit = 100 };
    struct bench bench = { .set = table_set_create(&set_options), .arena = arena_create() };

    options.tables[CHECKS_HEADER] = (struct checks_tables){ STR("header_checks"), str_from_c(value) };
    options.tables[CHECKS_BODY] = (struct checks_tables){ STR("body_checks"), str_from_c(value) };
    bench.checks = checks_open(bench.set, &options, bench.arena);
    return bench;
}

static void close_bench(struct bench *bench)
{
    table_set_destroy(&bench->set);
    arena_destroy(&bench->arena);
}

struct row {
    const char *value;
    const char *verdict; /* "action|dsn|text|complaint" */
};

static void expect_verdicts(const struct row *rows, size_t count, unsigned actions, enum checks_class class)
{
    for (size_t i = 0; i < count; i++) {
        struct strbuf table, shown;
        struct bench bench;
        struct checks_verdict verdict;

        strbuf_init(&table, 1000);
        strbuf_init(&shown, 1000);
        strbuf_printf(&table, "static:{%s}", rows[i].value);
        bench = open_bench(strbuf_c(&table), actions);
        verdict = class == CHECKS_BODY ? checks_body(bench.checks, STR("x: y"), 0, bench.arena)
                                       : checks_header(bench.checks, class, STR("x: y"), bench.arena);
        strbuf_printf(&shown, "%s|%.*s|%.*s|%.*s", checks_action_word(verdict.action), STR_ARG(verdict.dsn),
                      STR_ARG(verdict.text), STR_ARG(verdict.complaint));
        EXPECT_TEXT(strbuf_c(&shown), rows[i].verdict);
        close_bench(&bench);
        strbuf_done(&shown);
        strbuf_done(&table);
    }
}

TEST(each_action_is_known_in_any_case_and_its_argument_is_what_follows_the_blanks)
{
    static const struct row rows[] = {
        { "OK", "dunno|||" },
        { "DUNNO and text", "dunno||and text|" },
        { "discard", "discard|||" },
        { "Discard  some  text", "discard||some  text|" },
        { "HOLD x", "hold||x|" },
        { "IGNORE x", "ignore||x|" },
        { "STRIP\tx", "strip||x|" },
        { "INFO x", "info||x|" },
        { "WARN x", "warning||x|" },
        { "PASS x", "pass||x|" },
        { "PREPEND X-New: y", "prepend||X-New: y|" },
        { "REPLACE X-New : y", "replace||X-New : y|" },
        { "REDIRECT a@b", "redirect||a@b|" },
        { "BCC <a@b>", "bcc||<a@b>|" },
        { "FILTER smtp:", "filter||smtp:|" },
        { "REJECT", "reject|5.7.1||" },
        { "REJECT no", "reject|5.7.1|no|" },
        { "REJECT 4.2.1 later", "reject|4.2.1|later|" },
        { "REJECT 554 5.7.7 no", "reject|5.7.1|554 5.7.7 no|" },
        { "REJECT 5.7.7", "reject|5.7.7||" },
    };

    expect_verdicts(rows, ARRAY_COUNT(rows), CHECKS_ACTIONS_ALL, CHECKS_HEADER);
}

TEST(what_cannot_be_obeyed_does_nothing_and_is_complained_of)
{
    static const struct row rows[] = {
        { "REJECT, x", "dunno|||unknown command in header_checks map: REJECT, x" },
        { "550 no", "dunno|||unknown command in header_checks map: 550 no" },
        { "PREPEND", "dunno|||PREPEND action without text in header_checks map" },
        { "PREPEND no label",
          "dunno|||bad PREPEND header text \"no label\" in header_checks map -- need \"headername: headervalue\"" },
        { "REPLACE :x",
          "dunno|||bad REPLACE header text \":x\" in header_checks map -- need \"headername: headervalue\"" },
        { "REDIRECT x", "dunno|||bad REDIRECT target \"x\" in header_checks map -- need user@domain" },
        { "BCC", "dunno|||bad BCC address \"\" in header_checks map -- need user@domain" },
        { "FILTER", "dunno|||missing FILTER command argument in header_checks map" },
        { "FILTER smtp", "dunno|||bad FILTER command smtp in header_checks -- need transport:destination" },
        { "REJECT 2.1.1 x", "reject|4.1.1|x|bad DSN action in 2.1.1 x -- need 4.x.x or 5.x.x" },
    };

    expect_verdicts(rows, ARRAY_COUNT(rows), CHECKS_ACTIONS_ALL, CHECKS_HEADER);
}

TEST(any_text_may_stand_in_a_body)
{
    static const struct row rows[] = {
        { "PREPEND no label", "prepend||no label|" },
        { "REPLACE :x", "replace||:x|" },
        { "REPLACE", "dunno|||REPLACE action without text in body_checks map" },
    };

    expect_verdicts(rows, ARRAY_COUNT(rows), CHECKS_ACTIONS_ALL, CHECKS_BODY);
}

TEST(a_delivery_agent_changes_lines_and_nothing_else)
{
    static const struct row rows[] = {
        { "REJECT x", "dunno|||unsupported command in header_checks map: REJECT x" },
        { "PASS", "dunno|||unsupported command in header_checks map: PASS" },
        { "FOO", "dunno|||unsupported command in header_checks map: FOO" },
        { "OK", "dunno|||" },
        { "PREPEND X: y", "prepend||X: y|" },
    };

    expect_verdicts(rows, ARRAY_COUNT(rows), CHECKS_ACTIONS_DELIVERY, CHECKS_HEADER);
}

TEST(an_empty_line_and_what_is_beyond_the_limit_are_not_asked_for)
{
    struct bench bench = open_bench("static:WARN", CHECKS_ACTIONS_ALL);

    EXPECT_INT(checks_body(bench.checks, STR("x"), 99, bench.arena).action, CHECKS_WARN);
    EXPECT_INT(checks_body(bench.checks, STR("x"), 100, bench.arena).action, CHECKS_NONE);
    EXPECT_INT(checks_body(bench.checks, STR_EMPTY, 0, bench.arena).action, CHECKS_NONE);
    /* Nor is a class without tables. */
    EXPECT_INT(checks_header(bench.checks, CHECKS_NESTED_HEADER, STR("x: y"), bench.arena).action, CHECKS_NONE);
    EXPECT(checks_has(bench.checks, CHECKS_BODY) && checks_has_any(bench.checks));
    EXPECT_FALSE(checks_has(bench.checks, CHECKS_MIME_HEADER));
    close_bench(&bench);
}

TEST(a_table_that_cannot_answer_is_no_answer)
{
    struct bench bench = open_bench("regexp:/nonexistent/x", CHECKS_ACTIONS_ALL);
    struct checks_verdict verdict = checks_header(bench.checks, CHECKS_HEADER, STR("x: y"), bench.arena);

    EXPECT_INT(verdict.action, CHECKS_UNKNOWN);
    EXPECT(str_find(verdict.complaint, STR("/nonexistent/x")) != STR_NOT_FOUND);
    close_bench(&bench);
}

TEST(without_tables_nothing_is_asked)
{
    struct bench bench = open_bench("", CHECKS_ACTIONS_ALL);

    EXPECT_FALSE(checks_has_any(bench.checks));
    EXPECT_INT(checks_header(bench.checks, CHECKS_HEADER, STR("x: y"), bench.arena).action, CHECKS_NONE);
    close_bench(&bench);
}
