/* SPDX-License-Identifier: Apache-2.0 */
#include "table/match_list.h"

#include "base/strbuf.h"
#include "mail/casefold.h"
#include "os/file.h"
#include "table/network_pattern.h"
#include "table/table_list.h"
#include "table/table_type.h"

enum { FILE_DEPTH_MAX = 10, FILE_MAX = 64 * 1024 * 1024 };

enum pattern_form {
    PATTERN_NAME,
    PATTERN_NETWORK,
    PATTERN_TABLE,
    PATTERN_BROKEN, /* makes a search that comes here UNKNOWN */
};

struct pattern {
    enum pattern_form form;
    bool is_negated;
    struct str text;
    struct network_pattern network;
    struct table *table;
};

struct match_list {
    struct table_set *set;
    struct str title;
    enum match_kind kind;
    bool parents;
    struct pattern *patterns;
    size_t count;
    size_t capacity;
};

static void add(struct match_list *list, const struct pattern *pattern)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 8 : 2 * list->capacity;
        struct pattern *larger = arena_new_array(table_set_arena(list->set), capacity, struct pattern);

        if (list->count > 0)
            memcpy(larger, list->patterns, list->count * sizeof(*larger));
        list->patterns = larger;
        list->capacity = capacity;
    }
    list->patterns[list->count++] = *pattern;
}

static void add_broken(struct match_list *list, struct str problem)
{
    struct pattern pattern = { .form = PATTERN_BROKEN, .text = arena_str(table_set_arena(list->set), problem) };

    table_set_warn(list->set, "%.*s: %.*s", STR_ARG(list->title), STR_ARG(problem));
    add(list, &pattern);
}

/* "192.0.2.0/24", "[…]", anything with a slash or brackets, or that is an address. */
static bool looks_like_network(struct str text)
{
    struct ip_address address;

    return str_starts_with(text, STR("[")) || str_contains_char(text, '/') || ip_address_parse(text, &address);
}

/* "type:name", against the IPv6 address 2001:db8::1 and the name "host". */
static bool looks_like_table(struct table_set *set, struct str text)
{
    struct str type;
    struct str rest;
    struct ip_address address;

    if (str_starts_with(text, STR("[")) || !str_cut(text, ':', &type, &rest) || ip_address_parse(text, &address))
        return false;
    if (str_contains_char(type, '/'))
        return false;
    return table_set_type(set, type, NULL) != NULL || !looks_like_network(text);
}

static void add_pattern(struct match_list *list, struct str text, bool is_negated)
{
    struct arena *arena = table_set_arena(list->set);
    struct pattern pattern = { .form = PATTERN_NAME, .is_negated = is_negated, .text = arena_str(arena, text) };
    char problem[NETWORK_PATTERN_PROBLEM_MAX];

    if (looks_like_table(list->set, text)) {
        pattern.form = PATTERN_TABLE;
        pattern.table = table_open_or_defer(list->set, pattern.text, TABLE_FOLD);
    } else if (list->kind == MATCH_HOSTS && looks_like_network(text)) {
        pattern.form = PATTERN_NETWORK;
        if (!network_pattern_parse(text, &pattern.network, problem)) {
            add_broken(list, str_from_c(problem));
            return;
        }
    } else {
        pattern.text = casefold(arena, text);
    }
    add(list, &pattern);
}

static void add_words(struct match_list *list, struct str text, bool is_negated, unsigned depth);

static void add_file(struct match_list *list, struct str path, bool is_negated, unsigned depth)
{
    struct strbuf text;
    struct failure why;
    struct str rest;
    struct str line;

    strbuf_init(&text, FILE_MAX);
    table_set_add_file(list->set, path);
    if (depth >= FILE_DEPTH_MAX)
        failure_set(&why, FAILURE_CONFIGURATION, 0, "%.*s: files include each other", STR_ARG(path));
    if (depth >= FILE_DEPTH_MAX || !file_load(arena_c(table_set_arena(list->set), path), &text, &why)) {
        add_broken(list, str_from_c(why.text));
        strbuf_done(&text);
        return;
    }
    rest = strbuf_str(&text);
    while (!str_is_empty(rest)) {
        (void) str_cut(rest, '\n', &line, &rest);
        line = str_trim(line);
        if (!str_starts_with(line, STR("#")))
            add_words(list, line, is_negated, depth + 1);
    }
    strbuf_done(&text);
}

static void add_words(struct match_list *list, struct str text, bool is_negated, unsigned depth)
{
    struct str rest = text;
    struct str word;

    while (table_list_next_word(&rest, ", \t\r\n", &word)) {
        bool is_word_negated = is_negated;

        for (; str_starts_with(word, STR("!")); word = str_from(word, 1))
            is_word_negated = !is_word_negated;
        if (str_is_empty(word))
            add_broken(list, STR("no pattern after '!'"));
        else if (word.data[0] == '/')
            add_file(list, word, is_word_negated, depth);
        else
            add_pattern(list, word, is_word_negated);
    }
}

