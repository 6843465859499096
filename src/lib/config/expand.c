/* SPDX-License-Identifier: Apache-2.0 */
#include "config/expand.h"

#include "base/cursor.h"
#include "config/main_cf.h"
#include "mail/domain.h"

#define TOO_DEEP "a value refers to itself, or $ forms nest deeper than %d"

enum { DEEPEST = 100, BRANCHES_MAXIMUM = 10000 };

struct expansion {
    const struct expand_source *source;
    unsigned depth;
    unsigned branches; /* $ forms seen, so that a short value cannot ask for endless work */
    struct failure *why;
};

static bool expand_into(struct expansion *expansion, struct str text, struct strbuf *out);

static bool name_char(char c)
{
    return char_is_alnum(c) || c == '_';
}

static bool fail_at(struct expansion *expansion, const char *what, struct str at)
{
    return failure_set(expansion->why, FAILURE_CONFIGURATION, 0, "%s at \"%.*s\"", what, STR_ARG(str_part(at, 0, 80)));
}

/* Takes what stands between an opening and its closing sign; the cursor is at the opening one. */
static bool take_balanced(struct cursor *cursor, char opening, char closing, struct str *inner_out)
{
    struct str text = cursor->rest;
    size_t depth = 0;
    size_t i;

    for (i = 0; i < text.len; i++) {
        if (text.data[i] == opening)
            depth++;
        else if (text.data[i] == closing && --depth == 0) {
            *inner_out = str_part(text, 1, i - 1);
            cursor->rest = str_from(text, i + 1);
            return true;
        }
    }
    return false;
}

static void skip_space(struct cursor *cursor)
{
    cursor_skip_any(cursor, " \t\r\n");
}

/* What follows ? and : in a form; has_ tells whether it was given. */
struct branches {
    struct str if_true;
    struct str if_false;
    bool has_true;
    bool has_false;
};

/* "{ text }", or without braces all that is left. */
static bool take_branch(struct expansion *expansion, struct cursor *cursor, struct str *branch_out, bool *braced_out)
{
    struct cursor ahead = *cursor;

    skip_space(&ahead);
    *braced_out = cursor_peek(&ahead) == '{';
    if (*braced_out) {
        struct str at = ahead.rest;

        if (!take_balanced(&ahead, '{', '}', branch_out))
            return fail_at(expansion, "\"}\" is missing", at);
        *branch_out = str_trim(*branch_out);
        *cursor = ahead;
        skip_space(cursor);
        return true;
    }
    *branch_out = cursor->rest;
    cursor->rest = STR_EMPTY;
    return true;
}

static bool parse_branches(struct expansion *expansion, struct cursor *cursor, struct branches *branches_out)
{
    struct branches branches = { 0 };
    bool braced = false;

    if (cursor_skip_char(cursor, '?')) {
        branches.has_true = true;
        if (!take_branch(expansion, cursor, &branches.if_true, &braced))
            return false;
        if (braced && !cursor_at_end(cursor) && cursor_peek(cursor) != ':')
            return fail_at(expansion, "\":\" expected", cursor->rest);
    }
    if (cursor_skip_char(cursor, ':')) {
        branches.has_false = true;
        if (!take_branch(expansion, cursor, &branches.if_false, &braced))
            return false;
    }
    if (!cursor_at_end(cursor))
        return fail_at(expansion, "unexpected text", cursor->rest);
    *branches_out = branches;
    return true;
}

enum relation { EQUAL, NOT_EQUAL, LESS, LESS_OR_EQUAL, GREATER, GREATER_OR_EQUAL };

static bool relation_holds(enum relation relation, int order)
{
    switch (relation) {
    case EQUAL:
        return order == 0;
    case NOT_EQUAL:
        return order != 0;
    case LESS:
        return order < 0;
    case LESS_OR_EQUAL:
        return order <= 0;
    case GREATER:
        return order > 0;
    case GREATER_OR_EQUAL:
        return order >= 0;
    }
    return false;
}

static bool take_relation(struct cursor *cursor, enum relation *relation_out, bool *is_level_out)
{
    static const struct {
        const char *sign;
        enum relation relation;
    } relations[] = {
        { "==", EQUAL }, { "!=", NOT_EQUAL }, { "<=", LESS_OR_EQUAL }, { ">=", GREATER_OR_EQUAL },
        { "<", LESS },   { ">", GREATER },
    };
    size_t i;

    for (i = 0; i < ARRAY_COUNT(relations); i++) {
        if (cursor_skip_str(cursor, str_from_c(relations[i].sign))) {
            *relation_out = relations[i].relation;
            *is_level_out = cursor_skip_str(cursor, STR("level"));
            return true;
        }
    }
    return false;
}

