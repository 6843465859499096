/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/command_attributes.h"

#include "base/cursor.h"

static const struct {
    char letter;
    enum command_flag flag;
} flags[] = {
    { 'B', COMMAND_BLANK_AT_END }, { 'D', COMMAND_DELIVERED_TO }, { 'F', COMMAND_FROM_LINE },
    { 'O', COMMAND_ORIGINAL_TO },  { 'R', COMMAND_RETURN_PATH },  { 'X', COMMAND_IS_FINAL },
    { 'h', COMMAND_FOLD_DOMAIN },  { 'q', COMMAND_QUOTE },        { 'u', COMMAND_FOLD_LOCAL_PART },
    { '.', COMMAND_DOUBLE_DOTS },  { '>', COMMAND_QUOTE_FROM },
};

struct parser {
    struct arena *arena;
    struct command_attributes *attributes;
    struct failure *why;
};

static bool refuse(const struct parser *parser, const char *text, struct str culprit)
{
    return failure_set(parser->why, FAILURE_CONFIGURATION, 0, "%s%.*s", text, STR_ARG(culprit));
}

static bool take_flags(const struct parser *parser, struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        size_t row = 0;

        while (row < ARRAY_COUNT(flags) && flags[row].letter != value.data[i])
            row++;
        if (row < ARRAY_COUNT(flags))
            parser->attributes->flags |= (unsigned) flags[row].flag;
        else if (value.data[i] != ' ' && value.data[i] != '\t' && value.data[i] != ',')
            return refuse(parser, "unknown flag: ", str_part(value, i, 1));
    }
    return true;
}

static bool take_user(const struct parser *parser, struct str value)
{
    (void) str_cut(value, ':', &parser->attributes->user, &parser->attributes->group);
    if (str_is_empty(parser->attributes->user))
        return refuse(parser, "missing user= command-line attribute", STR_EMPTY);
    return true;
}

static char octal(struct cursor *cursor)
{
    unsigned value = 0;
    char digit;

    for (int i = 0; i < 3 && cursor_peek(cursor) >= '0' && cursor_peek(cursor) <= '7'; i++) {
        (void) cursor_take_char(cursor, &digit);
        value = value * 8 + (unsigned) (digit - '0');
    }
    return (char) (unsigned char) value;
}

/* What follows a backslash; what has no meaning of its own stands for itself. */
static char escaped(struct cursor *cursor)
{
    static const char letters[] = "abfnrtv";
    static const char meanings[] = "\a\b\f\n\r\t\v";
    const char *found;
    char c;

    if (cursor_peek(cursor) >= '0' && cursor_peek(cursor) <= '7')
        return octal(cursor);
    if (!cursor_take_char(cursor, &c))
        return '\\';
    found = c != '\0' ? strchr(letters, c) : NULL;
    return found != NULL ? meanings[found - letters] : c;
}

static bool take_eol(const struct parser *parser, struct str value)
{
    struct cursor cursor = cursor_over(value);
    char *text = arena_alloc(parser->arena, value.len + 1);
    size_t len = 0;
    char c;

    while (cursor_take_char(&cursor, &c))
        text[len++] = c == '\\' ? escaped(&cursor) : c;
    parser->attributes->eol = str_make(text, len);
    return true;
}

static bool take_null_sender(const struct parser *parser, struct str value)
{
    parser->attributes->null_sender = value;
    return true;
}

static bool take_size(const struct parser *parser, struct str value)
{
    if (!str_to_int64(value, &parser->attributes->size_limit) || parser->attributes->size_limit < 0)
        return refuse(parser, "bad size= value: ", value);
    return true;
}

static bool take_root(const struct parser *parser, struct str value)
{
    parser->attributes->root = value;
    return true;
}

static bool take_directory(const struct parser *parser, struct str value)
{
    parser->attributes->directory = value;
    return true;
}

static const struct {
    const char *name;
    bool (*take)(const struct parser *parser, struct str value);
    bool is_spawns;
} attributes[] = {
    { "flags", take_flags, false },
    { "user", take_user, true },
    { "eol", take_eol, false },
    { "null_sender", take_null_sender, false },
    { "size", take_size, false },
    { "chroot", take_root, false },
    { "directory", take_directory, false },
};

static bool take_attribute(const struct parser *parser, struct str word, bool is_spawn)
{
    struct str name, value;
    bool has_value = str_cut(word, '=', &name, &value);

    for (size_t i = 0; has_value && i < ARRAY_COUNT(attributes); i++) {
        if (str_equal(name, str_from_c(attributes[i].name)) && (attributes[i].is_spawns || !is_spawn))
            return attributes[i].take(parser, arena_str(parser->arena, value));
    }
    return refuse(parser, "unknown attribute name: ", word);
}

static bool take_argv(const struct parser *parser, const struct strlist *words, size_t first)
{
    struct strlist *argv = &parser->attributes->argv;
    struct str command = str_from(words->items[first], sizeof("argv=") - 1);

    if (!str_is_empty(command))
        strlist_add(argv, parser->arena, command);
    for (size_t i = first + 1; i < words->count; i++)
        strlist_add(argv, parser->arena, words->items[i]);
    return argv->count > 0 || refuse(parser, "missing argv= command-line attribute", STR_EMPTY);
}

bool command_attributes_parse(const struct strlist *words, bool is_spawn, struct arena *arena,
                              struct command_attributes *attributes_out, struct failure *why)
{
    struct command_attributes found = { .eol = STR("\n"), .null_sender = STR("MAILER-DAEMON") };
    const struct parser parser = { arena, &found, why };
    size_t i = 0;

    for (; i < words->count && !str_starts_with(words->items[i], STR("argv=")); i++) {
        if (!take_attribute(&parser, words->items[i], is_spawn))
            return false;
    }
    if (str_is_empty(found.user))
        return refuse(&parser, "missing user= command-line attribute", STR_EMPTY);
    if (i == words->count)
        return refuse(&parser, "missing argv= command-line attribute", STR_EMPTY);
    if (!take_argv(&parser, words, i))
        return false;
    *attributes_out = found;
    return true;
}
