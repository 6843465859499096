/* SPDX-License-Identifier: Apache-2.0 */
#include "table/literal_need.h"

#include <string.h>

enum { NO_BYTE = -1 };

/* A pattern on its way through. */
struct reader {
    struct str rest;
    int before; /* the byte that must stand before the next one, or NO_BYTE */
    struct literal_need need;
};

static unsigned pair_bit(char first, char second)
{
    return ((unsigned char) char_to_lower(first) * 61u + (unsigned char) char_to_lower(second)) % LITERAL_PAIRS_BITS;
}

static void skip(struct reader *reader, size_t count)
{
    reader->rest = str_from(reader->rest, count);
}

static char at(const struct reader *reader, size_t place)
{
    return place < reader->rest.len ? reader->rest.data[place] : '\0';
}

/* The last ones are kept: rules that begin alike end in different words. */
static void add_pair(struct reader *reader, char second)
{
    struct literal_need *need = &reader->need;
    uint16_t bit = (uint16_t) pair_bit((char) reader->before, second);

    if (need->count == LITERAL_NEED_MAX) {
        memmove(need->pairs, need->pairs + 1, sizeof(need->pairs) - sizeof(need->pairs[0]));
        need->count--;
    }
    need->pairs[need->count++] = bit;
}

/* "{2}", "{2,}", "{2,3}"; a brace that only looks like one is not known. */
static bool skip_count(struct reader *reader)
{
    size_t length = 1;

    while (char_is_digit(at(reader, length)) || (length > 1 && at(reader, length) == ','))
        length++;
    if (length == 1 || at(reader, length) != '}')
        return false;
    skip(reader, length + 1);
    return true;
}

/* Behind what may come any number of times, and one that is possessive or lazy. False: it is none that is known. */
static bool skip_quantifier(struct reader *reader)
{
    if (at(reader, 0) == '{') {
        if (!skip_count(reader))
            return false;
    } else if (at(reader, 0) == '*' || at(reader, 0) == '+' || at(reader, 0) == '?') {
        skip(reader, 1);
    } else {
        return true;
    }
    if (at(reader, 0) == '?' || at(reader, 0) == '+')
        skip(reader, 1);
    return true;
}

static bool take_byte(struct reader *reader, char byte)
{
    char next = at(reader, 0);

    if (reader->rest.len > 0 && (next == '*' || next == '?' || next == '{')) {
        reader->before = NO_BYTE;
        return skip_quantifier(reader);
    }
    if (reader->before != NO_BYTE)
        add_pair(reader, byte);
    reader->before = (unsigned char) byte;
    return skip_quantifier(reader);
}

/* Something that is no byte of its own. */
static bool take_gap(struct reader *reader)
{
    reader->before = NO_BYTE;
    return skip_quantifier(reader);
}

/* Behind the backslash. An escape that takes what follows it as its own is not known. */
static bool take_escape(struct reader *reader)
{
    char c = at(reader, 0);

    if (reader->rest.len == 0 || (unsigned char) c < ' ' || (unsigned char) c > '~')
        return false;
    skip(reader, 1);
    if (!char_is_alnum(c))
        return take_byte(reader, c);
    return strchr("dDsSwWbBAzZhHvVRnrtfea", c) != NULL && take_gap(reader);
}

/* "[:alpha:]" within a class; what only looks like one is not known. */
static bool skip_named_class(struct reader *reader)
{
    skip(reader, 2);
    while (char_is_alpha(at(reader, 0)) || at(reader, 0) == '^')
        skip(reader, 1);
    if (at(reader, 0) != ':' || at(reader, 1) != ']')
        return false;
    skip(reader, 2);
    return true;
}

/* Behind the '['. */
static bool skip_class(struct reader *reader)
{
    if (at(reader, 0) == '^')
        skip(reader, 1);
    if (at(reader, 0) == ']')
        skip(reader, 1);
    while (reader->rest.len > 0 && at(reader, 0) != ']') {
        bool is_named = at(reader, 0) == '[' && at(reader, 1) == ':';

        if (at(reader, 0) == '[' && (at(reader, 1) == '.' || at(reader, 1) == '='))
            return false;
        if (is_named && !skip_named_class(reader))
            return false;
        if (!is_named)
            skip(reader, at(reader, 0) == '\\' ? 2 : 1);
    }
    skip(reader, 1);
    return true;
}

/* Behind the '('. */
static bool skip_group(struct reader *reader)
{
    for (unsigned depth = 1; depth > 0;) {
        char c = at(reader, 0);

        if (reader->rest.len == 0)
            return false;
        skip(reader, c == '\\' ? 2 : 1);
        if (c == '[' && !skip_class(reader))
            return false;
        if (c == '(')
            depth++;
        else if (c == ')')
            depth--;
    }
    return true;
}

static bool take_one(struct reader *reader)
{
    char c = at(reader, 0);

    skip(reader, 1);
    switch (c) {
    case '\\':
        return take_escape(reader);
    case '[':
        return skip_class(reader) && take_gap(reader);
    case '(':
        return skip_group(reader) && take_gap(reader);
    case '.':
    case '^':
    case '$':
        return take_gap(reader);
    case '|':
    case ')':
    case '*':
    case '+':
    case '?':
    case '{':
        return false;
    default:
        return take_byte(reader, c);
    }
}

/* Whether what follows means what it seems to mean: no options within, no comments, no quoting. */
static bool is_simple(struct str pattern)
{
    for (size_t i = 0; i + 1 < pattern.len; i++) {
        const char *two = pattern.data + i;

        if (two[0] == '(' && (two[1] == '*' || (two[1] == '?' && (i + 2 == pattern.len || two[2] == '\0' ||
                                                                  strchr(":=!<>P|", two[2]) == NULL))))
            return false;
        if (two[0] == '\\' && (two[1] == 'Q' || two[1] == 'E'))
            return false;
    }
    return true;
}

struct literal_need literal_need_of(struct str pattern)
{
    struct reader reader = { .rest = pattern, .before = NO_BYTE };

    if (!is_simple(pattern))
        return (struct literal_need){ .count = 0 };
    while (reader.rest.len > 0) {
        if (!take_one(&reader))
            return (struct literal_need){ .count = 0 };
    }
    return reader.need;
}

void literal_counts_add(struct literal_counts *counts, const struct literal_need *need)
{
    for (unsigned i = 0; i < need->count; i++) {
        if (counts->counts[need->pairs[i]] < UINT16_MAX)
            counts->counts[need->pairs[i]]++;
    }
}

struct literal_probe literal_probe_of(const struct literal_need *need, const struct literal_counts *counts)
{
    struct literal_probe probe = { .count = 0 };

    for (unsigned i = 0; i < need->count; i++) {
        uint16_t pair = need->pairs[i];
        unsigned place = probe.count;

        while (place > 0 && counts->counts[pair] < counts->counts[probe.pairs[place - 1]])
            place--;
        if (place == LITERAL_PROBE_MAX)
            continue;
        if (probe.count < LITERAL_PROBE_MAX)
            probe.count++;
        memmove(&probe.pairs[place + 1], &probe.pairs[place], (probe.count - place - 1u) * sizeof(pair));
        probe.pairs[place] = pair;
    }
    return probe;
}

void literal_pairs_of(struct literal_pairs *pairs, struct str text)
{
    memset(pairs, 0, sizeof(*pairs));
    for (size_t i = 1; i < text.len; i++) {
        unsigned bit = pair_bit(text.data[i - 1], text.data[i]);

        pairs->words[bit / 64] |= UINT64_C(1) << (bit % 64);
    }
}
