/* SPDX-License-Identifier: Apache-2.0 */
#include "postconf/fields.h"

#include "base/memory.h"
#include "log/log.h"

#include <stdlib.h>

/* What is to be shown, and which words have met something. */
struct wanted {
    const struct show *show;
    struct service_part *parts;
    bool *is_met;
    size_t count;
};

bool service_part_of(struct str word, struct service_part *part_out)
{
    struct service_part part = { word, STR("*"), STR("*"), 1 };
    size_t last = str_find_last_char(word, '/');

    if (last != STR_NOT_FOUND) {
        const size_t before = str_find_last_char(str_part(word, 0, last), '/');

        part.name = str_part(word, 0, before != STR_NOT_FOUND ? before : last);
        part.type = before != STR_NOT_FOUND ? str_part(word, before + 1, last - before - 1) : str_from(word, last + 1);
        part.part = before != STR_NOT_FOUND ? str_from(word, last + 1) : STR("*");
        part.given = before != STR_NOT_FOUND ? 3 : 2;
    }
    *part_out = part;
    return part.name.len > 0 && part.type.len > 0 && part.part.len > 0;
}

static bool is_met(struct str pattern, struct str text)
{
    return str_equal(pattern, STR("*")) || str_equal(pattern, text);
}

bool service_part_meets(const struct service_part *part, const struct service_entry *entry)
{
    return is_met(part->name, entry->fields[MASTER_FIELD_NAME]) && is_met(part->type, entry->fields[MASTER_FIELD_TYPE]);
}

int service_field_of(struct str name)
{
    int field;

    for (field = 0; field < MASTER_FIELD_COUNT; field++)
        if (str_equal(name, str_from_c(service_field_name(field))))
            return field;
    return -1;
}

static bool want(const struct show *show, const struct strlist *words, bool are_fields, struct wanted *wanted,
                 struct failure *why)
{
    size_t i;

    *wanted = (struct wanted){ .show = show, .count = words->count };
    wanted->parts = arena_new_array(show->arena, words->count + 1, struct service_part);
    wanted->is_met = arena_new_array(show->arena, words->count + 1, bool);
    for (i = 0; i < words->count; i++) {
        struct service_part *part = &wanted->parts[i];

        if (!service_part_of(words->items[i], part))
            return failure_set(why, FAILURE_CONFIGURATION, 0, "%s",
                               are_fields ? "-F option requires service_name[/type[/field]]"
                                          : "-P option requires service_name[/type[/parameter]]");
        if (are_fields && !str_equal(part->part, STR("*")) && service_field_of(part->part) < 0)
            return failure_set(why, FAILURE_CONFIGURATION, 0, "invalid service attribute name: \"%.*s\"",
                               STR_ARG(part->part));
    }
    return true;
}

static bool is_wanted(struct wanted *wanted, const struct service_entry *entry, struct str part)
{
    bool is_one = wanted->count == 0;
    size_t i;

    for (i = 0; i < wanted->count; i++) {
        if (service_part_meets(&wanted->parts[i], entry) && is_met(wanted->parts[i].part, part)) {
            wanted->is_met[i] = true;
            is_one = true;
        }
    }
    return is_one;
}

static void tell_unmet(const struct wanted *wanted, const struct strlist *words)
{
    size_t i;

    fflush(wanted->show->out);
    for (i = 0; i < wanted->count; i++)
        if (!wanted->is_met[i])
            log_warning("unmatched request: \"%.*s\"", STR_ARG(words->items[i]));
}

static struct str label_of(const struct show *show, const struct service_entry *entry, struct str part)
{
    return arena_printf(show->arena, "%.*s/%.*s/%.*s", STR_ARG(entry->fields[MASTER_FIELD_NAME]),
                        STR_ARG(entry->fields[MASTER_FIELD_TYPE]), STR_ARG(part));
}

/* The command is printed with its white space: what stands between { } stays as it is. */
static bool show_command(const struct show *show, const struct service_entry *entry, struct str label,
                         struct failure *why)
{
    struct services_print print = { .is_folded = show->is_folded, .expand_from = show->expands ? show->cf : NULL };
    char *text = NULL;
    size_t size = 0;
    bool is_good;

