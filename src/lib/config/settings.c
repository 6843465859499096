/* SPDX-License-Identifier: Apache-2.0 */
#include "config/settings.h"

#include "config/main_cf.h"

#include <stdio.h>

/* Where a value came from, for the message about it. */
struct origin {
    const struct main_cf *cf;
    struct str name;
    struct str text; /* expanded */
};

/* Puts the place and "name = value" before the reason and the remedy after it. */
static bool refuse(const struct origin *origin, struct failure *why, const char *reason, const char *remedy)
{
    const struct main_cf_entry *entry = main_cf_find(origin->cf, origin->name);
    struct str text = str_part(origin->text, 0, 150);

    if (entry == NULL)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "%s: %.*s = %.*s (the default): %s", reason,
                           STR_ARG(origin->name), STR_ARG(text), remedy);
    if (entry->place.line == 0)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "-o: %s: %.*s = %.*s: %s", reason, STR_ARG(origin->name),
                           STR_ARG(text), remedy);
    return failure_set(why, FAILURE_CONFIGURATION, 0, "%.*s, line %u: %s: %.*s = %.*s: %s", STR_ARG(entry->place.file),
                       entry->place.line, reason, STR_ARG(origin->name), STR_ARG(text), remedy);
}

static bool in_bounds(const struct origin *origin, int64_t value, int64_t minimum, int64_t maximum, const char *reason,
                      struct failure *why)
{
    char remedy[100];

    if (value >= minimum && (maximum == 0 || value <= maximum))
        return true;
    if (maximum == 0)
        snprintf(remedy, sizeof remedy, "write %lld or more", (long long) minimum);
    else
        snprintf(remedy, sizeof remedy, "write %lld to %lld", (long long) minimum, (long long) maximum);
    return refuse(origin, why, reason, remedy);
}

static bool text_in_bounds(const struct origin *origin, const struct setting *row, struct failure *why)
{
    int64_t len = (int64_t) origin->text.len;

    if (row->minimum > 0 && len == 0)
        return refuse(origin, why, "bad string length", "it may not be empty");
    return in_bounds(origin, len, row->minimum, row->maximum, "bad string length", why);
}

static bool to_number(const struct origin *origin, int64_t minimum, int64_t maximum, int64_t *value_out,
                      struct failure *why)
{
    int64_t value;

    if (!str_to_int64(origin->text, &value))
        return refuse(origin, why, "bad numerical configuration", "write a whole number");
    if (!in_bounds(origin, value, minimum, maximum, "bad numerical configuration", why))
        return false;
    *value_out = value;
    return true;
}

static bool to_time(const struct origin *origin, char unit, int64_t minimum, int64_t maximum,
                    struct duration *value_out, struct failure *why)
{
    int64_t count;

    if (!main_cf_parse_time(origin->text, unit, &count))
        return refuse(origin, why, "bad time value", "write a number and a unit: 30s, 5m, 2h, 1d or 1w");
    if (!in_bounds(origin, count, minimum, maximum, "bad time value", why))
        return false;
    *value_out = seconds(count);
    return true;
}

static bool to_boolean(const struct origin *origin, bool *value_out, struct failure *why)
{
    if (main_cf_parse_boolean(origin->text, value_out))
        return true;
    return refuse(origin, why, "bad boolean configuration", "write yes or no");
}

static bool find_choice(const char *const *choices, struct str word, int *place_out)
{
    int i;

    for (i = 0; choices[i] != NULL; i++) {
        if (str_equal_nocase(word, str_from_c(choices[i]))) {
            *place_out = i;
            return true;
        }
    }
    return false;
}

static bool refuse_word(const struct origin *origin, const char *const *choices, const char *reason, const char *write,
                        struct failure *why)
{
    char remedy[200];
    size_t used = (size_t) snprintf(remedy, sizeof remedy, "%s:", write);
    int i;

    for (i = 0; choices[i] != NULL && used < sizeof remedy - 1; i++)
        used += (size_t) snprintf(remedy + used, sizeof remedy - used, " %s", choices[i]);
    return refuse(origin, why, reason, remedy);
}

static bool to_choice(const struct origin *origin, const char *const *choices, int *value_out, struct failure *why)
{
    return find_choice(choices, origin->text, value_out) ||
           refuse_word(origin, choices, "unknown word", "write one of", why);
}

static bool to_list(const struct origin *origin, const char *const *choices, struct strlist *list_out,
                    struct arena *arena, struct failure *why)
{
    struct strlist words = main_cf_words(origin->text, arena);
    int ignored;
    size_t i;

    for (i = 0; choices != NULL && i < words.count; i++) {
        if (!find_choice(choices, words.items[i], &ignored))
            return refuse_word(origin, choices,
                               arena_c(arena, arena_printf(arena, "unknown %.*s value \"%.*s\"", STR_ARG(origin->name),
                                                           STR_ARG(str_part(words.items[i], 0, 100)))),
                               "write any of", why);
    }
    *list_out = words;
    return true;
}

/* Reads the text of one parameter, announced or with a default of its own. */
static bool read_text(const struct main_cf *cf, struct str name, const char *default_text, bool is_raw,
                      struct arena *arena, struct origin *origin_out, struct failure *why)
{
    struct str text;

