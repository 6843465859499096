/* SPDX-License-Identifier: Apache-2.0 */
#include "table/posix_pattern.h"

#include "base/cursor.h"

struct translation {
    struct cursor in;
    struct strbuf *out;
    unsigned flags;
    const char *problem;
    bool is_at_start; /* where * is a literal and BRE's ^ an anchor */
    unsigned depth;   /* open parentheses */
};

static void put_literal(struct translation *t, char c)
{
    if (c >= 0 && !char_is_alnum(c) && c != '_')
        strbuf_append_char(t->out, '\\');
    strbuf_append_char(t->out, c);
    t->is_at_start = false;
}

static bool is_extended(const struct translation *t)
{
    return (t->flags & POSIX_PATTERN_EXTENDED) != 0;
}

static const char *const class_names[] = {
    "alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "xdigit",
};

static bool is_class_name(struct str name)
{
    for (size_t i = 0; i < ARRAY_COUNT(class_names); i++) {
        if (str_equal(name, str_from_c(class_names[i])))
            return true;
    }
    return false;
}

/* After "[": ":name:]", ".c.]" or "=c=]". */
static bool translate_bracket_item(struct translation *t, char kind)
{
    char end[3] = { kind, ']', '\0' };
    struct str rest = t->in.rest;
    size_t place = str_find(str_from(rest, 1), str_from_c(end));
    struct str name;

    if (place == STR_NOT_FOUND) {
        t->problem = "Unmatched [, [^, [:, [., or [=";
        return false;
    }
    name = str_part(rest, 1, place);
    if (kind == ':' && !is_class_name(name)) {
        t->problem = "Invalid character class name";
        return false;
    }
    if (kind != ':' && name.len != 1) {
        t->problem = "Invalid collation character";
        return false;
    }
    if (kind == ':')
        strbuf_printf(t->out, "[:%.*s:]", STR_ARG(name));
    else
        put_literal(t, name.data[0]);
    t->in.rest = str_from(rest, 1 + place + 2);
    return true;
}

/* After the opening bracket. Within it POSIX knows no backslash. */
static bool translate_bracket(struct translation *t)
{
    bool is_first = true;
    char c;

    strbuf_append_char(t->out, '[');
    if (cursor_skip_char(&t->in, '^')) {
        strbuf_append_char(t->out, '^');
        if ((t->flags & POSIX_PATTERN_NEWLINE) != 0)
            strbuf_append_c(t->out, "\\n");
    }
    for (;; is_first = false) {
        char next;

        if (!cursor_take_char(&t->in, &c)) {
            t->problem = "Unmatched [, [^, [:, [., or [=";
            return false;
        }
        if (c == ']' && !is_first)
            break;
        next = cursor_peek(&t->in);
        if (c == '[' && (next == ':' || next == '.' || next == '=')) {
            if (!translate_bracket_item(t, next))
                return false;
        } else if (c == '-' && !is_first && next != ']') {
            strbuf_append_char(t->out, '-');
        } else {
            put_literal(t, c);
        }
    }
    strbuf_append_char(t->out, ']');
    t->is_at_start = false;
    return true;
}

static void open_group(struct translation *t)
{
    strbuf_append_char(t->out, '(');
    t->depth++;
    t->is_at_start = true;
}

static bool close_group(struct translation *t)
{
    if (t->depth == 0) {
        /* ERE takes it for itself, BRE does not. */
        if (is_extended(t)) {
            put_literal(t, ')');
            return true;
        }
        t->problem = "Unmatched ) or \\)";
        return false;
    }
    strbuf_append_char(t->out, ')');
    t->depth--;
    t->is_at_start = false;
    return true;
}