static bool is_number(struct str text)
{
    size_t i;

    for (i = 0; i < text.len; i++)
        if (!char_is_digit(text.data[i]))
            return false;
    return text.len > 0;
}

/* Numbers of any length: without leading zeros the longer one is larger. */
static int compare_numbers(struct str a, struct str b)
{
    while (a.len > 1 && a.data[0] == '0')
        a = str_from(a, 1);
    while (b.len > 1 && b.data[0] == '0')
        b = str_from(b, 1);
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return str_compare(a, b);
}

static bool compare(struct expansion *expansion, struct str left, struct str right, bool is_level, int *order_out)
{
    if (is_level) {
        int ignored;

        if (main_cf_compare_levels(left, right, order_out))
            return true;
        if (main_cf_compare_levels(left, left, &ignored))
            left = right;
        return failure_set(expansion->why, FAILURE_CONFIGURATION, 0,
                           "malformed compatibility level \"%.*s\": write it as 2 or 3.6", STR_ARG(left));
    }
    *order_out = is_number(left) && is_number(right) ? compare_numbers(left, right) : str_compare(left, right);
    return true;
}

static bool take_operand(struct expansion *expansion, struct cursor *cursor, struct strbuf *operand)
{
    struct str text;

    skip_space(cursor);
    if (cursor_peek(cursor) != '{')
        return fail_at(expansion, "\"{\" expected", cursor->rest);
    if (!take_balanced(cursor, '{', '}', &text))
        return fail_at(expansion, "\"}\" is missing", cursor->rest);
    skip_space(cursor);
    return expand_into(expansion, str_trim(text), operand);
}

/* "{left} op {right}"; the cursor then stands at ? or : or the end. */
static bool evaluate_relation(struct expansion *expansion, struct cursor *cursor, bool *holds_out)
{
    struct strbuf left;
    struct strbuf right;
    enum relation relation;
    bool is_level;
    int order;
    bool is_good = false;

    strbuf_init(&left, expansion->source->maximum);
    strbuf_init(&right, expansion->source->maximum);
    if (!take_operand(expansion, cursor, &left))
        goto done;
    if (!take_relation(cursor, &relation, &is_level)) {
        fail_at(expansion, "one of == != < <= > >= expected", cursor->rest);
        goto done;
    }
    if (!take_operand(expansion, cursor, &right) ||
        !compare(expansion, strbuf_str(&left), strbuf_str(&right), is_level, &order))
        goto done;
    *holds_out = relation_holds(relation, order);
    is_good = true;
done:
    strbuf_done(&left);
    strbuf_done(&right);
    return is_good;
}

static bool append(struct expansion *expansion, struct strbuf *out, struct str text)
{
    if (strbuf_append(out, text))
        return true;
    return failure_set(expansion->why, FAILURE_CONFIGURATION, 0, "the value grows beyond %zu bytes", out->maximum);
}

static bool expand_name(struct expansion *expansion, struct str name, struct strbuf *out)
{
    const struct expand_source *source = expansion->source;
    struct str value;
    bool is_good;

    if (!source->lookup(source->context, name, &value))
        return !source->must_be_known || failure_set(expansion->why, FAILURE_CONFIGURATION, 0,
                                                     "undefined name \"%.*s\"", STR_ARG(str_part(name, 0, 200)));
    if (!source->is_recursive)
        return append(expansion, out, value);
    if (expansion->depth >= DEEPEST)
        return failure_set(expansion->why, FAILURE_CONFIGURATION, 0,
                           "\"%.*s\" refers to itself, or references nest deeper than %d", STR_ARG(name), DEEPEST);
    expansion->depth++;
    is_good = expand_into(expansion, value, out);
    expansion->depth--;
    return is_good;
}

static bool expand_branches(struct expansion *expansion, bool holds, const struct branches *branches,
                            struct strbuf *out)
{
    bool is_good;

    /* Texts within texts nest as values do. */
    if (expansion->depth >= DEEPEST)
        return failure_set(expansion->why, FAILURE_CONFIGURATION, 0, TOO_DEEP, DEEPEST);
    expansion->depth++;
    is_good = expand_into(expansion, holds ? branches->if_true : branches->if_false, out);
    expansion->depth--;
    return is_good;
}

/* ASCII stays as it is written. */
static bool ascii_domain(struct arena *arena, struct str argument, struct str *out, struct failure *why)
{
    if (argument.len == 0)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "domain_to_ascii{} without a domain name");
    *out = argument;
    if (domain_is_ascii(argument) || domain_to_ascii(arena, argument, false, out, why))
        return true;
    why->kind = FAILURE_CONFIGURATION;
    return false;
}

static const struct {
    const char *name;
    bool (*run)(struct arena *arena, struct str argument, struct str *out, struct failure *why);
} functions[] = {
    { "domain_to_ascii", ascii_domain },
};

