/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup/content_edit.h"

#include "base/check.h"
#include "mail/header.h"

enum { PIECE_BYTES = 64 * 1024 };

/* ---- bodies ---- */

static void body_init(struct content_edit_body *body)
{
    *body = (struct content_edit_body){ 0 };
    strbuf_init(&body->memory, STRBUF_UNLIMITED);
}

static void body_done(struct content_edit_body *body)
{
    journal_file_abandon(&body->file);
    strbuf_done(&body->memory);
    body_init(body);
}

/* From offset on; empty at the end. Of memory all that is left, of a file a piece, in buf. */
static bool body_read(const struct content_edit_body *body, uint64_t offset, struct strbuf *buf, struct str *piece_out,
                      struct failure *why)
{
    if (body->file == NULL) {
        *piece_out = str_part(strbuf_str(&body->memory), (size_t) (body->at + offset), PIECE_BYTES);
        return true;
    }
    strbuf_clear(buf);
    if (!journal_file_read(body->file, body->at + offset, PIECE_BYTES, buf, why))
        return false;
    *piece_out = strbuf_str(buf);
    return true;
}

bool content_edit_give_up_name(struct content_edit *edit, struct failure *why)
{
    if (!edit->has_name)
        return true;
    edit->is_changed = true;
    edit->has_name = false;
    return journal_file_unname(edit->body.file, why);
}

/* What memory holds goes into a file that has no name. */
static bool body_spill(struct content_edit *edit, struct content_edit_body *body, struct failure *why)
{
    struct journal_file *file;

    if (!journal_file_begin(edit->journal, edit->id, &file, why))
        return false;
    if (!journal_file_unname(file, why) || !journal_file_write(file, strbuf_str(&body->memory), why)) {
        journal_file_abandon(&file);
        return false;
    }
    body->file = file;
    strbuf_done(&body->memory);
    return true;
}

static bool body_add(struct content_edit *edit, struct content_edit_body *body, struct str bytes, struct failure *why)
{
    if (body->file == NULL && body->memory.len + bytes.len > edit->memory_limit) {
        if (!content_edit_give_up_name(edit, why) || !body_spill(edit, body, why))
            return false;
    }
    if (body->file != NULL)
        return journal_file_write(body->file, bytes, why);
    strbuf_append(&body->memory, bytes);
    return true;
}

/* ---- open ---- */

static bool read_header(struct content_edit *edit, uint64_t bytes, struct failure *why)
{
    struct strbuf *header = &edit->header;

    if (bytes > CONTENT_EDIT_HEADER_MAXIMUM)
        return failure_set(why, FAILURE_PERMANENT, 0, "the header is too long for milters");
    if (edit->body.file != NULL)
        return journal_file_read(edit->body.file, 0, (size_t) bytes, header, why);
    strbuf_append(header, str_part(strbuf_str(&edit->body.memory), 0, (size_t) bytes));
    return true;
}

/* Milters hear of the client otherwise; the field that tells of this very server only confuses those that check it. */
static void find_hidden(struct content_edit *edit)
{
    struct str header = strbuf_str(&edit->header), rest = header;
    struct header_field field;

    while (header_take_field(&rest, &field)) {
        if (header_kind_find(field.name)->type != HEADER_RECEIVED)
            continue;
        edit->hidden.at = header.len - rest.len - field.whole.len;
        edit->hidden.len = field.whole.len;
        return;
    }
}

bool content_edit_open(struct content_edit *edit, const struct content_edit_options *options, struct failure *why)
{
    *edit =
        (struct content_edit){ .journal = options->journal, .id = options->id, .memory_limit = options->memory_limit };
    strbuf_init(&edit->header, STRBUF_UNLIMITED);
    strbuf_init(&edit->kept_header, STRBUF_UNLIMITED);
    strbuf_init(&edit->piece, STRBUF_UNLIMITED);
    body_init(&edit->body);
    body_init(&edit->new_body);
    edit->body.memory = *options->content;
    edit->body.file = *options->file;
    edit->body.at = options->header_bytes;
    edit->has_name = edit->body.file != NULL;
    strbuf_init(options->content, STRBUF_UNLIMITED);
    *options->file = NULL;
    if (!read_header(edit, options->header_bytes, why))
        return false;
    find_hidden(edit);
    return true;
}

void content_edit_done(struct content_edit *edit)
{
    body_done(&edit->body);
    body_done(&edit->new_body);
    strbuf_done(&edit->header);
    strbuf_done(&edit->kept_header);
    strbuf_done(&edit->piece);
}

void content_edit_return(struct content_edit *edit, struct strbuf *content, struct journal_file **file)
{
    CHECK(!edit->is_changed);
    strbuf_done(content);
    *content = edit->body.memory;
    *file = edit->body.file;
    edit->body.file = NULL;
    strbuf_init(&edit->body.memory, STRBUF_UNLIMITED);
}

/* ---- looking ---- */

bool content_edit_next_field(const struct content_edit *edit, size_t *offset, struct str *name_out,
                             struct str *value_out)
{
    struct str rest;
    struct header_field field;
    size_t colon;

    if (*offset == edit->hidden.at)
        *offset += edit->hidden.len;
    rest = str_from(strbuf_str(&edit->header), *offset);
    if (!header_take_field(&rest, &field))
        return false;
    *offset += field.whole.len;
    *name_out = field.name;
    colon = str_find_char(field.whole, ':');
    *value_out = str_from(field.whole, colon + 1);
    if (str_ends_with(*value_out, STR("\n")))
        value_out->len--;
    return true;
}