/* After "{" that may begin an interval: copies "m}", "m,}" or "m,n}" (BRE: "m\}"). */
static bool translate_interval(struct translation *t)
{
    struct cursor ahead = t->in;
    uint64_t low = 0;
    uint64_t high = 0;
    bool has_low = cursor_take_uint64(&ahead, &low);
    bool has_comma = cursor_skip_char(&ahead, ',');
    bool has_high = has_comma && cursor_take_uint64(&ahead, &high);
    bool is_closed = cursor_skip_str(&ahead, is_extended(t) ? STR("}") : STR("\\}"));

    if (!is_closed || (!has_low && !has_comma)) {
        if (!is_extended(t)) {
            t->problem = "Invalid content of \\{\\}";
            return false;
        }
        put_literal(t, '{');
        return true;
    }
    t->in = ahead;
    strbuf_printf(t->out, "{%llu", (unsigned long long) low);
    if (has_comma)
        strbuf_append_char(t->out, ',');
    if (has_high)
        strbuf_printf(t->out, "%llu", (unsigned long long) high);
    strbuf_append_char(t->out, '}');
    return true;
}

/* An operator c of ERE, or of BRE where a backslash stood before it. */
static bool translate_operator(struct translation *t, char c)
{
    switch (c) {
    case '(':
        open_group(t);
        return true;
    case ')':
        return close_group(t);
    case '{':
        if (t->is_at_start) {
            put_literal(t, c);
            return true;
        }
        return translate_interval(t);
    case '|':
        strbuf_append_char(t->out, '|');
        t->is_at_start = true;
        return true;
    default: /* + ? */
        if (t->is_at_start)
            put_literal(t, c);
        else
            strbuf_append_char(t->out, c);
        return true;
    }
}

static bool is_operator(char c)
{
    return c != '\0' && strchr("(){|+?", c) != NULL;
}

static bool translate_escape(struct translation *t)
{
    static const struct {
        char letter;
        const char *meaning;
    } extensions[] = {
        { 'b', "\\b" }, { 'B', "\\B" },        { 'w', "\\w" },         { 'W', "\\W" }, { 's', "\\s" },
        { 'S', "\\S" }, { '<', "\\b(?=\\w)" }, { '>', "\\b(?<=\\w)" }, { '`', "\\A" }, { '\'', "\\z" },
    };
    char c;

    if (!cursor_take_char(&t->in, &c)) {
        t->problem = "Trailing backslash";
        return false;
    }
    for (size_t i = 0; i < ARRAY_COUNT(extensions); i++) {
        if (extensions[i].letter == c) {
            strbuf_append_c(t->out, extensions[i].meaning);
            t->is_at_start = false;
            return true;
        }
    }
    if (c >= '1' && c <= '9') {
        strbuf_printf(t->out, "\\g{%c}", c);
        t->is_at_start = false;
        return true;
    }
    if (!is_extended(t) && is_operator(c))
        return translate_operator(t, c);
    put_literal(t, c);
    return true;
}

static bool ends_branch(const struct translation *t)
{
    return cursor_at_end(&t->in) || str_starts_with(t->in.rest, STR("\\)")) || str_starts_with(t->in.rest, STR("\\|"));
}

static bool translate_char(struct translation *t, char c)
{
    if (c == '\\')
        return translate_escape(t);
    if (c == '[')
        return translate_bracket(t);
    if (is_extended(t) && is_operator(c))
        return translate_operator(t, c);
    if (c == '*' && !t->is_at_start) {
        strbuf_append_char(t->out, c);
    } else if (c == '^' && (is_extended(t) || t->is_at_start)) {
        strbuf_append_char(t->out, c);
        t->is_at_start = true;
    } else if (c == '.' || (c == '$' && (is_extended(t) || ends_branch(t)))) {
        strbuf_append_char(t->out, c);
        t->is_at_start = false;
    } else {
        put_literal(t, c);
    }
    return true;
}

bool posix_pattern_translate(struct str pattern, unsigned flags, struct strbuf *out, const char **problem_out)
{
    struct translation t = { .in = cursor_over(pattern), .out = out, .flags = flags, .is_at_start = true };
    char c;

    while (cursor_take_char(&t.in, &c)) {
        if (!translate_char(&t, c)) {
            *problem_out = t.problem;
            return false;
        }
    }
    if (t.depth > 0) {
        *problem_out = "Unmatched ( or \\(";
        return false;
    }
    return true;
}