/* "{argument}", at which the cursor is. */
static bool call_function(struct expansion *expansion, struct str name, struct cursor *cursor, struct strbuf *out)
{
    struct arena *arena;
    struct strbuf argument;
    struct str result;
    bool is_good;
    size_t i = 0;

    while (i < ARRAY_COUNT(functions) && !str_equal(name, str_from_c(functions[i].name)))
        i++;
    if (i == ARRAY_COUNT(functions))
        return fail_at(expansion, "domain_to_ascii is the only function: unknown", name);
    arena = arena_create();
    strbuf_init(&argument, expansion->source->maximum);
    is_good = take_operand(expansion, cursor, &argument);
    if (is_good && !cursor_at_end(cursor))
        is_good = fail_at(expansion, "unexpected text", cursor->rest);
    is_good = is_good && functions[i].run(arena, strbuf_str(&argument), &result, expansion->why) &&
              append(expansion, out, result);
    strbuf_done(&argument);
    arena_destroy(&arena);
    return is_good;
}

/* What stands between ${ and }. */
static bool expand_form(struct expansion *expansion, struct str form, struct strbuf *out)
{
    const struct expand_source *source = expansion->source;
    struct cursor cursor = cursor_over(form);
    struct branches branches;
    struct str name;
    struct str value;
    bool holds;

    skip_space(&cursor);
    if (cursor_peek(&cursor) == '{') {
        bool is_good;

        if (expansion->depth >= DEEPEST)
            return failure_set(expansion->why, FAILURE_CONFIGURATION, 0, TOO_DEEP, DEEPEST);
        expansion->depth++;
        is_good = evaluate_relation(expansion, &cursor, &holds);
        expansion->depth--;
        if (!is_good || !parse_branches(expansion, &cursor, &branches))
            return false;
        if (!branches.has_true && !branches.has_false)
            return append(expansion, out, holds ? STR("true") : STR_EMPTY);
        return expand_branches(expansion, holds, &branches, out);
    }
    name = cursor_take_while(&cursor, name_char);
    if (name.len == 0)
        return fail_at(expansion, "a parameter's name expected", form);
    skip_space(&cursor);
    if (cursor_at_end(&cursor))
        return expand_name(expansion, name, out);
    if (cursor_peek(&cursor) == '{') {
        bool is_good;

        if (expansion->depth >= DEEPEST)
            return failure_set(expansion->why, FAILURE_CONFIGURATION, 0, TOO_DEEP, DEEPEST);
        expansion->depth++;
        is_good = call_function(expansion, name, &cursor, out);
        expansion->depth--;
        return is_good;
    }
    if (cursor_peek(&cursor) != '?' && cursor_peek(&cursor) != ':')
        return fail_at(expansion, "\"?\" or \":\" or \"}\" expected", cursor.rest);
    if (!parse_branches(expansion, &cursor, &branches))
        return false;
    holds = source->lookup(source->context, name, &value) && value.len > 0;
    return expand_branches(expansion, holds, &branches, out);
}

/* The cursor stands behind a $. */
static bool expand_dollar(struct expansion *expansion, struct cursor *cursor, struct strbuf *out)
{
    char opening = cursor_peek(cursor);
    struct str at = cursor->rest;
    struct str text;

    if (++expansion->branches > BRANCHES_MAXIMUM)
        return failure_set(expansion->why, FAILURE_CONFIGURATION, 0, "more than %d references in one value",
                           BRANCHES_MAXIMUM);
    if (cursor_skip_char(cursor, '$'))
        return append(expansion, out, STR("$"));
    if (opening == '{' || opening == '(') {
        if (!take_balanced(cursor, opening, opening == '{' ? '}' : ')', &text))
            return fail_at(expansion, opening == '{' ? "\"}\" is missing" : "\")\" is missing", at);
        return expand_form(expansion, text, out);
    }
    text = cursor_take_while(cursor, name_char);
    if (text.len == 0)
        return fail_at(expansion, "a parameter's name expected after \"$\" (write $$ for a dollar)", at);
    return expand_name(expansion, text, out);
}

static bool expand_into(struct expansion *expansion, struct str text, struct strbuf *out)
{
    struct cursor cursor = cursor_over(text);

    for (;;) {
        if (!append(expansion, out, cursor_take_until(&cursor, "$")))
            return false;
        if (!cursor_skip_char(&cursor, '$'))
            return true;
        if (!expand_dollar(expansion, &cursor, out))
            return false;
    }
}

bool expand_text(const struct expand_source *source, struct str text, struct strbuf *out, struct failure *why)
{
    struct expansion expansion = { .source = source, .why = why };

    return expand_into(&expansion, text, out);
}