/* The empty line is the header's end, not the body's beginning. A body without one follows a header that is none. */
static bool skip_separator(struct content_edit *edit, uint64_t *offset, struct str *piece, struct failure *why)
{
    if (*offset != 0)
        return true;
    if (!body_read(&edit->body, 0, &edit->piece, piece, why))
        return false;
    *offset = str_starts_with(*piece, STR("\n")) ? 1 : 0;
    return true;
}

bool content_edit_read_body(struct content_edit *edit, uint64_t *offset, struct str *piece_out, struct failure *why)
{
    if (!skip_separator(edit, offset, piece_out, why) || !body_read(&edit->body, *offset, &edit->piece, piece_out, why))
        return false;
    *offset += piece_out->len;
    return true;
}

/* ---- changing ---- */

static void begin_header_change(struct content_edit *edit)
{
    if (edit->is_header_changed)
        return;
    strbuf_clear(&edit->kept_header);
    strbuf_append(&edit->kept_header, strbuf_str(&edit->header));
    edit->kept_hidden_at = edit->hidden.at;
    edit->is_header_changed = true;
}

/* In place of len bytes at offset; empty name: nothing. */
static void splice(struct content_edit *edit, size_t offset, size_t len, struct str name, struct str value)
{
    struct strbuf text;

    begin_header_change(edit);
    strbuf_init(&text, STRBUF_UNLIMITED);
    strbuf_append(&text, str_part(strbuf_str(&edit->header), 0, offset));
    if (name.len > 0) {
        strbuf_append(&text, name);
        strbuf_append_char(&text, ':');
        strbuf_append(&text, value);
        strbuf_append_char(&text, '\n');
    }
    if (offset <= edit->hidden.at)
        edit->hidden.at = edit->hidden.at - len + (text.len - offset);
    strbuf_append(&text, str_from(strbuf_str(&edit->header), offset + len));
    strbuf_done(&edit->header);
    edit->header = text;
}

/* Where the index-th field of all begins, or the header ends. */
static size_t find_place(const struct content_edit *edit, uint32_t index)
{
    struct str rest = strbuf_str(&edit->header);
    struct header_field field;

    while (index > 0 && header_take_field(&rest, &field))
        index--;
    return edit->header.len - rest.len;
}

void content_edit_insert(struct content_edit *edit, uint32_t index, struct str name, struct str value)
{
    splice(edit, find_place(edit, index), 0, name, value);
}

void content_edit_add(struct content_edit *edit, struct str name, struct str value)
{
    splice(edit, edit->header.len, 0, name, value);
}

/* False: there are fewer of that name. */
static bool find_field(const struct content_edit *edit, uint32_t index, struct str name, size_t *place_out,
                       size_t *len_out)
{
    size_t offset = 0;
    struct str found, value;

    while (content_edit_next_field(edit, &offset, &found, &value)) {
        if (!str_equal_nocase(found, name) || index-- > 1)
            continue;
        /* UNSAFE: the name is the field's beginning, in the header. */
        *place_out = (size_t) (found.data - edit->header.data);
        *len_out = offset - *place_out;
        return true;
    }
    return false;
}

void content_edit_change(struct content_edit *edit, uint32_t index, struct str name,
                         const struct content_edit_field *field)
{
    size_t place, len;

    if (find_field(edit, index, name, &place, &len))
        splice(edit, place, len, field->name, field->value);
    else
        content_edit_add(edit, field->name, field->value);
}

void content_edit_delete(struct content_edit *edit, uint32_t index, struct str name)
{
    size_t place, len;

    if (find_field(edit, index, name, &place, &len))
        splice(edit, place, len, STR_EMPTY, STR_EMPTY);
}

bool content_edit_add_body(struct content_edit *edit, struct str bytes, struct failure *why)
{
    if (!edit->has_new_body) {
        edit->has_new_body = true;
        edit->ends_line = true;
        if (!body_add(edit, &edit->new_body, STR("\n"), why))
            return false;
    }
    if (bytes.len == 0)
        return true;
    edit->ends_line = str_ends_with(bytes, STR("\n"));
    return body_add(edit, &edit->new_body, bytes, why);
}

bool content_edit_keep(struct content_edit *edit, struct failure *why)
{
    if (edit->has_new_body && !edit->ends_line && !body_add(edit, &edit->new_body, STR("\n"), why))
        return false;
    edit->is_changed = edit->is_changed || edit->is_header_changed || edit->has_new_body;
    edit->is_header_changed = false;
    if (!edit->has_new_body)
        return true;
    body_done(&edit->body);
    edit->body = edit->new_body;
    edit->has_name = false;
    edit->has_new_body = false;
    body_init(&edit->new_body);
    return true;
}

void content_edit_undo(struct content_edit *edit)
{
    if (edit->is_header_changed) {
        struct strbuf changed = edit->header;

        edit->header = edit->kept_header;
        edit->kept_header = changed;
        edit->hidden.at = edit->kept_hidden_at;
    }
    edit->is_header_changed = false;
    edit->has_new_body = false;
    body_done(&edit->new_body);
}

/* ---- the result ---- */

bool content_edit_read_all(struct content_edit *edit, uint64_t *offset, struct str *piece_out, struct failure *why)
{
    if (*offset < edit->header.len)
        *piece_out = str_from(strbuf_str(&edit->header), (size_t) *offset);
    else if (!body_read(&edit->body, *offset - edit->header.len, &edit->piece, piece_out, why))
        return false;
    *offset += piece_out->len;
    return true;
}
