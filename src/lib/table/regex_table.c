/* SPDX-License-Identifier: Apache-2.0 */
/*
 * regexp: and pcre: rules in order, "/pattern/flags result", "!/pattern/flags result", if ... endif. Both run on
 * PCRE2; regexp: is translated first. Patterns are compiled to machine code when the table is opened, before seccomp
 * forbids that, and match within limits: a pattern that would run away answers UNKNOWN.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "table/literal_need.h"
#include "table/literal_prefix.h"
#include "table/posix_pattern.h"
#include "table/replacement.h"
#include "table/table_source.h"
#include "table/table_type.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    MATCH_LIMIT = 1000000,
    HEAP_LIMIT_KB = 20000,
    JIT_STACK_START = 32 * 1024,
    JIT_STACK_MAX = 1024 * 1024,
    PATTERN_MAX = 256 * 1024,
    MANY_PROBES = 8,
    BUCKETS = 64,
};

enum regex_action {
    REGEX_RESULT,
    REGEX_IF,
    REGEX_ENDIF,
};

struct regex_rule {
    enum regex_action action;
    bool is_negated;
    pcre2_code *code;
    bool is_machine_code;
    bool ignores_case;
    struct literal_prefix prefix;
    struct literal_need need;
    struct replacement result;
    unsigned line;
    size_t endif; /* of an IF: the place of its ENDIF */
};

struct regex_table {
    struct regex_rule *rules;
    struct literal_probe *probes; /* a rule each; none of what is more than a pattern and its result */
    bool has_many_probes;         /* so many that to know a key's pairs pays */
    uint64_t *candidates;         /* for each bucket of first bytes the rules that may match, a bit each */
    size_t words;                 /* of a bucket */
    size_t count;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    pcre2_match_data *match; /* of the last match, with room for the groups of any rule */
};

struct regex_parser {
    struct table *table;
    struct regex_table *regex;
    struct str place; /* for messages */
    unsigned line;
    bool is_posix;
    size_t *open_ifs;
    size_t open_count;
};

PRINTF_LIKE(2, 3) static void warn(const struct regex_parser *parser, const char *format, ...)
{
    char text[600];
    va_list args;

    va_start(args, format);
    (void) vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    table_set_warn(parser->table->set, "%s map %.*s, line %u: %s", parser->table->type->name, STR_ARG(parser->place),
                   parser->line, text);
}

struct regex_flag {
    char letter;
    uint32_t option;
};

/* Both kinds begin with CASELESS, pcre: with DOTALL too; a letter toggles. */
static const struct regex_flag pcre_flags[] = {
    { 'i', PCRE2_CASELESS }, { 'm', PCRE2_MULTILINE },      { 's', PCRE2_DOTALL },   { 'x', PCRE2_EXTENDED },
    { 'A', PCRE2_ANCHORED }, { 'E', PCRE2_DOLLAR_ENDONLY }, { 'U', PCRE2_UNGREEDY }, { 'X', 0 },
};

/* x stands for the extended syntax here; PCRE2_EXTENDED is only its mark until the translation. */
static const struct regex_flag posix_flags[] = {
    { 'i', PCRE2_CASELESS },
    { 'm', PCRE2_MULTILINE },
    { 'x', PCRE2_EXTENDED },
};

static bool toggle(const struct regex_parser *parser, char letter, uint32_t *options)
{
    const struct regex_flag *flags = parser->is_posix ? posix_flags : pcre_flags;
    size_t count = parser->is_posix ? ARRAY_COUNT(posix_flags) : ARRAY_COUNT(pcre_flags);

    for (size_t i = 0; i < count; i++) {
        if (flags[i].letter == letter) {
            *options ^= flags[i].option;
            return true;
        }
    }
    return false;
}

