/* SPDX-License-Identifier: Apache-2.0 */
#include "table/socketmap_reply.h"

#include "base/arena.h"
#include "run/stream.h"

#include <string.h>

enum { PIECE_MAX = 32 * 1024 };

static bool fail_format(struct failure *why)
{
    return failure_set(why, FAILURE_PERMANENT, 0, "input format error");
}

static bool read_length(struct stream *stream, size_t maximum, size_t *length_out, struct failure *why)
{
    size_t length = 0;
    size_t digits = 0;

    for (;; digits++) {
        struct str byte;

        if (!stream_read_exact(stream, 1, &byte, why))
            return false;
        if (byte.data[0] == ':')
            break;
        if (!char_is_digit(byte.data[0]))
            return fail_format(why);
        length = length * 10 + (size_t) (byte.data[0] - '0');
        if (length > maximum)
            return failure_set(why, FAILURE_PERMANENT, 0, "input exceeds size limit");
        if (digits > 20)
            return fail_format(why);
    }
    if (digits == 0)
        return fail_format(why);
    *length_out = length;
    return true;
}

bool socketmap_reply_read(struct stream *stream, size_t maximum, struct arena *arena, struct str *reply_out,
                          struct failure *why)
{
    size_t length = 0;
    char *text;
    struct str piece = STR_EMPTY;

    if (!read_length(stream, maximum, &length, why))
        return false;
    text = arena_alloc(arena, length + 1);
    for (size_t done = 0; done < length; done += piece.len) {
        size_t want = length - done < PIECE_MAX ? length - done : PIECE_MAX;

        if (!stream_read_some(stream, want, &piece, why))
            return false;
        memcpy(text + done, piece.data, piece.len); /* UNSAFE: at most want bytes, length in all */
    }
    if (!stream_read_exact(stream, 1, &piece, why))
        return false;
    if (piece.data[0] != ',')
        return fail_format(why);
    *reply_out = str_make(text, length);
    return true;
}

enum socketmap_status socketmap_reply_parse(struct str reply, struct str *text_out)
{
    static const struct {
        const char *word;
        enum socketmap_status status;
    } words[] = {
        { "OK", SOCKETMAP_OK },           { "NOTFOUND", SOCKETMAP_NOTFOUND }, { "TEMP", SOCKETMAP_TEMP },
        { "TIMEOUT", SOCKETMAP_TIMEOUT }, { "PERM", SOCKETMAP_PERM },
    };
    struct str word;
    bool has_space = str_cut(reply, ' ', &word, text_out);

    if (str_equal(word, STR("OK")) && !has_space)
        return SOCKETMAP_NOTFOUND;
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (str_equal(word, str_from_c(words[i].word)))
            return words[i].status;
    }
    return SOCKETMAP_NONSENSE;
}
