/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/write_buffer.h"

#include "os/fd.h"
#include "os/file.h"

#include "unit.h"

#include <fcntl.h>
#include <stdio.h>

/* Puts pieces of these sizes one behind the other and expects the file to hold them all. */
static void expect_whole(const size_t *sizes, size_t count)
{
    static char piece[3 * WRITE_BUFFER_SIZE];
    struct write_buffer buffer;
    struct strbuf written;
    char path[300];
    struct failure why;
    uint64_t total = 0;
    int fd;

    snprintf(path, sizeof(path), "%s/file", unit_directory());
    EXPECT(file_open(path, O_RDWR | O_CREAT | O_TRUNC, 0600, &fd, &why));
    write_buffer_init(&buffer);
    for (size_t i = 0; i < count; i++) {
        memset(piece, 'a' + (int) i, sizes[i]);
        EXPECT(write_buffer_put(&buffer, fd, path, str_make(piece, sizes[i]), &why));
        total += sizes[i];
        EXPECT_UINT(write_buffer_position(&buffer), total);
    }
    EXPECT(write_buffer_flush(&buffer, fd, path, &why));
    EXPECT_UINT(buffer.flushed, total);
    write_buffer_done(&buffer);
    fd_close(&fd);
    strbuf_init(&written, 1 << 24);
    EXPECT(file_load(path, &written, &why));
    EXPECT_UINT(written.len, total);
    for (size_t i = 0, at = 0; i < count; at += sizes[i++]) {
        if (sizes[i] > 0) {
            EXPECT_INT(written.data[at], 'a' + (int) i);
            EXPECT_INT(written.data[at + sizes[i] - 1], 'a' + (int) i);
        }
    }
    strbuf_done(&written);
}

TEST(pieces_of_any_size_stand_in_their_order)
{
    static const size_t rows[][4] = {
        { 0, 0, 0, 0 },
        { 1, 2, 3, 4 },
        { WRITE_BUFFER_SIZE, 1, WRITE_BUFFER_SIZE - 1, 1 },
        { 5, 3 * WRITE_BUFFER_SIZE, 0, 7 },
        { WRITE_BUFFER_SIZE - 1, 2, WRITE_BUFFER_SIZE + 1, 1 },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        expect_whole(rows[i], 4);
}

TEST(a_write_that_fails_is_told)
{
    struct write_buffer buffer;
    struct failure why;

    write_buffer_init(&buffer);
    EXPECT(write_buffer_put(&buffer, -1, "nothing", STR("small"), &why));
    EXPECT_FALSE(write_buffer_flush(&buffer, -1, "nothing", &why));
    EXPECT_UINT(write_buffer_position(&buffer), 5);
    write_buffer_done(&buffer);
}