/* Takes "/pattern/flags" off *line; false with the warning made. */
static bool take_pattern(const struct regex_parser *parser, struct str *line, struct str *pattern_out,
                         uint32_t *options_out)
{
    const char *consequence = parser->is_posix ? "skipping this rule" : "ignoring this rule";
    struct str rest = *line;
    uint32_t options = PCRE2_CASELESS | (parser->is_posix ? PCRE2_EXTENDED : PCRE2_DOTALL);
    char delimiter;
    size_t end = 1;

    if (str_is_empty(rest)) {
        warn(parser, "no regexp: skipping this rule");
        return false;
    }
    delimiter = rest.data[0];
    while (end < rest.len && rest.data[end] != delimiter)
        end += rest.data[end] == '\\' ? 2 : 1;
    if (end >= rest.len) {
        warn(parser, "no closing regexp delimiter \"%c\": %s", delimiter, consequence);
        return false;
    }
    *pattern_out = str_part(rest, 1, end - 1);
    rest = str_from(rest, end + 1);
    while (rest.len > 0 && !char_is_space(rest.data[0]) && rest.data[0] != '!') {
        if (!toggle(parser, rest.data[0], &options)) {
            warn(parser, "unknown regexp option \"%c\": skipping this rule", rest.data[0]);
            return false;
        }
        rest = str_from(rest, 1);
    }
    if (rest.len > 0 && rest.data[0] == '!') {
        warn(parser, "unknown regexp option \"!\": skipping this rule");
        return false;
    }
    *line = str_trim(rest);
    *options_out = options;
    return true;
}

static bool translate(const struct regex_parser *parser, struct str pattern, uint32_t *options, struct strbuf *out)
{
    const char *problem;
    unsigned flags = 0;

    if ((*options & PCRE2_EXTENDED) != 0)
        flags |= POSIX_PATTERN_EXTENDED;
    *options &= ~(uint32_t) PCRE2_EXTENDED;
    if ((*options & PCRE2_MULTILINE) != 0)
        flags |= POSIX_PATTERN_NEWLINE;
    else
        *options |= PCRE2_DOTALL;
    *options |= PCRE2_DOLLAR_ENDONLY;
    if (!posix_pattern_translate(pattern, flags, out, &problem)) {
        warn(parser, "%s", problem);
        return false;
    }
    return true;
}

static bool compile(const struct regex_parser *parser, struct str pattern, uint32_t options, struct regex_rule *rule)
{
    struct strbuf translated;
    PCRE2_SIZE offset;
    int code;

    strbuf_init(&translated, PATTERN_MAX);
    if (parser->is_posix) {
        if (!translate(parser, pattern, &options, &translated)) {
            strbuf_done(&translated);
            return false;
        }
        pattern = strbuf_str(&translated);
    }
    rule->ignores_case = (options & PCRE2_CASELESS) != 0;
    if ((options & (PCRE2_EXTENDED | PCRE2_MULTILINE)) == 0)
        rule->prefix = literal_prefix_of(pattern, rule->ignores_case);
    if ((options & PCRE2_EXTENDED) == 0)
        rule->need = literal_need_of(pattern);
    rule->code = pcre2_compile((PCRE2_SPTR) pattern.data, pattern.len, options, &code, &offset, NULL);
    strbuf_done(&translated);
    if (rule->code == NULL) {
        PCRE2_UCHAR text[200];

        pcre2_get_error_message(code, text, sizeof(text));
        warn(parser, "error in regex at offset %zu: %s", offset, (const char *) text);
        return false;
    }
    /* Where the machine has no JIT the interpreter takes over. */
    rule->is_machine_code = pcre2_jit_compile(rule->code, PCRE2_JIT_COMPLETE) == 0;
    return true;
}

static void release(struct regex_rule *rule)
{
    pcre2_code_free(rule->code);
}

