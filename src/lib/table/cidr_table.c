/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cidr: networks in order, with !pattern and if ... endif; see cidr_table(5). Long runs of plain networks are not
 * walked but looked up.
 */
#include "base/ip_address.h"
#include "table/network_index.h"
#include "table/network_pattern.h"
#include "table/table_source.h"
#include "table/table_type.h"

enum { RUN_MIN = 32 };

enum cidr_action {
    CIDR_RESULT,
    CIDR_IF,
    CIDR_ENDIF,
};

struct cidr_rule {
    enum cidr_action action;
    bool is_negated;
    struct network_pattern network;
    struct str result;
    unsigned line;
    size_t endif; /* of an IF: the place of its ENDIF */
    /* Of the first of a long run of plain networks: all of them, and the place after the last. */
    struct network_index *run;
    size_t run_end;
};

struct cidr_table {
    struct cidr_rule *rules;
    size_t count;
    size_t capacity;
};

struct cidr_parser {
    struct table *table;
    struct cidr_table *cidr;
    struct str place; /* for messages */
    size_t *open_ifs; /* places of IF rules not yet closed */
    size_t open_count;
};

static void warn(const struct cidr_parser *parser, unsigned line, struct str text)
{
    table_set_warn(parser->table->set, "cidr map %.*s, line %u: %.*s", STR_ARG(parser->place), line, STR_ARG(text));
}

static struct str take_word(struct str *rest)
{
    struct str word;

    *rest = str_trim_left(*rest);
    if (!str_next_word(rest, " \t\r\n", &word))
        return STR_EMPTY;
    *rest = str_trim(*rest);
    return word;
}

static bool skip_negations(struct str *text)
{
    bool is_negated = false;

    *text = str_trim_left(*text);
    while (str_starts_with(*text, STR("!"))) {
        is_negated = !is_negated;
        *text = str_trim_left(str_from(*text, 1));
    }
    return is_negated;
}

static void parse_endif(struct cidr_parser *parser, struct str line, unsigned number)
{
    struct cidr_rule rule = { .action = CIDR_ENDIF, .line = number };

    if (parser->open_count == 0) {
        warn(parser, number, STR("ENDIF without IF: skipping this rule"));
    } else if (!str_is_empty(str_trim(str_from(line, 5)))) {
        warn(parser, number, STR("garbage after ENDIF: skipping this rule"));
    } else {
        parser->cidr->rules[parser->open_ifs[--parser->open_count]].endif = parser->cidr->count;
        parser->cidr->rules[parser->cidr->count++] = rule;
    }
}

/* The line's pattern and result; false with the warning made. */
static bool read_rule(const struct cidr_parser *parser, struct str line, struct cidr_rule *rule)
{
    char problem[NETWORK_PATTERN_PROBLEM_MAX];
    struct arena *arena = table_set_arena(parser->table->set);
    struct str pattern;

    rule->is_negated = skip_negations(&line);
    pattern = rule->action == CIDR_IF ? str_trim(line) : take_word(&line);
    if (str_is_empty(pattern)) {
        warn(parser, rule->line, STR("no address pattern: skipping this rule"));
        return false;
    }
    if (rule->action == CIDR_RESULT && str_is_empty(line)) {
        warn(parser, rule->line, STR("no lookup result: skipping this rule"));
        return false;
    }
    if (!network_pattern_parse(pattern, &rule->network, problem)) {
        warn(parser, rule->line, arena_printf(arena, "%s: skipping this rule", problem));
        return false;
    }
    rule->result = arena_str(arena, line);
    return true;
}

static void parse_rule(struct cidr_parser *parser, struct str line, unsigned number)
{
    struct cidr_rule rule = { .action = CIDR_RESULT, .line = number };

    if (str_starts_with_nocase(line, STR("endif")) && (line.len == 5 || char_is_space(line.data[5]))) {
        parse_endif(parser, line, number);
        return;
    }
    if (str_starts_with_nocase(line, STR("if")) &&
        (line.len == 2 || char_is_space(line.data[2]) || line.data[2] == '!')) {
        rule.action = CIDR_IF;
        line = str_from(line, 2);
    }
    if (!read_rule(parser, line, &rule))
        return;
    if (rule.action == CIDR_IF) {
        rule.endif = SIZE_MAX;
        parser->open_ifs[parser->open_count++] = parser->cidr->count;
    }
    parser->cidr->rules[parser->cidr->count++] = rule;
}

