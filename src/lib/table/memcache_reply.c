/* SPDX-License-Identifier: Apache-2.0 */
#include "table/memcache_reply.h"

#include "base/strbuf.h"
#include "run/stream.h"

enum { KEY_MAX = 250 };

bool memcache_key_is_valid(struct str key)
{
    for (size_t i = 0; i < key.len; i++) {
        unsigned char c = (unsigned char) key.data[i];

        if (c <= ' ' || c == 0x7f)
            return false;
    }
    return key.len > 0 && key.len <= KEY_MAX;
}

struct str memcache_get_request(struct str key, struct arena *arena)
{
    return arena_printf(arena, "get %.*s\r\n", STR_ARG(key));
}

struct str memcache_set_request(struct str key, struct str value, unsigned flags, unsigned ttl, struct arena *arena)
{
    struct str head = arena_printf(arena, "set %.*s %u %u %zu\r\n", STR_ARG(key), flags, ttl, value.len);

    return arena_join(arena, arena_join(arena, head, value), STR("\r\n"));
}

/* Without its end; in the stream's memory. */
static bool read_line(struct stream *stream, const struct memcache_limits *limits, struct str *line_out,
                      struct failure *why)
{
    if (!stream_read_line(stream, limits->line, line_out, why))
        return false;
    if (!str_ends_with(*line_out, STR("\n"))) {
        if (line_out->len < limits->line)
            return failure_set(why, FAILURE_RETRY, 0, "unexpected EOF");
        return failure_set(why, FAILURE_PERMANENT, 0, "reply line is longer than line_size_limit, %zu bytes",
                           limits->line);
    }
    line_out->len--;
    if (str_ends_with(*line_out, STR("\r")))
        line_out->len--;
    return true;
}

static bool refuse(struct str line, struct failure *why)
{
    return failure_set(why, FAILURE_PERMANENT, 0, "unexpected memcache server reply: %.*s",
                       (int) (line.len > 100 ? 100 : line.len), line.data);
}

/* "VALUE key flags length" */
static bool parse_head(struct str line, struct str key, size_t *len_out)
{
    struct str rest = line;
    struct str words[5];
    uint64_t len;
    size_t count = 0;

    while (count < ARRAY_COUNT(words) && str_next_word(&rest, " ", &words[count]))
        count++;
    if (count < 4 || !str_equal(words[0], STR("VALUE")) || !str_equal(words[1], key) ||
        !str_to_uint64(words[3], &len) || len > SIZE_MAX / 4)
        return false;
    *len_out = (size_t) len;
    return true;
}

static bool read_data(struct stream *stream, size_t len, struct arena *arena, struct str *value_out,
                      struct failure *why)
{
    char *value = arena_alloc(arena, len + 1);
    size_t have = 0;
    struct str part;

    while (have < len) {
        size_t wanted = len - have < 4096 ? len - have : 4096;

        if (!stream_read_exact(stream, wanted, &part, why))
            return false;
        memcpy(value + have, part.data, part.len);
        have += part.len;
    }
    *value_out = str_make(value, len);
    if (!stream_read_exact(stream, 2, &part, why))
        return false;
    return str_equal(part, STR("\r\n")) || failure_set(why, FAILURE_PERMANENT, 0, "memcache data without its end");
}

bool memcache_read_value(struct stream *stream, struct str key, const struct memcache_limits *limits,
                         struct arena *arena, bool *is_there_out, struct str *value_out, struct failure *why)
{
    struct str line;
    size_t len;

    *is_there_out = false;
    if (!read_line(stream, limits, &line, why))
        return false;
    if (str_equal(line, STR("END")))
        return true;
    if (!parse_head(line, key, &len))
        return refuse(line, why);
    if (len > limits->data)
        return failure_set(why, FAILURE_PERMANENT, 0, "data is longer than data_size_limit, %zu bytes", limits->data);
    if (!read_data(stream, len, arena, value_out, why) || !read_line(stream, limits, &line, why))
        return false;
    *is_there_out = true;
    return str_equal(line, STR("END")) || refuse(line, why);
}

bool memcache_read_stored(struct stream *stream, const struct memcache_limits *limits, struct failure *why)
{
    struct str line;

    if (!read_line(stream, limits, &line, why))
        return false;
    return str_equal(line, STR("STORED")) || refuse(line, why);
}
