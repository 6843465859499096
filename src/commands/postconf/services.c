/* SPDX-License-Identifier: Apache-2.0 */
#include "postconf/services.h"

#include "config/drop_ins.h"
#include "config/expand.h"
#include "config/lines.h"
#include "os/file.h"

enum { FILE_MAXIMUM = 4 << 20, LINE_LIMIT = 80, ARGUMENT_MAXIMUM = 1 << 20 };

static const int field_columns[MASTER_FIELD_COUNT] = { 0, 11, 17, 25, 33, 41, 49, 57 };
static const char *const field_names[MASTER_FIELD_COUNT] = { "service", "type",   "private",       "unprivileged",
                                                             "chroot",  "wakeup", "process_limit", "command" };

/* White space separates words outside of { }. */
static struct strlist split(struct str text, struct arena *arena)
{
    struct strlist words = { 0 };
    size_t depth = 0;
    size_t start = 0;
    size_t i;

    for (i = 0; i <= text.len; i++) {
        if (i == text.len || (depth == 0 && char_is_space(text.data[i]))) {
            if (i > start)
                strlist_add(&words, arena, str_part(text, start, i - start));
            start = i + 1;
        } else if (text.data[i] == '{') {
            depth++;
        } else if (text.data[i] == '}' && depth > 0) {
            depth--;
        }
    }
    return words;
}

/* Where the brace that opens the word closes; STR_NOT_FOUND if it does not. */
static size_t closing_brace(struct str word)
{
    size_t depth = 0;
    size_t i;

    for (i = 0; i < word.len; i++) {
        if (word.data[i] == '{')
            depth++;
        else if (word.data[i] == '}' && --depth == 0)
            return i;
    }
    return STR_NOT_FOUND;
}

static struct str without_braces(struct str word, struct arena *arena, struct strlist *warnings)
{
    size_t end;

    if (word.len == 0 || word.data[0] != '{')
        return word;
    end = closing_brace(word);
    if (end == STR_NOT_FOUND) {
        strlist_add(warnings, arena, arena_printf(arena, "master.cf: missing '}' in \"%.*s\"", STR_ARG(word)));
        return str_trim(str_from(word, 1));
    }
    if (end + 1 < word.len)
        strlist_add(warnings, arena,
                    arena_printf(arena, "master.cf: syntax error after '}' in \"%.*s\"", STR_ARG(word)));
    return str_trim(str_part(word, 1, end - 1));
}

/* "name = value" is written "name=value". */
static struct str assignment(struct str word, struct arena *arena)
{
    struct str name;
    struct str value;

    if (!str_cut(word, '=', &name, &value))
        return word;
    return arena_printf(arena, "%.*s=%.*s", STR_ARG(str_trim(name)), STR_ARG(str_trim(value)));
}

/* One word of options; "-voa=b" is -v, -o, a=b. Returns how many of words it used up. */
static size_t add_option(struct service_entry *entry, const struct strlist *words, size_t at, struct arena *arena,
                         struct strlist *warnings)
{
    struct str word = words->items[at];
    size_t letter = str_find_char(str_from(word, 1), 'o');

    if (letter == STR_NOT_FOUND) {
        strlist_add(&entry->arguments, arena, word);
        return 1;
    }
    letter++;
    if (letter > 1)
        strlist_add(&entry->arguments, arena, str_part(word, 0, letter));
    strlist_add(&entry->arguments, arena, STR("-o"));
    if (letter + 1 < word.len) {
        strlist_add(&entry->arguments, arena, assignment(str_from(word, letter + 1), arena));
        return 1;
    }
    if (at + 1 == words->count)
        return 1;
    strlist_add(&entry->arguments, arena, assignment(without_braces(words->items[at + 1], arena, warnings), arena));
    return 2;
}

static void take_arguments(struct service_entry *entry, const struct strlist *words, struct arena *arena,
                           struct strlist *warnings)
{
    size_t at = MASTER_FIELD_COUNT;

    while (at < words->count && words->items[at].len > 1 && words->items[at].data[0] == '-')
        at += add_option(entry, words, at, arena, warnings);
    entry->option_count = entry->arguments.count;
    for (; at < words->count; at++)
        strlist_add(&entry->arguments, arena, without_braces(words->items[at], arena, warnings));
}

