/* SPDX-License-Identifier: Apache-2.0 */
#include "postconf/entries_edit.h"

#include "base/cursor.h"
#include "base/memory.h"
#include "postconf/edit.h"

struct editor {
    struct str file;
    struct entry_edit *edits;
    size_t count;
    bool (*is_hidden)(void *context, const struct service_entry *entry);
    void *context;
    struct strbuf *out;
    struct arena *arena;
    struct failure *why;
    struct strbuf written; /* the lines of the entry that goes by, with those between */
    struct strbuf joined;  /* the same, without comments and line ends */
    struct strbuf inner;   /* comments between its lines */
    struct strbuf after;   /* comments that may be between its lines, or the next entry's */
    unsigned line;
    unsigned first_line;
};

static bool is_blank_or_comment(struct str line)
{
    struct str rest = str_trim(line);

    return rest.len == 0 || rest.data[0] == '#';
}

static void append_line(struct strbuf *out, struct str line)
{
    strbuf_append(out, line);
    strbuf_append_char(out, '\n');
}

static struct str assignment_of(struct editor *editor, const struct entry_edit *edit)
{
    return arena_printf(editor->arena, "%.*s=%.*s", STR_ARG(edit->part.part), STR_ARG(edit->value));
}

static bool is_about(struct str option, struct str name)
{
    struct str option_name;
    struct str value;

    return str_cut(option, '=', &option_name, &value) && (str_equal(name, option_name) || str_equal(name, STR("*")));
}

/* Every -o of the name gets the value; the name's first one comes behind the others. */
static void set_parameter(struct editor *editor, struct service_entry *entry, const struct entry_edit *edit)
{
    const struct strlist before = entry->arguments;
    struct strlist after = { 0 };
    bool is_there = false;
    size_t i;

    for (i = 0; i + 1 < entry->option_count; i++) {
        if (!str_equal(before.items[i], STR("-o")) || !is_about(before.items[i + 1], edit->part.part))
            continue;
        before.items[i + 1] = assignment_of(editor, edit);
        is_there = true;
    }
    if (is_there)
        return;
    for (i = 0; i < before.count || i == entry->option_count; i++) {
        if (i == entry->option_count) {
            strlist_add(&after, editor->arena, STR("-o"));
            strlist_add(&after, editor->arena, assignment_of(editor, edit));
        }
        if (i < before.count)
            strlist_add_view(&after, editor->arena, before.items[i]);
    }
    entry->arguments = after;
    entry->option_count += 2;
}

static void remove_parameter(struct editor *editor, struct service_entry *entry, const struct entry_edit *edit)
{
    struct strlist after = { 0 };
    size_t removed = 0;
    size_t i;

    for (i = 0; i < entry->arguments.count; i++) {
        if (i + 1 < entry->option_count && str_equal(entry->arguments.items[i], STR("-o")) &&
            is_about(entry->arguments.items[i + 1], edit->part.part)) {
            removed += 2;
            i++;
            continue;
        }
        strlist_add_view(&after, editor->arena, entry->arguments.items[i]);
    }
    entry->arguments = after;
    entry->option_count -= removed;
}

/* "smtpd -o x=y z": the command and its arguments are read as in an entry. */
static bool set_command(struct editor *editor, struct service_entry *entry, const struct entry_edit *edit)
{
    struct strlist warnings = { 0 };
    struct service_entry read;

    if (!services_parse_entry(arena_printf(editor->arena, "x unix - - - - - %.*s", STR_ARG(edit->value)), editor->arena,
                              &read, &warnings, editor->why))
        return failure_set(editor->why, FAILURE_CONFIGURATION, 0, "missing command in \"%.*s\"", STR_ARG(edit->value));
    entry->fields[MASTER_FIELD_COMMAND] = read.fields[MASTER_FIELD_COMMAND];
    entry->arguments = read.arguments;
    entry->option_count = read.option_count;
    return true;
}

static bool apply(struct editor *editor, struct service_entry *entry, const struct entry_edit *edit)
{
    int field;

    if (edit->change == ENTRY_SET_PARAMETER) {
        set_parameter(editor, entry, edit);
        return true;
    }
    if (edit->change == ENTRY_REMOVE_PARAMETER) {
        remove_parameter(editor, entry, edit);
        return true;
    }
    field = service_field_of(edit->part.part);
    if (field == MASTER_FIELD_COMMAND)
        return set_command(editor, entry, edit);
    if (!service_field_check(field, edit->value, edit->value, editor->why))
        return false;
    entry->fields[field] = edit->value;
    return true;
}