struct match_list *match_list_open(struct table_set *set, struct str title, struct str value, enum match_kind kind,
                                   bool parents)
{
    struct match_list *list = arena_new(table_set_arena(set), struct match_list);

    list->set = set;
    list->title = arena_str(table_set_arena(set), title);
    list->kind = kind;
    list->parents = parents;
    add_words(list, value, false, 0);
    return list;
}

bool match_list_is_empty(const struct match_list *list)
{
    return list->count == 0;
}

/* Both in lower case. */
static bool name_matches(const struct match_list *list, struct str pattern, struct str name)
{
    if (str_equal(pattern, name))
        return true;
    if (list->kind == MATCH_STRINGS || name.len <= pattern.len || !str_ends_with(name, pattern))
        return false;
    /* Where "example.com" means what is under it, ".example.com" means nothing but itself, as in Postfix. */
    if (str_starts_with(pattern, STR(".")))
        return !list->parents;
    return list->parents && name.data[name.len - pattern.len - 1] == '.';
}

static enum table_result ask_key(const struct pattern *pattern, struct str key, struct arena *arena,
                                 struct failure *why)
{
    struct str value;

    if (str_is_empty(key))
        return TABLE_ABSENT;
    return table_lookup(pattern->table, key, arena, &value, why);
}

/* In a table a name is looked up with its parents, as the names in the list itself match them. */
static enum table_result ask_name(const struct match_list *list, const struct pattern *pattern, struct str name,
                                  struct arena *arena, struct failure *why)
{
    enum table_result result = ask_key(pattern, name, arena, why);
    struct str rest = name;

    if (list->kind == MATCH_STRINGS || table_kind_of(pattern->table) != TABLE_FIXED)
        return result;
    while (result == TABLE_ABSENT) {
        size_t dot = str_find_char(rest, '.');

        if (dot == STR_NOT_FOUND || dot + 1 >= rest.len)
            break;
        result = ask_key(pattern, list->parents ? str_from(rest, dot + 1) : str_from(rest, dot), arena, why);
        rest = str_from(rest, dot + 1);
    }
    return result;
}

static enum table_result try_pattern(const struct match_list *list, const struct pattern *pattern, struct str name,
                                     const struct ip_address *address, struct str address_text, struct arena *arena,
                                     struct failure *why)
{
    enum table_result result = TABLE_ABSENT;

    switch (pattern->form) {
    case PATTERN_NAME:
        return !str_is_empty(name) && name_matches(list, pattern->text, name) ? TABLE_FOUND : TABLE_ABSENT;
    case PATTERN_NETWORK:
        return network_pattern_matches(&pattern->network, address) ? TABLE_FOUND : TABLE_ABSENT;
    case PATTERN_TABLE:
        if (!str_is_empty(name))
            result = ask_name(list, pattern, name, arena, why);
        if (result == TABLE_ABSENT && !str_is_empty(address_text))
            result = ask_key(pattern, address_text, arena, why);
        return result;
    case PATTERN_BROKEN:
        (void) failure_set(why, FAILURE_CONFIGURATION, 0, "%.*s", STR_ARG(pattern->text));
        return TABLE_UNKNOWN;
    }
    return TABLE_ABSENT;
}

static enum table_result find(const struct match_list *list, struct str name, struct str address_text,
                              struct failure *why)
{
    struct arena *arena = arena_create();
    struct ip_address address = { .family = IP_NONE };
    enum table_result result = TABLE_ABSENT;

    if (!str_is_empty(address_text) && !ip_address_parse(address_text, &address))
        address.family = IP_NONE;
    name = casefold(arena, name);
    for (size_t i = 0; i < list->count; i++) {
        const struct pattern *pattern = &list->patterns[i];

        result = try_pattern(list, pattern, name, &address, address_text, arena, why);
        if (result == TABLE_UNKNOWN) {
            (void) failure_prefix(why, "%.*s", STR_ARG(list->title));
            break;
        }
        if (result == TABLE_FOUND) {
            result = pattern->is_negated ? TABLE_ABSENT : TABLE_FOUND;
            break;
        }
    }
    arena_destroy(&arena);
    return result;
}

enum table_result match_list_has(struct match_list *list, struct str name, struct failure *why)
{
    return find(list, name, STR_EMPTY, why);
}

enum table_result match_list_has_host(struct match_list *list, struct str name, struct str address, struct failure *why)
{
    return find(list, name, address, why);
}