    print.out = open_memstream(&text, &size);
    if (print.out == NULL)
        return failure_set(why, FAILURE_RETRY, 0, "no memory");
    is_good = service_print_command(&print, entry, show->hides_names ? 0 : (int) label.len + 3, why);
    fclose(print.out);
    if (is_good && show->is_json)
        show_json(show->out, label, str_make(text, size));
    else if (is_good && show->hides_names)
        fprintf(show->out, "%s\n", text);
    else if (is_good)
        fprintf(show->out, "%.*s = %s\n", STR_ARG(label), text);
    memory_free(text);
    return is_good;
}

bool fields_show(const struct show *show, const struct services *services, const struct strlist *words,
                 struct failure *why)
{
    struct wanted wanted;
    size_t i;
    int field;

    if (!want(show, words, true, &wanted, why))
        return false;
    for (i = 0; i < services->count; i++) {
        const struct service_entry *entry = &services->items[i];

        for (field = 0; field < MASTER_FIELD_COUNT; field++) {
            const struct str name = str_from_c(service_field_name(field));
            const struct str label = label_of(show, entry, name);

            if (!is_wanted(&wanted, entry, name))
                continue;
            if (field != MASTER_FIELD_COMMAND || show->hides_values)
                show_value(show, label, entry->fields[field]);
            else if (!show_command(show, entry, label, why))
                return false;
        }
    }
    tell_unmet(&wanted, words);
    return true;
}

static bool show_one(const struct show *show, const struct service_entry *entry, struct str name, struct str value,
                     struct failure *why)
{
    struct strbuf text;
    bool is_good = true;

    strbuf_init(&text, STRBUF_UNLIMITED);
    if (show->expands)
        is_good = service_expand(show->cf, entry, value, &text, why);
    else
        strbuf_append(&text, value);
    if (is_good)
        show_value(show, label_of(show, entry, name), strbuf_str(&text));
    strbuf_done(&text);
    return is_good;
}

static int compare_names(const void *left, const void *right)
{
    return str_compare(*(const struct str *) left, *(const struct str *) right);
}

/* In order of name, each once. */
static struct strlist option_names(const struct service_entry *entry, struct arena *arena)
{
    struct strlist names = { 0 };
    struct str name;
    struct str value;
    size_t i;

    for (i = 0; i + 1 < entry->option_count; i++)
        if (str_equal(entry->arguments.items[i], STR("-o")) &&
            str_cut(entry->arguments.items[i + 1], '=', &name, &value) && !strlist_contains(&names, name))
            strlist_add(&names, arena, name);
    if (names.count > 1)
        qsort(names.items, names.count, sizeof names.items[0], compare_names);
    return names;
}

static bool show_options(struct wanted *wanted, const struct service_entry *entry, struct failure *why)
{
    const struct strlist names = option_names(entry, wanted->show->arena);
    struct str value = STR_EMPTY;
    size_t i;

    for (i = 0; i < names.count; i++)
        if (is_wanted(wanted, entry, names.items[i]) && service_option(entry, names.items[i], &value) &&
            !show_one(wanted->show, entry, names.items[i], value, why))
            return false;
    return true;
}

static bool show_every_parameter(struct wanted *wanted, const struct service_entry *entry, const struct parameters *all,
                                 struct failure *why)
{
    size_t i;

    for (i = 0; i < all->count; i++) {
        const struct str name = all->items[i].name;
        struct str value = STR_EMPTY;

        if ((all->items[i].kind & wanted->show->classes) == 0 || !is_wanted(wanted, entry, name))
            continue;
        if (str_equal(name, STR("process_name")))
            value = entry->fields[MASTER_FIELD_COMMAND];
        else if (str_equal(name, STR("service_name")))
            value = entry->fields[MASTER_FIELD_NAME];
        else if (!service_option(entry, name, &value) && !main_cf_raw(wanted->show->cf, name, &value))
            value = STR_EMPTY;
        if (!show_one(wanted->show, entry, name, value, why))
            return false;
    }
    return true;
}

bool fields_show_parameters(const struct show *show, const struct services *services, const struct strlist *words,
                            const struct parameters *all, struct failure *why)
{
    struct wanted wanted;
    size_t i;

    if (!want(show, words, false, &wanted, why))
        return false;
    for (i = 0; i < services->count; i++)
        if (all != NULL ? !show_every_parameter(&wanted, &services->items[i], all, why)
                        : !show_options(&wanted, &services->items[i], why))
            return false;
    tell_unmet(&wanted, words);
    return true;
}