static bool put_entry(struct editor *editor, const struct service_entry *entry)
{
    struct services_print print = { .is_folded = true, .is_exact = true };
    char *text = NULL;
    size_t size = 0;
    bool is_good;

    print.out = open_memstream(&text, &size);
    if (print.out == NULL)
        return failure_set(editor->why, FAILURE_RETRY, 0, "no memory");
    is_good = service_print(&print, entry, editor->why);
    fclose(print.out);
    strbuf_append(editor->out, str_make(text, size));
    memory_free(text);
    return is_good;
}

/* All edits that mean an entry find it as it was before the first of them. */
static bool change_entry(struct editor *editor, struct service_entry *entry, bool *is_changed_out)
{
    const struct service_entry before = *entry;
    size_t i;

    *is_changed_out = false;
    if (editor->is_hidden != NULL && editor->is_hidden(editor->context, entry))
        return true;
    for (i = 0; i < editor->count; i++) {
        if (!service_part_meets(&editor->edits[i].part, &before))
            continue;
        editor->edits[i].matches++;
        *is_changed_out = true;
        if (!apply(editor, entry, &editor->edits[i]))
            return false;
    }
    return true;
}

static bool end_entry(struct editor *editor)
{
    struct strlist warnings = { 0 };
    struct service_entry entry;
    bool is_changed = false;
    bool is_good = true;

    if (editor->joined.len > 0) {
        is_good = services_parse_entry(strbuf_str(&editor->joined), editor->arena, &entry, &warnings, editor->why);
        if (!is_good)
            return failure_prefix(editor->why, "file %.*s: line %u", STR_ARG(editor->file), editor->first_line);
        entry.file = editor->file;
        is_good = change_entry(editor, &entry, &is_changed);
        if (is_good && is_changed && warnings.count > 0)
            return failure_set(editor->why, FAILURE_CONFIGURATION, 0, "file %.*s: line %u: %.*s: mend it by hand first",
                               STR_ARG(editor->file), editor->first_line, STR_ARG(warnings.items[0]));
    }
    if (is_good && is_changed) {
        strbuf_append(editor->out, strbuf_str(&editor->inner));
        is_good = put_entry(editor, &entry);
    } else {
        strbuf_append(editor->out, strbuf_str(&editor->written));
    }
    strbuf_append(editor->out, strbuf_str(&editor->after));
    strbuf_clear(&editor->written);
    strbuf_clear(&editor->joined);
    strbuf_clear(&editor->inner);
    strbuf_clear(&editor->after);
    return is_good;
}

static bool take_line(struct editor *editor, struct str line)
{
    editor->line++;
    if (is_blank_or_comment(line)) {
        append_line(&editor->after, line);
        return true;
    }
    if (!char_is_space(line.data[0])) {
        if (!end_entry(editor))
            return false;
        editor->first_line = editor->line;
    }
    strbuf_append(&editor->inner, strbuf_str(&editor->after));
    strbuf_append(&editor->written, strbuf_str(&editor->after));
    strbuf_clear(&editor->after);
    append_line(&editor->written, line);
    strbuf_append(&editor->joined, line);
    return true;
}

bool entries_edit(struct str text, struct str file, struct entry_edit *edits, size_t count,
                  bool (*is_hidden)(void *context, const struct service_entry *entry), void *context,
                  struct strbuf *out, struct arena *arena, struct failure *why)
{
    struct editor editor = {
        .file = file,
        .edits = edits,
        .count = count,
        .is_hidden = is_hidden,
        .context = context,
        .out = out,
        .arena = arena,
        .why = why,
    };
    struct cursor cursor = cursor_over(text);
    struct str line;
    bool is_good = true;

    strbuf_init(&editor.written, STRBUF_UNLIMITED);
    strbuf_init(&editor.joined, STRBUF_UNLIMITED);
    strbuf_init(&editor.inner, STRBUF_UNLIMITED);
    strbuf_init(&editor.after, STRBUF_UNLIMITED);
    while (is_good && edit_take_line(&cursor, &line))
        is_good = take_line(&editor, line);
    is_good = is_good && end_entry(&editor);
    strbuf_done(&editor.written);
    strbuf_done(&editor.joined);
    strbuf_done(&editor.inner);
    strbuf_done(&editor.after);
    return is_good;
}