static bool check_result(const struct regex_parser *parser, struct regex_rule *rule, struct str text)
{
    uint32_t groups;
    unsigned highest;

    if (str_is_empty(text))
        warn(parser, "no replacement text: using empty string");
    if (!replacement_parse(text, table_set_arena(parser->table->set), &rule->result)) {
        warn(parser, "bad replacement syntax: skipping this rule");
        return false;
    }
    highest = replacement_highest(&rule->result);
    if (highest == 0)
        return true;
    if (rule->is_negated) {
        warn(parser, "$number found in negative match replacement text: skipping this rule");
        return false;
    }
    if ((parser->table->flags & TABLE_NO_SUBSTITUTION) != 0) {
        warn(parser, "regular expression substitution is not allowed: skipping this rule");
        return false;
    }
    (void) pcre2_pattern_info(rule->code, PCRE2_INFO_CAPTURECOUNT, &groups);
    if (highest > groups) {
        warn(parser, "out of range replacement index \"%u\": skipping this rule", highest);
        return false;
    }
    return true;
}

static void parse_endif(struct regex_parser *parser, struct str line)
{
    struct regex_rule *rule = &parser->regex->rules[parser->regex->count];

    if (parser->open_count == 0) {
        warn(parser, "ignoring ENDIF without matching IF");
        return;
    }
    if (!str_is_empty(str_trim(str_from(line, 5))))
        warn(parser, "ignoring extra text after ENDIF");
    rule->action = REGEX_ENDIF;
    parser->regex->rules[parser->open_ifs[--parser->open_count]].endif = parser->regex->count;
    parser->regex->count++;
}

static void parse_rule(struct regex_parser *parser, struct str line)
{
    struct regex_rule rule = { .action = REGEX_RESULT, .line = parser->line, .endif = SIZE_MAX };
    struct str pattern;
    uint32_t options;

    if (str_starts_with_nocase(line, STR("endif")) && (line.len == 5 || !char_is_alnum(line.data[5]))) {
        parse_endif(parser, line);
        return;
    }
    if (str_starts_with_nocase(line, STR("if")) && (line.len == 2 || !char_is_alnum(line.data[2]))) {
        rule.action = REGEX_IF;
        line = str_trim_left(str_from(line, 2));
    } else if (char_is_alnum(line.data[0])) {
        warn(parser, "ignoring unrecognized request");
        return;
    }
    for (; str_starts_with(line, STR("!")); line = str_trim_left(str_from(line, 1)))
        rule.is_negated = !rule.is_negated;
    if (!take_pattern(parser, &line, &pattern, &options))
        return;
    if (rule.action == REGEX_IF && !str_is_empty(line)) {
        warn(parser, "ignoring extra text after IF statement: \"%.*s\"", STR_ARG(line));
        warn(parser, "do not prepend whitespace to statements between IF and ENDIF");
    }
    if (!compile(parser, pattern, options, &rule))
        return;
    if (rule.action == REGEX_RESULT && !check_result(parser, &rule, line)) {
        release(&rule);
        return;
    }
    if (rule.action == REGEX_IF)
        parser->open_ifs[parser->open_count++] = parser->regex->count;
    parser->regex->rules[parser->regex->count++] = rule;
}

static size_t count_lines(struct str text)
{
    size_t count = 1;

    for (size_t i = 0; i < text.len; i++)
        count += text.data[i] == '\n';
    return count;
}

static void init_matching(struct regex_table *regex)
{
    regex->context = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(regex->context, MATCH_LIMIT);
    pcre2_set_heap_limit(regex->context, HEAP_LIMIT_KB);
    /* Without one of its own, machine code would take 32 kB of a fiber's stack. */
    regex->stack = pcre2_jit_stack_create(JIT_STACK_START, JIT_STACK_MAX, NULL);
    pcre2_jit_stack_assign(regex->context, NULL, regex->stack);
}

static bool is_plain(const struct regex_rule *rule)
{
    return rule->action == REGEX_RESULT && !rule->is_negated;
}

static void gather_probes(struct regex_table *regex, struct arena *arena)
{
    struct literal_counts *counts = arena_new(arena, struct literal_counts);
    size_t known = 0;

    regex->probes = arena_new_array(arena, regex->count + 1, struct literal_probe);
    for (size_t i = 0; i < regex->count; i++)
        literal_counts_add(counts, &regex->rules[i].need);
    for (size_t i = 0; i < regex->count; i++) {
        if (is_plain(&regex->rules[i]))
            regex->probes[i] = literal_probe_of(&regex->rules[i].need, counts);
        known += regex->probes[i].count > 0;
    }
    regex->has_many_probes = known >= MANY_PROBES;
}