static bool has_space(struct str word)
{
    return str_find_any(word, " \t\r\n") != STR_NOT_FOUND;
}

static bool is_one_of(struct str field, const char *letters)
{
    return field.len == 1 && strchr(letters, field.data[0]) != NULL;
}

static bool is_number_field(struct str field, bool may_have_mark)
{
    uint64_t number;

    if (may_have_mark && str_ends_with(field, STR("?")))
        field = str_part(field, 0, field.len - 1);
    return str_equal(field, STR("-")) || str_to_uint64(field, &number);
}

static bool is_type(struct str field)
{
    int type;

    for (type = MASTER_SERVICE_INET; type <= MASTER_SERVICE_PASS; type++)
        if (str_equal(field, str_from_c(master_service_type_name((enum master_service_type) type))))
            return true;
    return false;
}

static bool is_good_field(struct str field, int number)
{
    switch (number) {
    case MASTER_FIELD_TYPE:
        return is_type(field);
    case MASTER_FIELD_PRIVATE:
    case MASTER_FIELD_UNPRIVILEGED:
    case MASTER_FIELD_CHROOT:
        return is_one_of(field, "yn-");
    case MASTER_FIELD_WAKEUP:
        return is_number_field(field, true);
    case MASTER_FIELD_MAXPROC:
        return is_number_field(field, false);
    default:
        return true;
    }
}

bool service_field_check(int field, struct str text, struct str source, struct failure *why)
{
    if (text.len > 0 && is_good_field(text, field) && (field == MASTER_FIELD_COMMAND || !has_space(text)))
        return true;
    return failure_set(why, FAILURE_CONFIGURATION, 0, "invalid %s field \"%.*s\" in \"%.*s\"", field_names[field],
                       STR_ARG(text), STR_ARG(str_part(source, 0, 200)));
}

bool services_parse_entry(struct str text, struct arena *arena, struct service_entry *entry_out,
                          struct strlist *warnings, struct failure *why)
{
    struct service_entry entry = { .source = arena_str(arena, text) };
    struct strlist words = split(text, arena);
    int i;

    if (words.count < MASTER_FIELD_COUNT)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "bad field count");
    for (i = 0; i < MASTER_FIELD_COUNT; i++) {
        entry.fields[i] = words.items[i];
        if (!service_field_check(i, entry.fields[i], text, why))
            return false;
    }
    take_arguments(&entry, &words, arena, warnings);
    *entry_out = entry;
    return true;
}

/* A file outranks those before it: its entry takes the place of the one of the same name and type there. */
static struct service_entry *outranked(const struct services *services, const struct service_entry *entry)
{
    size_t i;

    for (i = 0; i < services->count; i++) {
        struct service_entry *other = &services->items[i];

        if (!str_equal(other->file, entry->file) &&
            str_equal(other->fields[MASTER_FIELD_NAME], entry->fields[MASTER_FIELD_NAME]) &&
            str_equal(other->fields[MASTER_FIELD_TYPE], entry->fields[MASTER_FIELD_TYPE]))
            return other;
    }
    return NULL;
}

static void add(struct services *services, const struct service_entry *entry, struct arena *arena)
{
    struct service_entry *other = outranked(services, entry);

    if (other != NULL) {
        *other = *entry;
        return;
    }
    if ((services->count & (services->count - 1)) == 0) {
        size_t capacity = services->count == 0 ? 1 : services->count * 2;
        struct service_entry *items = arena_new_array(arena, capacity, struct service_entry);

        if (services->count > 0)
            memcpy(items, services->items, services->count * sizeof *items);
        services->items = items;
    }
    services->items[services->count++] = *entry;
}

static bool take_text(struct services *services, struct str text, struct str file, struct arena *arena,
                      struct failure *why)
{
    struct logical_lines lines = logical_lines_over(text);
    struct logical_line line;
    struct strbuf buffer;
    bool is_good = true;

