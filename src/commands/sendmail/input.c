/* SPDX-License-Identifier: Apache-2.0 */
#include "sendmail/input.h"

#include "os/file.h"

enum { BUFFER_SIZE = 32 * 1024, FROM_LINE_MAXIMUM = 1024 };

void input_init(struct input *input, int fd, bool reads_dots, enum input_line_endings line_endings)
{
    *input = (struct input){ .fd = fd,
                             .reads_dots = reads_dots,
                             .is_at_top = true,
                             .is_at_line_start = true,
                             .line_endings = line_endings,
                             .fixes_line_endings = line_endings == INPUT_FIX_ALWAYS };
    strbuf_init(&input->raw, BUFFER_SIZE);
}

void input_done(struct input *input)
{
    strbuf_done(&input->raw);
}

static struct str unread(const struct input *input)
{
    return str_from(strbuf_str(&input->raw), input->used);
}

/* Reads more; false at the end of the file or on failure. */
static bool fill(struct input *input, struct failure *why)
{
    char *place;
    size_t count;

    strbuf_consume(&input->raw, input->used);
    input->used = 0;
    place = strbuf_reserve(&input->raw, BUFFER_SIZE - input->raw.len);
    if (!file_read(input->fd, "standard input", place, BUFFER_SIZE - input->raw.len, &count, why))
        return false;
    strbuf_extend(&input->raw, count);
    why->kind = FAILURE_NONE;
    return count > 0;
}

static bool is_from_line(struct str line)
{
    while (str_starts_with(line, STR(">")))
        line = str_from(line, 1);
    return str_starts_with(line, STR("From "));
}

/* A piece is a line with its LF, or what the buffer holds of a longer one. */
static bool take_piece(struct input *input, struct str *piece_out, struct failure *why)
{
    size_t newline;

    while ((newline = str_find_char(unread(input), '\n')) == STR_NOT_FOUND && unread(input).len < BUFFER_SIZE) {
        if (!fill(input, why)) {
            if (why->kind != FAILURE_NONE)
                return false;
            break;
        }
    }
    *piece_out = newline == STR_NOT_FOUND ? unread(input) : str_part(unread(input), 0, newline + 1);
    input->used += piece_out->len;
    return true;
}

static size_t count_last_crs(struct str text)
{
    size_t count = 0;

    while (count < text.len && text.data[text.len - count - 1] == '\r')
        count++;
    return count;
}

static void append_held_crs(struct input *input, struct strbuf *out)
{
    for (; input->held_crs > 0; input->held_crs--)
        strbuf_append_char(out, '\r');
}

static void append_piece(struct input *input, struct strbuf *out, struct str piece)
{
    bool is_line = str_ends_with(piece, STR("\n"));
    struct str text = is_line ? str_part(piece, 0, piece.len - 1) : piece;
    size_t crs = input->fixes_line_endings ? count_last_crs(text) : 0;

    if (crs < text.len)
        append_held_crs(input, out);
    strbuf_append(out, str_part(text, 0, text.len - crs));
    input->held_crs = is_line ? 0 : input->held_crs + crs;
    if (is_line)
        strbuf_append_char(out, '\n');
    input->is_at_line_start = is_line;
}

/* The last line may lack its LF; then a CR belongs to its text. */
static bool is_end_dot(const struct input *input, struct str piece)
{
    bool is_line = str_ends_with(piece, STR("\n"));
    struct str text = is_line ? str_part(piece, 0, piece.len - 1) : piece;

    if (is_line && input->fixes_line_endings)
        text = str_part(text, 0, text.len - count_last_crs(text));
    return !input->reads_dots && input->is_at_line_start && str_equal(text, STR("."));
}

static void judge_first_line(struct input *input, struct str piece)
{
    if (input->line_endings == INPUT_FIX_STRICT && !input->is_begun)
        input->fixes_line_endings = str_ends_with(piece, STR("\r\n"));
    input->is_begun = true;
}

bool input_read(struct input *input, struct strbuf *out, struct failure *why)
{
    while (!input->is_ended && out->len < BUFFER_SIZE) {
        struct str piece;

        if (!take_piece(input, &piece, why))
            return false;
        judge_first_line(input, piece);
        if (piece.len == 0 || is_end_dot(input, piece)) {
            append_held_crs(input, out);
            /* The last line gets its end, whatever it had. */
            if (!input->is_at_line_start)
                strbuf_append_char(out, '\n');
            input->is_ended = true;
            break;
        }
        if (input->is_at_top && is_from_line(piece) && str_ends_with(piece, STR("\n")))
            continue;
        input->is_at_top = false;
        append_piece(input, out, piece);
    }
    return true;
}
