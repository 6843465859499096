/* SPDX-License-Identifier: Apache-2.0 */
#include "config/main_cf.h"

#include "config/computed.h"
#include "config/drop_ins.h"
#include "config/expand.h"
#include "config/known_parameters.h"
#include "config/lines.h"
#include "config/name_table.h"
#include "os/file.h"

enum { FILE_MAXIMUM = 16 << 20, VALUE_MAXIMUM = 1 << 20 };

struct main_cf {
    struct arena *arena;
    struct str directory;
    struct str file; /* the one that is read now */
    struct str program;
    struct str service;
    struct name_table *entries;   /* struct main_cf_entry */
    struct name_table *overrides; /* struct main_cf_entry */
    struct name_table *announced; /* struct str */
    struct name_table *computed;  /* struct str, what was worked out before */
    struct main_cf_entry **rows;
    size_t count;
    size_t capacity;
    struct strlist warnings;
};

static struct main_cf *create(struct str file, struct str directory, struct arena *arena)
{
    struct main_cf *cf = arena_new(arena, struct main_cf);

    cf->arena = arena;
    cf->directory = arena_str(arena, directory);
    cf->file = arena_str(arena, file);
    cf->program = STR_EMPTY;
    cf->service = STR_EMPTY;
    cf->entries = name_table_create(arena);
    cf->overrides = name_table_create(arena);
    cf->announced = name_table_create(arena);
    cf->computed = name_table_create(arena);
    return cf;
}

static void add_row(struct main_cf *cf, struct main_cf_entry *entry)
{
    if (cf->count == cf->capacity) {
        size_t capacity = cf->capacity == 0 ? 64 : cf->capacity * 2;
        struct main_cf_entry **rows = arena_new_array(cf->arena, capacity, struct main_cf_entry *);

        if (cf->count > 0)
            memcpy(rows, cf->rows, cf->count * sizeof *rows);
        cf->rows = rows;
        cf->capacity = capacity;
    }
    cf->rows[cf->count++] = entry;
}

static void warn(struct main_cf *cf, struct str text)
{
    strlist_add_view(&cf->warnings, cf->arena, text);
}

static void set_entry(struct main_cf *cf, struct str name, struct str value, unsigned line)
{
    struct main_cf_entry *entry = name_table_get(cf->entries, name);

    if (entry == NULL) {
        entry = arena_new(cf->arena, struct main_cf_entry);
        entry->name = arena_str(cf->arena, name);
        name_table_set(cf->entries, entry->name, entry);
        add_row(cf, entry);
    } else if (!str_equal(entry->value, value) && str_equal(entry->place.file, cf->file)) {
        warn(cf, arena_printf(cf->arena, "%.*s, line %u: overriding earlier entry: %.*s=%.*s", STR_ARG(cf->file), line,
                              STR_ARG(name), STR_ARG(entry->value)));
    }
    entry->value = arena_str(cf->arena, value);
    entry->place = (struct main_cf_place){ cf->file, line };
}

static bool has_space(struct str text)
{
    return str_find_any(text, " \t\r\n\v\f") != STR_NOT_FOUND;
}

static bool take_line(struct main_cf *cf, const struct logical_line *line, struct failure *why)
{
    struct str name;
    struct str value;

    if (line->is_without_start) {
        warn(cf, arena_printf(cf->arena, "%.*s: logical line must not start with whitespace: \"%.*s\"",
                              STR_ARG(cf->file), STR_ARG(str_part(line->text, 0, 100))));
        return true;
    }
    if (str_contains_char(line->text, '\0'))
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "%.*s, line %u: a NUL byte: this is no text file, or it was damaged", STR_ARG(cf->file),
                           line->number);
    if (!str_cut(line->text, '=', &name, &value) || (name = str_trim(name), has_space(name)))
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "%.*s, line %u: missing '=' after attribute name: \"%.*s\" (write: name = value)",
                           STR_ARG(cf->file), line->number, STR_ARG(str_part(line->text, 0, 200)));
    if (name.len == 0)
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "%.*s, line %u: missing attribute name: \"%.*s\" (write: name = value)", STR_ARG(cf->file),
                           line->number, STR_ARG(str_part(line->text, 0, 200)));
    set_entry(cf, name, str_trim(value), line->number);
    return true;
}

static bool take_text(struct main_cf *cf, struct str text, struct failure *why)
{
    struct logical_lines lines = logical_lines_over(text);
    struct logical_line line;
    struct strbuf buffer;
    bool is_good = true;

    strbuf_init(&buffer, STRBUF_UNLIMITED);
    while (is_good && logical_lines_next(&lines, &buffer, &line))
        is_good = take_line(cf, &line, why);
    strbuf_done(&buffer);
    return is_good;
}

bool main_cf_parse(struct str text, struct str file, struct str config_directory, struct arena *arena,
                   struct main_cf **cf_out, struct failure *why)
{
    struct main_cf *cf = create(file, config_directory, arena);

    if (!take_text(cf, text, why))
        return false;
    *cf_out = cf;
    return true;
}

static bool take_file(struct main_cf *cf, struct str file, struct failure *why)
{
    struct strbuf text;
    bool is_good;

    strbuf_init(&text, FILE_MAXIMUM);
    is_good = file_load(file.data, &text, why);
    if (!is_good && why != NULL)
        why->kind = FAILURE_CONFIGURATION;
    cf->file = file;
    is_good = is_good && take_text(cf, strbuf_str(&text), why);
    strbuf_done(&text);
    return is_good;
}

