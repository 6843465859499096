/* SPDX-License-Identifier: Apache-2.0 */
#include "bounce/original.h"

#include "os/file.h"

enum { PIECE = 16 * 1024 };

void original_init(struct original *original, const struct bounce_request *request, bool is_header_only,
                   struct arena *arena)
{
    *original = (struct original){ .request = request, .is_header_only = is_header_only, .is_at_line_start = true };
    original->buffer = arena_alloc(arena, PIECE);
}

static bool read_piece(struct original *original, struct str *piece_out, struct failure *why)
{
    const struct bounce_request *request = original->request;
    uint64_t left = request->size > original->position ? request->size - original->position : 0;
    size_t count = left < PIECE ? (size_t) left : PIECE;

    if (request->content_fd < 0) {
        *piece_out = str_part(str_from(request->content, (size_t) original->position), 0, PIECE);
    } else {
        if (!file_read_at(request->content_fd, "original message", original->buffer, count,
                          request->content_offset + original->position, &count, why))
            return false;
        *piece_out = str_make(original->buffer, count);
    }
    original->position += piece_out->len;
    return true;
}

/* Where the header ends in this piece: before the LF of the empty line; STR_NOT_FOUND if it goes on. */
static size_t find_header_end(const struct original *original, struct str piece)
{
    size_t place;

    if (original->is_at_line_start && piece.len > 0 && piece.data[0] == '\n')
        return 0;
    place = str_find(piece, STR("\n\n"));
    return place == STR_NOT_FOUND ? STR_NOT_FOUND : place + 1;
}

bool original_read(struct original *original, struct str *piece_out, struct failure *why)
{
    struct str piece = STR_EMPTY;

    if (!original->is_ended && !read_piece(original, &piece, why))
        return false;
    if (piece.len == 0) {
        original->is_ended = true;
    } else if (original->is_header_only) {
        size_t end = find_header_end(original, piece);

        if (end != STR_NOT_FOUND) {
            piece = str_part(piece, 0, end);
            original->is_ended = true;
        }
    }
    if (piece.len > 0)
        original->is_at_line_start = piece.data[piece.len - 1] == '\n';
    *piece_out = piece;
    return true;
}
