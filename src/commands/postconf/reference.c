/* SPDX-License-Identifier: Apache-2.0 */
#include "postconf/reference.h"

#include "config/registry.h"

static const char *const type_names[] = {
    [SETTING_TYPE_STRING] = "text", [SETTING_TYPE_RAW] = "text, expanded at use",
    [SETTING_TYPE_LIST] = "list",   [SETTING_TYPE_INTEGER] = "number",
    [SETTING_TYPE_SIZE] = "number", [SETTING_TYPE_BOOLEAN] = "yes or no",
    [SETTING_TYPE_TIME] = "time",   [SETTING_TYPE_CHOICE] = "one of",
};

static void print_choices(FILE *out, const struct setting *row)
{
    int i;

    for (i = 0; row->choices[i] != NULL; i++)
        fprintf(out, "%s%s", i > 0 ? ", " : "", row->choices[i]);
}

static void print_bounds(FILE *out, const struct setting *row)
{
    const char *unit = row->type == SETTING_TYPE_TIME ? "s" : "";

    if (row->type == SETTING_TYPE_CHOICE)
        print_choices(out, row);
    else if (row->type == SETTING_TYPE_STRING || row->type == SETTING_TYPE_RAW)
        fputs(row->minimum > 0 ? "not empty" : "", out);
    else if (row->maximum > 0)
        fprintf(out, "%lld%s to %lld%s", (long long) row->minimum, unit, (long long) row->maximum, unit);
    else if (row->minimum > 0)
        fprintf(out, "%lld%s or more", (long long) row->minimum, unit);
}

static void print_row(FILE *out, const struct settings_table *table, const struct setting *row)
{
    const char *name = row->name;

    fprintf(out, "%s\t%s%s\t%s", table->owner, name[0] == '*' ? "*service*" : "", name[0] == '*' ? name + 1 : name,
            type_names[row->type]);
    if (row->type == SETTING_TYPE_TIME)
        fprintf(out, " (%c)", row->unit);
    fprintf(out, "\t%s\t", row->default_text);
    print_bounds(out, row);
    fprintf(out, "\t%s\n", row->purpose);
}

void reference_print(FILE *out)
{
    size_t i;
    size_t j;

    for (i = 0; registry_tables[i] != NULL; i++)
        for (j = 0; j < registry_tables[i]->count; j++)
            print_row(out, registry_tables[i], &registry_tables[i]->rows[j]);
}