    strbuf_init(&buffer, STRBUF_UNLIMITED);
    while (is_good && logical_lines_next(&lines, &buffer, &line)) {
        struct service_entry entry;

        is_good = services_parse_entry(line.text, arena, &entry, &services->warnings, why);
        entry.file = file;
        if (is_good)
            add(services, &entry, arena);
        else if (strcmp(why->text, "bad field count") == 0)
            failure_set(why, FAILURE_CONFIGURATION, 0, "file %.*s: line %u: bad field count", STR_ARG(file),
                        line.number);
        else if (!str_equal(file, services->file))
            failure_prefix(why, "file %.*s: line %u", STR_ARG(file), line.number);
    }
    strbuf_done(&buffer);
    return is_good;
}

bool services_load(struct str config_directory, struct arena *arena, struct services **services_out,
                   struct failure *why)
{
    struct services *services = arena_new(arena, struct services);
    struct strlist files;
    struct strbuf text;
    bool is_good = true;
    size_t i;

    if (!drop_ins_list(config_directory, "master.cf", arena, &files, why))
        return false;
    services->file = files.items[0];
    strbuf_init(&text, FILE_MAXIMUM);
    for (i = 0; is_good && i < files.count; i++) {
        strbuf_clear(&text);
        is_good = file_load(files.items[i].data, &text, why) &&
                  take_text(services, strbuf_str(&text), files.items[i], arena, why);
    }
    strbuf_done(&text);
    if (is_good)
        *services_out = services;
    return is_good;
}

static bool part_matches(struct str part, struct str pattern)
{
    return str_equal(pattern, STR("*")) || str_equal(pattern, part);
}

bool service_matches(const struct service_entry *entry, struct str pattern)
{
    size_t slash = str_find_last_char(pattern, '/');

    /* A name may hold slashes, a type not: the last one separates them. */
    if (slash == STR_NOT_FOUND)
        return part_matches(entry->fields[MASTER_FIELD_NAME], pattern);
    return part_matches(entry->fields[MASTER_FIELD_NAME], str_part(pattern, 0, slash)) &&
           part_matches(entry->fields[MASTER_FIELD_TYPE], str_from(pattern, slash + 1));
}

bool service_option(const struct service_entry *entry, struct str name, struct str *value_out)
{
    bool is_found = false;
    size_t i;

    for (i = 0; i + 1 < entry->option_count; i++) {
        struct str option;
        struct str value;

        if (str_equal(entry->arguments.items[i], STR("-o")) &&
            str_cut(entry->arguments.items[i + 1], '=', &option, &value) && str_equal(option, name)) {
            *value_out = value;
            is_found = true;
        }
    }
    return is_found;
}

/* Names in -o values: this service's -o first, then what the program is, then main.cf. */
struct scope {
    const struct main_cf *cf;
    const struct service_entry *entry;
};

static bool lookup(void *context, struct str name, struct str *value_out)
{
    struct scope *scope = context;

    if (str_equal(name, STR("process_name"))) {
        *value_out = scope->entry->fields[MASTER_FIELD_COMMAND];
        return true;
    }
    if (str_equal(name, STR("service_name"))) {
        *value_out = scope->entry->fields[MASTER_FIELD_NAME];
        return true;
    }
    return service_option(scope->entry, name, value_out) || main_cf_raw(scope->cf, name, value_out);
}

/* "#" would make a comment of it. */
static bool may_begin_line(const struct services_print *print, struct str word)
{
    return !print->is_exact || !str_starts_with(word, STR("#"));
}

static bool print_word(const struct services_print *print, int *column, struct str word)
{
    if (print->is_folded && may_begin_line(print, word) && *column > 4 && *column + 1 + (int) word.len >= LINE_LIMIT) {
        fputs("\n    ", print->out);
        *column = 4;
    } else if (*column > 4 || !print->is_folded) {
        fputc(' ', print->out);
        *column += 1;
    }
    fwrite(word.data, 1, word.len, print->out);
    *column += (int) word.len;
    return true;
}

static void new_line(const struct services_print *print, int *column)
{
    if (!print->is_folded || *column == 4)
        return;
    fputs("\n    ", print->out);
    *column = 4;
}

static bool option_value(const struct services_print *print, const struct service_entry *entry, struct str option,
                         struct strbuf *out, struct failure *why)
{
    struct str name;
    struct str value;

