/* SPDX-License-Identifier: Apache-2.0 */
#include "qshape/table.h"

enum { WIDTH_MINIMUM = 80, NAME_MINIMUM = 18, COUNT_MINIMUM = 2 };

/* The width of the column of all ages, then of each bucket. */
struct columns {
    size_t name;
    size_t total;
    size_t counts[SHAPE_BUCKETS_MAXIMUM];
};

static size_t at_least(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t digits(uint64_t number)
{
    size_t count = 1;

    while (number >= 10) {
        number /= 10;
        count++;
    }
    return count;
}

static bool is_last(const struct shape_settings *buckets, unsigned bucket)
{
    return bucket + 1 == buckets->buckets;
}

static struct columns measure(const struct table_settings *settings, const struct shape_settings *buckets,
                              const struct shape_row *total)
{
    struct columns columns = { .total = at_least(COUNT_MINIMUM, digits(total->total)) };
    size_t taken = columns.total + 1;

    for (unsigned i = 0; i < buckets->buckets; i++) {
        size_t head = digits(shape_bucket_end(buckets, i)) + (is_last(buckets, i) ? 1 : 0);

        columns.counts[i] = at_least(at_least(COUNT_MINIMUM, digits(total->counts[i])), head);
        taken += columns.counts[i] + 1;
    }
    columns.name = at_least(settings->width, WIDTH_MINIMUM);
    columns.name = columns.name > taken + NAME_MINIMUM ? columns.name - taken : NAME_MINIMUM;
    return columns;
}

static void print_head(FILE *out, const struct columns *columns, const struct shape_settings *buckets)
{
    fprintf(out, "%*s %*s", (int) columns->name, "", (int) columns->total, "T");
    for (unsigned i = 0; i < buckets->buckets; i++) {
        const char *sign = is_last(buckets, i) ? "+" : "";

        fprintf(out, " %*llu%s", (int) (columns->counts[i] - (sign[0] != '\0' ? 1 : 0)),
                (unsigned long long) shape_bucket_end(buckets, i), sign);
    }
    putc('\n', out);
}

static void print_name(FILE *out, size_t width, struct str name)
{
    bool is_parent = str_starts_with(name, STR("."));
    const char *mark = is_parent ? ".+" : "+";
    size_t kept = width - (is_parent ? 2 : 1);

    if (name.len <= width) {
        fprintf(out, "%*s%.*s", (int) (width - name.len), "", STR_ARG(name));
        return;
    }
    fprintf(out, "%s%.*s", mark, STR_ARG(str_from(name, name.len - kept)));
}

static void print_row(FILE *out, const struct columns *columns, unsigned buckets, const struct shape_row *row)
{
    print_name(out, columns->name, row->name);
    fprintf(out, " %*llu", (int) columns->total, (unsigned long long) row->total);
    for (unsigned i = 0; i < buckets; i++)
        fprintf(out, " %*llu", (int) columns->counts[i], (unsigned long long) row->counts[i]);
    putc('\n', out);
}

void table_print(FILE *out, const struct table_settings *settings, const struct shape_settings *buckets,
                 const struct shape *shape)
{
    const struct columns columns = measure(settings, buckets, shape_total(shape));
    struct arena *arena = arena_create();
    size_t count;
    struct shape_row **rows = shape_rows(shape, settings->least_children, arena, &count);

    if (settings->is_on_terminal)
        fputs("\033[H\033[2J\033[3J", out);
    print_head(out, &columns, buckets);
    print_row(out, &columns, buckets->buckets, shape_total(shape));
    for (size_t i = 0; i < count && (settings->top == 0 || i < settings->top); i++)
        print_row(out, &columns, buckets->buckets, rows[i]);
    arena_destroy(&arena);
}
