/* SPDX-License-Identifier: Apache-2.0 */
#include "notice/template_file.h"

#include "base/strbuf.h"

struct template_file template_file_over(struct str bytes, struct str file, struct arena *arena,
                                        struct strlist *warnings)
{
    return (struct template_file){ .rest = bytes, .file = file, .arena = arena, .warnings = warnings };
}

static bool next_line(struct template_file *source, struct str *line_out)
{
    if (source->rest.len == 0)
        return false;
    str_cut(source->rest, '\n', line_out, &source->rest);
    source->line++;
    return true;
}

static bool stop(struct template_file *source, const char *what, struct str text)
{
    source->problem = arena_c(source->arena, arena_printf(source->arena, "%.*s, line %u: %s%.*s", STR_ARG(source->file),
                                                          source->line, what, STR_ARG(text)));
    source->rest = STR_EMPTY;
    return false;
}

/* From the line after "<<END" to END, which a file may lack. */
static struct str take_lines(struct template_file *source, struct str end)
{
    struct str all = source->rest;
    size_t length = 0;
    struct str line;

    while (next_line(source, &line)) {
        if (str_equal(line, end))
            return str_part(all, 0, length);
        length += line.len + 1;
    }
    strlist_add_view(source->warnings, source->arena,
                     arena_printf(source->arena, "%.*s, line %u: missing \"%.*s\" end marker", STR_ARG(source->file),
                                  source->line, STR_ARG(end)));
    return all;
}

bool template_file_next(struct template_file *source, struct template_file_entry *entry_out)
{
    struct str line;
    struct str name;
    struct str value;

    do {
        if (!next_line(source, &line))
            return false;
    } while (str_trim(line).len == 0 || line.data[0] == '#');
    if (!str_cut(line, '=', &name, &value))
        return stop(source, "missing '=' after attribute name: ",
                    arena_printf(source->arena, "\"%.*s\"", STR_ARG(str_part(line, 0, 200))));
    name = str_trim(name);
    value = str_trim(value);
    if (name.len == 0)
        return stop(source, "missing attribute name: ",
                    arena_printf(source->arena, "\"%.*s\"", STR_ARG(str_part(line, 0, 200))));
    if (str_starts_with(value, STR("<<"))) {
        value = str_trim(str_from(value, 2));
        if (value.len == 0)
            return stop(source, "missing end marker after <<", STR_EMPTY);
        value = take_lines(source, value);
    }
    if (value.len == 0)
        value = STR_EMPTY;
    *entry_out = (struct template_file_entry){ .name = name, .value = value, .line = source->line };
    return true;
}