    if (print->expand_from == NULL || !str_cut(option, '=', &name, &value)) {
        strbuf_append(out, option);
        return true;
    }
    strbuf_append(out, name);
    strbuf_append_char(out, '=');
    return service_expand(print->expand_from, entry, value, out, why);
}

static void print_braced(const struct services_print *print, int *column, struct str word)
{
    struct strbuf text;

    strbuf_init(&text, STRBUF_UNLIMITED);
    strbuf_append_char(&text, '{');
    strbuf_append(&text, word);
    strbuf_append_char(&text, '}');
    print_word(print, column, strbuf_str(&text));
    strbuf_done(&text);
}

/* What would be read otherwise without { } around it; for people, only what has white space in it. */
static bool needs_braces(const struct services_print *print, struct str word)
{
    return has_space(word) || (print->is_exact && (word.len == 0 || word.data[0] == '{'));
}

static bool print_option(const struct services_print *print, const struct service_entry *entry, size_t at, int *column,
                         struct failure *why)
{
    struct strbuf value;
    bool is_good;

    new_line(print, column);
    print_word(print, column, STR("-o"));
    if (at + 1 >= entry->option_count)
        return true;
    strbuf_init(&value, ARGUMENT_MAXIMUM);
    is_good = option_value(print, entry, entry->arguments.items[at + 1], &value, why);
    /* The value stays on the line of its -o, however long it is. */
    fputs(needs_braces(print, strbuf_str(&value)) ? " {" : " ", print->out);
    fwrite(value.data, 1, value.len, print->out);
    if (needs_braces(print, strbuf_str(&value)))
        fputc('}', print->out);
    strbuf_done(&value);
    *column = LINE_LIMIT;
    return is_good;
}

static int print_fields(const struct services_print *print, const struct service_entry *entry)
{
    int column = 0;
    int i;

    for (i = 0; i < MASTER_FIELD_COUNT; i++) {
        if (i > 0)
            do {
                fputc(' ', print->out);
                column++;
            } while (column < field_columns[i] && !print->is_plain);
        fwrite(entry->fields[i].data, 1, entry->fields[i].len, print->out);
        column += (int) entry->fields[i].len;
    }
    return column;
}

static bool print_arguments(const struct services_print *print, const struct service_entry *entry, int column,
                            struct failure *why)
{
    size_t i;

    for (i = 0; i < entry->option_count; i++) {
        if (!str_equal(entry->arguments.items[i], STR("-o"))) {
            if (column == LINE_LIMIT)
                new_line(print, &column);
            print_word(print, &column, entry->arguments.items[i]);
        } else {
            if (!print_option(print, entry, i, &column, why))
                return false;
            i++;
        }
    }
    if (column == LINE_LIMIT && i < entry->arguments.count && may_begin_line(print, entry->arguments.items[i]))
        new_line(print, &column);
    for (; i < entry->arguments.count; i++) {
        /* As stock does, the first of them goes without braces. */
        if (needs_braces(print, entry->arguments.items[i]) && (i > entry->option_count || print->is_exact))
            print_braced(print, &column, entry->arguments.items[i]);
        else
            print_word(print, &column, entry->arguments.items[i]);
    }
    return true;
}

bool service_print(const struct services_print *print, const struct service_entry *entry, struct failure *why)
{
    const int column = print_fields(print, entry);

    if (!print_arguments(print, entry, column, why))
        return false;
    fputc('\n', print->out);
    return true;
}

bool service_print_command(const struct services_print *print, const struct service_entry *entry, int column,
                           struct failure *why)
{
    const struct str command = entry->fields[MASTER_FIELD_COMMAND];

    fwrite(command.data, 1, command.len, print->out);
    column += (int) command.len;
    /* Column 4 would mean: nothing stands on the line yet. */
    return print_arguments(print, entry, column > 4 ? column : 5, why);
}

bool service_expand(const struct main_cf *cf, const struct service_entry *entry, struct str value, struct strbuf *out,
                    struct failure *why)
{
    struct scope scope = { cf, entry };
    const struct expand_source source = {
        .lookup = lookup, .context = &scope, .is_recursive = true, .maximum = ARGUMENT_MAXIMUM
    };

    return expand_text(&source, value, out, why);
}

const char *service_field_name(int field)
{
    return field_names[field];
}