    *origin_out = (struct origin){ .cf = cf, .name = name };
    if (is_raw) {
        if (!main_cf_raw(cf, name, &text))
            text = str_from_c(default_text);
        origin_out->text = arena_str(arena, text);
        return true;
    }
    if (main_cf_find(cf, name) == NULL && !main_cf_default(cf, name, &text)) {
        if (!main_cf_expand(cf, str_from_c(default_text), arena, &origin_out->text, why))
            return failure_prefix(why, "%.*s", STR_ARG(name));
        return true;
    }
    return main_cf_value(cf, name, arena, &origin_out->text, why);
}

static bool load_row(const struct setting *row, const struct origin *origin, void *member, struct arena *arena,
                     struct failure *why)
{
    int64_t number;

    switch (row->type) {
    case SETTING_TYPE_STRING:
    case SETTING_TYPE_RAW:
        *(struct str *) member = origin->text;
        return text_in_bounds(origin, row, why);
    case SETTING_TYPE_LIST:
        return to_list(origin, row->choices, member, arena, why);
    case SETTING_TYPE_INTEGER:
        if (!to_number(origin, row->minimum, row->maximum == 0 ? INT_MAX : row->maximum, &number, why))
            return false;
        *(int *) member = (int) number;
        return true;
    case SETTING_TYPE_SIZE:
        return to_number(origin, row->minimum, row->maximum, member, why);
    case SETTING_TYPE_BOOLEAN:
        return to_boolean(origin, member, why);
    case SETTING_TYPE_TIME:
        return to_time(origin, row->unit, row->minimum, row->maximum, member, why);
    case SETTING_TYPE_CHOICE:
        return to_choice(origin, row->choices, member, why);
    }
    return false;
}

static struct str row_name(const struct setting *row, struct str service_name, struct arena *arena)
{
    if (row->name[0] == '*')
        return arena_printf(arena, "%.*s%s", STR_ARG(service_name), row->name + 1);
    return str_from_c(row->name);
}

void settings_announce(const struct settings_table *table, struct main_cf *cf)
{
    size_t i;

    for (i = 0; i < table->count; i++)
        if (table->rows[i].name[0] != '*')
            main_cf_announce(cf, str_from_c(table->rows[i].name), str_from_c(table->rows[i].default_text));
}

static bool load_one(const struct setting *row, const struct main_cf *cf, struct str service_name, struct arena *arena,
                     char *loaded, struct failure *why)
{
    struct origin origin;

    return read_text(cf, row_name(row, service_name, arena), row->default_text, row->type == SETTING_TYPE_RAW, arena,
                     &origin, why) &&
           load_row(row, &origin, loaded + row->offset, arena, why);
}

bool settings_load(const struct settings_table *table, struct main_cf *cf, struct str service_name, struct arena *arena,
                   void **struct_out, struct failure *why)
{
    char *loaded = arena_alloc(arena, table->struct_size);
    size_t i;

    settings_announce(table, cf);
    for (i = 0; i < table->count; i++)
        if (!load_one(&table->rows[i], cf, service_name, arena, loaded, why))
            return false;
    *struct_out = loaded;
    return true;
}

void settings_find_faults(const struct settings_table *table, struct main_cf *cf, struct str service_name,
                          struct arena *arena, struct strlist *faults)
{
    char *loaded = arena_alloc(arena, table->struct_size);
    struct failure why;
    size_t i;

    settings_announce(table, cf);
    for (i = 0; i < table->count; i++)
        if (!load_one(&table->rows[i], cf, service_name, arena, loaded, &why) &&
            !strlist_contains(faults, str_from_c(why.text)))
            strlist_add(faults, arena, str_from_c(why.text));
}

bool settings_get_size(const struct main_cf *cf, struct str name, const char *default_text, int64_t minimum,
                       int64_t maximum, int64_t *value_out, struct failure *why)
{
    struct arena *arena = arena_create();
    struct origin origin;
    bool is_good = read_text(cf, name, default_text, false, arena, &origin, why) &&
                   to_number(&origin, minimum, maximum, value_out, why);

    arena_destroy(&arena);
    return is_good;
}

bool settings_get_integer(const struct main_cf *cf, struct str name, const char *default_text, int minimum, int maximum,
                          int *value_out, struct failure *why)
{
    int64_t number;

    if (!settings_get_size(cf, name, default_text, minimum, maximum == 0 ? INT_MAX : maximum, &number, why))
        return false;
    *value_out = (int) number;
    return true;
}

bool settings_get_time(const struct main_cf *cf, struct str name, const char *default_text, char unit,
                       struct duration *value_out, struct failure *why)
{
    struct arena *arena = arena_create();
    struct origin origin;
    bool is_good =
        read_text(cf, name, default_text, false, arena, &origin, why) && to_time(&origin, unit, 0, 0, value_out, why);

    arena_destroy(&arena);
    return is_good;
}

bool settings_get_boolean(const struct main_cf *cf, struct str name, const char *default_text, bool *value_out,
                          struct failure *why)
{
    struct arena *arena = arena_create();
    struct origin origin;
    bool is_good = read_text(cf, name, default_text, false, arena, &origin, why) && to_boolean(&origin, value_out, why);

    arena_destroy(&arena);
    return is_good;
}

bool settings_get_string(const struct main_cf *cf, struct str name, const char *default_text, struct arena *arena,
                         struct str *value_out, struct failure *why)
{
    struct origin origin;

    if (!read_text(cf, name, default_text, false, arena, &origin, why))
        return false;
    *value_out = origin.text;
    return true;
}
