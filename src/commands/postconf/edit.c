/* SPDX-License-Identifier: Apache-2.0 */
#include "postconf/edit.h"

#include "base/cursor.h"

struct editor {
    bool is_master;
    struct edit *edits;
    size_t count;
    struct strbuf *out;
    struct edit *current; /* of the entry whose lines go by; NULL: it stays */
};

static bool is_blank_or_comment(struct str line)
{
    struct str rest = str_trim(line);

    return rest.len == 0 || rest.data[0] == '#';
}

/* The first two words are a service's name and type. */
static bool master_line_matches(struct str line, struct str pattern)
{
    struct service_entry entry = { 0 };
    struct str rest = line;

    if (!str_next_word(&rest, " \t\r\n", &entry.fields[MASTER_FIELD_NAME]) ||
        !str_next_word(&rest, " \t\r\n", &entry.fields[MASTER_FIELD_TYPE]))
        return false;
    return service_matches(&entry, pattern);
}

static bool main_line_matches(struct str line, struct str key)
{
    struct str name;
    struct str value;

    return str_cut(line, '=', &name, &value) && str_equal(str_trim(name), key);
}

static struct edit *edit_of(const struct editor *editor, struct str line)
{
    size_t i;

    for (i = 0; i < editor->count; i++) {
        struct edit *edit = &editor->edits[i];

        if (editor->is_master ? master_line_matches(line, edit->key) ||
                                    (edit->other_key.len > 0 && master_line_matches(line, edit->other_key))
                              : main_line_matches(line, edit->key))
            return edit;
    }
    return NULL;
}

static void put_line(struct editor *editor, struct str line)
{
    strbuf_append(editor->out, line);
    strbuf_append_char(editor->out, '\n');
}

static void begin_entry(struct editor *editor, struct str line)
{
    editor->current = edit_of(editor, line);
    if (editor->current == NULL) {
        put_line(editor, line);
        return;
    }
    editor->current->matches++;
    if (editor->current->action == EDIT_COMMENT_OUT) {
        strbuf_append_char(editor->out, '#');
        put_line(editor, line);
    } else if (editor->current->action == EDIT_SET && (editor->current->matches == 1 || !editor->is_master)) {
        /* A service is there once; a setting that is given twice stays so, and is told. */
        put_line(editor, editor->current->text);
    }
}

static void continue_entry(struct editor *editor, struct str line)
{
    if (editor->current == NULL) {
        put_line(editor, line);
    } else if (editor->current->action == EDIT_COMMENT_OUT) {
        strbuf_append_char(editor->out, '#');
        put_line(editor, line);
    }
}

bool edit_take_line(struct cursor *cursor, struct str *line_out)
{
    if (cursor_at_end(cursor))
        return false;
    *line_out = cursor_take_until(cursor, "\n");
    (void) cursor_skip_char(cursor, '\n');
    return true;
}

void edit_apply(struct str text, bool is_master, struct edit *edits, size_t count, struct strbuf *out)
{
    struct editor editor = { .is_master = is_master, .edits = edits, .count = count, .out = out };
    struct cursor cursor = cursor_over(text);
    struct str line;
    size_t i;

    while (edit_take_line(&cursor, &line)) {
        if (is_blank_or_comment(line))
            put_line(&editor, line);
        else if (char_is_space(line.data[0]))
            continue_entry(&editor, line);
        else
            begin_entry(&editor, line);
    }
    for (i = 0; i < count; i++)
        if (edits[i].action == EDIT_SET && edits[i].matches == 0)
            put_line(&editor, edits[i].text);
}