static unsigned bucket_of(char first)
{
    return (unsigned char) char_to_lower(first) % BUCKETS;
}

/* What decides by not matching is asked whatever a key begins with. */
static void gather_candidates(struct regex_table *regex, struct arena *arena)
{
    regex->words = regex->count / 64 + 1;
    regex->candidates = arena_new_array(arena, BUCKETS * regex->words, uint64_t);
    for (size_t i = 0; i < regex->count; i++) {
        const struct regex_rule *rule = &regex->rules[i];
        bool is_anchored = is_plain(rule) && rule->prefix.len > 0;

        if (rule->action == REGEX_ENDIF)
            continue;
        for (unsigned bucket = 0; bucket < BUCKETS; bucket++) {
            if (!is_anchored || bucket_of(rule->prefix.text[0]) == bucket)
                regex->candidates[bucket * regex->words + i / 64] |= UINT64_C(1) << (i % 64);
        }
    }
}

/* A key on its way through the rules. */
struct search {
    const struct regex_table *regex;
    const uint64_t *candidates; /* of the key's bucket */
    struct literal_pairs pairs;
};

static void search_init(struct search *search, const struct regex_table *regex, struct str key)
{
    unsigned bucket = bucket_of(key.len > 0 ? key.data[0] : '\0');

    search->regex = regex;
    search->candidates = regex->candidates + bucket * regex->words;
    if (regex->has_many_probes)
        literal_pairs_of(&search->pairs, key);
}

/* The first rule from one on that may match; their number if there is none. */
static size_t next_candidate(const struct search *search, size_t from)
{
    const struct regex_table *regex = search->regex;
    size_t word = from / 64;
    uint64_t bits = search->candidates[word] >> (from % 64) << (from % 64);

    for (;;) {
        for (; bits != 0; bits &= bits - 1) {
            size_t i = word * 64 + (size_t) __builtin_ctzll(bits);

            if (!regex->has_many_probes || literal_probe_is_met(&regex->probes[i], &search->pairs))
                return i;
        }
        if (++word >= regex->words)
            return regex->count;
        bits = search->candidates[word];
    }
}

static void make_room(struct regex_table *regex)
{
    uint32_t most = 0;

    for (size_t i = 0; i < regex->count; i++) {
        uint32_t groups = 0;

        if (regex->rules[i].code != NULL)
            (void) pcre2_pattern_info(regex->rules[i].code, PCRE2_INFO_CAPTURECOUNT, &groups);
        most = groups > most ? groups : most;
    }
    regex->match = pcre2_match_data_create(most + 1, NULL);
}

static bool open_table(struct table *table, struct str argument, bool is_posix, struct failure *why)
{
    struct arena *arena = table_set_arena(table->set);
    struct regex_parser parser = { .table = table, .place = argument, .is_posix = is_posix };
    const struct table_set_options *options = table_set_options(table->set);
    struct table_source source;
    struct str text;
    struct str line;

    if (!table_source_load(table, argument, true, &text, why))
        return false;
    parser.regex = arena_new(arena, struct regex_table);
    parser.regex->rules = arena_new_array(arena, count_lines(text), struct regex_rule);
    parser.open_ifs = arena_new_array(arena, count_lines(text), size_t);
    init_matching(parser.regex);
    table_source_init(&source, text);
    table_source_skip_indented(&source, argument, options->warn, options->warn_context);
    while (table_source_next(&source, &line, &parser.line))
        parse_rule(&parser, line);
    table_source_done(&source);
    while (parser.open_count > 0) {
        parser.line = parser.regex->rules[parser.open_ifs[--parser.open_count]].line;
        warn(&parser, "IF has no matching ENDIF");
    }
    make_room(parser.regex);
    gather_probes(parser.regex, arena);
    gather_candidates(parser.regex, arena);
    table->state = parser.regex;
    return true;
}

