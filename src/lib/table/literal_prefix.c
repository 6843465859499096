/* SPDX-License-Identifier: Apache-2.0 */
#include "table/literal_prefix.h"

/* What stands for itself in any regular expression. */
static bool is_plain(char c)
{
    return char_is_alnum(c) || c == '@' || c == '-' || c == '_' || c == ':' || c == ' ' || c == '/' || c == ',' ||
           c == '=' || c == '<' || c == '>';
}

struct literal_prefix literal_prefix_of(struct str pattern, bool ignores_case)
{
    struct literal_prefix prefix = { 0 };
    size_t i = 1;

    /* An alternative could begin with something else; what is nothing could stand before a quantifier. */
    if (!str_starts_with(pattern, STR("^")) || str_contains_char(pattern, '|') ||
        str_find(pattern, STR("(?#")) != STR_NOT_FOUND || str_find(pattern, STR("\\E")) != STR_NOT_FOUND)
        return prefix;
    while (i < pattern.len && prefix.len < LITERAL_PREFIX_MAX) {
        bool is_escaped = pattern.data[i] == '\\';
        char c;

        if (is_escaped && ++i == pattern.len)
            break;
        c = pattern.data[i];
        /* A backslash before a letter or digit means something; before ASCII punctuation it takes a meaning away. */
        if (is_escaped ? char_is_alnum(c) || c <= ' ' || c > '~' : !is_plain(c))
            break;
        i++;
        /* What may be missing, or come again, is no part of it. */
        if (i < pattern.len && strchr("*?{+", pattern.data[i]) != NULL)
            break;
        prefix.text[prefix.len++] = ignores_case ? char_to_lower(c) : c;
    }
    return prefix;
}