static size_t count_lines(struct str text)
{
    size_t count = 1;

    for (size_t i = 0; i < text.len; i++)
        count += text.data[i] == '\n';
    return count;
}

static bool is_plain(const struct cidr_rule *rule)
{
    return rule->action == CIDR_RESULT && !rule->is_negated;
}

static void index_runs(struct cidr_table *cidr)
{
    for (size_t start = 0, end; start < cidr->count; start = end + 1) {
        struct cidr_rule *first = &cidr->rules[start];

        for (end = start; end < cidr->count && is_plain(&cidr->rules[end]); end++)
            ;
        if (end - start < RUN_MIN)
            continue;
        first->run = network_index_create();
        first->run_end = end;
        for (size_t i = start; i < end; i++)
            network_index_add(first->run, &cidr->rules[i].network, i);
    }
}

static bool open_table(struct table *table, struct str argument, struct failure *why)
{
    struct arena *arena = table_set_arena(table->set);
    struct cidr_parser parser = { .table = table, .place = argument };
    const struct table_set_options *options = table_set_options(table->set);
    struct table_source source;
    struct str text;
    struct str line;
    unsigned number;

    if (!table_source_load(table, argument, true, &text, why))
        return false;
    parser.cidr = arena_new(arena, struct cidr_table);
    parser.cidr->rules = arena_new_array(arena, count_lines(text), struct cidr_rule);
    parser.open_ifs = arena_new_array(arena, count_lines(text), size_t);
    table_source_init(&source, text);
    table_source_skip_indented(&source, argument, options->warn, options->warn_context);
    while (table_source_next(&source, &line, &number))
        parse_rule(&parser, line, number);
    table_source_done(&source);
    while (parser.open_count > 0) {
        const struct cidr_rule *rule = &parser.cidr->rules[parser.open_ifs[--parser.open_count]];

        warn(&parser, rule->line, STR("IF has no matching ENDIF"));
    }
    index_runs(parser.cidr);
    table->state = parser.cidr;
    return true;
}

static void close_table(struct table *table)
{
    struct cidr_table *cidr = table->state;

    for (size_t i = 0; i < cidr->count; i++)
        network_index_destroy(&cidr->rules[i].run);
}

/* A negated network stands for the rest of its own protocol: !10.0.0.0/8 says nothing of IPv6. */
static bool is_match_of(const struct cidr_rule *rule, const struct ip_address *address)
{
    return rule->network.network.family == address->family &&
           network_pattern_matches(&rule->network, address) != rule->is_negated;
}

static enum table_result lookup(struct table *table, struct str key, struct arena *arena, struct str *value_out,
                                struct failure *why)
{
    const struct cidr_table *cidr = table->state;
    struct ip_address address;

    (void) why;
    if (!ip_address_parse(key, &address))
        return TABLE_ABSENT;
    for (size_t i = 0; i < cidr->count; i++) {
        const struct cidr_rule *rule = &cidr->rules[i];
        bool is_match;

        if (rule->action == CIDR_ENDIF)
            continue;
        if (rule->run != NULL && !network_index_find(rule->run, &address, &i)) {
            i = rule->run_end - 1;
            continue;
        }
        rule = &cidr->rules[i];
        is_match = is_match_of(rule, &address);
        if (rule->action == CIDR_IF) {
            if (!is_match)
                i = rule->endif == SIZE_MAX ? cidr->count - 1 : rule->endif;
        } else if (is_match) {
            *value_out = arena_str(arena, rule->result);
            return TABLE_FOUND;
        }
    }
    return TABLE_ABSENT;
}

const struct table_type cidr_table_type = {
    .name = "cidr",
    .kind = TABLE_PATTERN,
    .open = open_table,
    .lookup = lookup,
    .close = close_table,
};