static bool open_regexp(struct table *table, struct str argument, struct failure *why)
{
    return open_table(table, argument, true, why);
}

static bool open_pcre(struct table *table, struct str argument, struct failure *why)
{
    return open_table(table, argument, false, why);
}

static void close_table(struct table *table)
{
    struct regex_table *regex = table->state;

    for (size_t i = 0; i < regex->count; i++)
        release(&regex->rules[i]);
    pcre2_match_data_free(regex->match);
    pcre2_match_context_free(regex->context);
    pcre2_jit_stack_free(regex->stack);
}

/* groups: what the match has set; those behind are of other rules. */
static struct str group_text(const struct regex_table *regex, unsigned groups, struct str key, unsigned number)
{
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(regex->match);

    if (number >= groups || ends[2 * number] == PCRE2_UNSET || ends[2 * number] > ends[2 * number + 1])
        return STR_EMPTY;
    return str_part(key, ends[2 * number], ends[2 * number + 1] - ends[2 * number]);
}

static struct str expand(const struct regex_table *regex, const struct regex_rule *rule, unsigned groups,
                         struct str key, struct arena *arena)
{
    struct strbuf text;
    struct str result;

    if (replacement_highest(&rule->result) == 0 && rule->result.count <= 1)
        return rule->result.count == 0 ? STR_EMPTY : arena_str(arena, rule->result.parts[0].text);
    strbuf_init(&text, STRBUF_UNLIMITED);
    for (size_t i = 0; i < rule->result.count; i++) {
        const struct replacement_part *part = &rule->result.parts[i];

        strbuf_append(&text, part->group == 0 ? part->text : group_text(regex, groups, key, part->group));
    }
    result = arena_str(arena, strbuf_str(&text));
    strbuf_done(&text);
    return result;
}

/* The number of groups that are set, the match itself among them, or an error. */
static int match(const struct regex_table *regex, const struct regex_rule *rule, struct str key)
{
    PCRE2_SPTR text = (PCRE2_SPTR) key.data;

    if (!literal_prefix_fits(&rule->prefix, rule->ignores_case, key))
        return PCRE2_ERROR_NOMATCH;
    if (rule->is_machine_code)
        return pcre2_jit_match(rule->code, text, key.len, 0, 0, regex->match, regex->context);
    return pcre2_match(rule->code, text, key.len, 0, 0, regex->match, regex->context);
}

static enum table_result lookup(struct table *table, struct str key, struct arena *arena, struct str *value_out,
                                struct failure *why)
{
    const struct regex_table *regex = table->state;
    struct search search;

    search_init(&search, regex, key);
    for (size_t i = next_candidate(&search, 0); i < regex->count; i = next_candidate(&search, i + 1)) {
        const struct regex_rule *rule = &regex->rules[i];
        bool is_match;
        int status;

        status = match(regex, rule, key);
        if (status < 0 && status != PCRE2_ERROR_NOMATCH) {
            PCRE2_UCHAR text[200];

            pcre2_get_error_message(status, text, sizeof(text));
            (void) failure_set(why, FAILURE_RETRY, 0, "%.*s, line %u: cannot match: %s", STR_ARG(table->name),
                               rule->line, (const char *) text);
            return TABLE_UNKNOWN;
        }
        is_match = (status >= 0) != rule->is_negated;
        if (rule->action == REGEX_IF) {
            if (!is_match)
                i = rule->endif == SIZE_MAX ? regex->count - 1 : rule->endif;
        } else if (is_match) {
            *value_out = expand(regex, rule, status > 0 ? (unsigned) status : 0, key, arena);
            return TABLE_FOUND;
        }
    }
    return TABLE_ABSENT;
}

const struct table_type regexp_table_type = {
    .name = "regexp",
    .kind = TABLE_PATTERN,
    .open = open_regexp,
    .lookup = lookup,
    .close = close_table,
};

const struct table_type pcre_table_type = {
    .name = "pcre",
    .kind = TABLE_PATTERN,
    .open = open_pcre,
    .lookup = lookup,
    .close = close_table,
};