bool main_cf_load(struct str config_directory, struct arena *arena, struct main_cf **cf_out, struct failure *why)
{
    struct main_cf *cf;
    struct strlist files;
    size_t i;

    if (!drop_ins_list(config_directory, "main.cf", arena, &files, why))
        return false;
    cf = create(files.items[0], config_directory, arena);
    for (i = 0; i < files.count; i++)
        if (!take_file(cf, files.items[i], why))
            return false;
    *cf_out = cf;
    return true;
}

bool main_cf_override(struct main_cf *cf, struct str assignment, struct failure *why)
{
    struct main_cf_entry *entry = arena_new(cf->arena, struct main_cf_entry);
    struct str name;
    struct str value;

    if (!main_cf_split_assignment(assignment, &name, &value))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "-o %.*s: write -o name=value, or -o { name = value }",
                           STR_ARG(str_part(assignment, 0, 200)));
    entry->name = arena_str(cf->arena, name);
    entry->value = arena_str(cf->arena, value);
    entry->place = (struct main_cf_place){ STR("-o"), 0 };
    name_table_set(cf->overrides, entry->name, entry);
    return true;
}

void main_cf_set_program(struct main_cf *cf, struct str program, struct str service)
{
    cf->program = arena_str(cf->arena, program);
    cf->service = arena_str(cf->arena, service);
}

void main_cf_announce(struct main_cf *cf, struct str name, struct str default_text)
{
    struct str *kept = arena_new(cf->arena, struct str);

    *kept = default_text;
    name_table_set(cf->announced, arena_str(cf->arena, name), kept);
}

size_t main_cf_count(const struct main_cf *cf)
{
    return cf->count;
}

const struct main_cf_entry *main_cf_at(const struct main_cf *cf, size_t index)
{
    return cf->rows[index];
}

const struct main_cf_entry *main_cf_find(const struct main_cf *cf, struct str name)
{
    const struct main_cf_entry *entry = name_table_get(cf->overrides, name);

    return entry != NULL ? entry : name_table_get(cf->entries, name);
}

/*
 * A computed default is worked out once: it stays the same while the process lives. One that its own working-out asks
 * for (myhostname = $mydomain, and no mydomain) is "localdomain" there, so that the question ends.
 */
static bool computed_once(const struct main_cf *cf, struct str name, struct str *value_out)
{
    struct str *kept = name_table_get(cf->computed, name);

    if (kept == NULL) {
        if (!computed_is(name))
            return false;
        kept = arena_new(cf->arena, struct str);
        *kept = STR("localdomain");
        name_table_set(cf->computed, arena_str(cf->arena, name), kept);
        *kept = computed_default(cf, name, cf->arena);
    }
    *value_out = *kept;
    return true;
}

bool main_cf_default(const struct main_cf *cf, struct str name, struct str *value_out)
{
    const struct str *announced;
    const struct known_parameter *known;

    if (str_equal(name, STR("process_name")) || str_equal(name, STR("service_name"))) {
        *value_out = str_equal(name, STR("process_name")) ? cf->program : cf->service;
        return true;
    }
    if (computed_once(cf, name, value_out))
        return true;
    announced = name_table_get(cf->announced, name);
    if (announced != NULL) {
        *value_out = *announced;
        return true;
    }
    known = known_parameter_find(name);
    if (known == NULL || known->default_text == NULL)
        return false;
    *value_out = str_from_c(known->default_text);
    return true;
}

bool main_cf_raw(const struct main_cf *cf, struct str name, struct str *value_out)
{
    const struct main_cf_entry *entry = main_cf_find(cf, name);

    if (entry == NULL || computed_is_read_only(name))
        return main_cf_default(cf, name, value_out);
    *value_out = entry->value;
    return true;
}

static bool lookup(void *context, struct str name, struct str *value_out)
{
    return main_cf_raw(context, name, value_out);
}

bool main_cf_expand(const struct main_cf *cf, struct str text, struct arena *arena, struct str *text_out,
                    struct failure *why)
{
    const struct expand_source source = {
        .lookup = lookup,
        .context = (void *) cf,
        .is_recursive = true,
        .maximum = VALUE_MAXIMUM,
    };
    struct strbuf out;
    bool is_good;

    if (!str_contains_char(text, '$')) {
        *text_out = arena_str(arena, text);
        return true;
    }
    strbuf_init(&out, VALUE_MAXIMUM);
    is_good = expand_text(&source, text, &out, why);
    if (is_good)
        *text_out = arena_str(arena, strbuf_str(&out));
    strbuf_done(&out);
    return is_good;
}

bool main_cf_value(const struct main_cf *cf, struct str name, struct arena *arena, struct str *value_out,
                   struct failure *why)
{
    const struct main_cf_entry *entry = main_cf_find(cf, name);
    struct str raw;

    if (!main_cf_raw(cf, name, &raw)) {
        *value_out = STR_EMPTY;
        return true;
    }
    if (main_cf_expand(cf, raw, arena, value_out, why))
        return true;
    if (entry != NULL && entry->place.line > 0)
        return failure_prefix(why, "%.*s, line %u: %.*s", STR_ARG(entry->place.file), entry->place.line, STR_ARG(name));
    return failure_prefix(why, "%.*s", STR_ARG(name));
}

struct str main_cf_directory(const struct main_cf *cf)
{
    return cf->directory;
}

const struct strlist *main_cf_warnings(const struct main_cf *cf)
{
    return &cf->warnings;
}
