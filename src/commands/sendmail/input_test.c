/* SPDX-License-Identifier: Apache-2.0 */
#include "sendmail/input.h"

#include "os/fd.h"
#include "os/file.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>

static void read_how(struct str text, bool reads_dots, enum input_line_endings line_endings, struct strbuf *out)
{
    char path[300];
    struct input input;
    struct failure why;
    int fd;

    snprintf(path, sizeof path, "%s/input", unit_directory());
    EXPECT(file_open(path, O_RDWR | O_CREAT | O_TRUNC, 0600, &fd, &why));
    EXPECT(file_write_at(fd, path, text, 0, &why));
    input_init(&input, fd, reads_dots, line_endings);
    strbuf_clear(out);
    while (!input.is_ended) {
        struct strbuf piece;

        strbuf_init(&piece, STRBUF_UNLIMITED);
        EXPECT(input_read(&input, &piece, &why));
        strbuf_append(out, strbuf_str(&piece));
        strbuf_done(&piece);
    }
    input_done(&input);
    fd_close(&fd);
}

static void read_all(struct str text, bool reads_dots, struct strbuf *out)
{
    read_how(text, reads_dots, INPUT_FIX_ALWAYS, out);
}

TEST(a_message_is_read_as_lines)
{
    static const struct {
        const char *text;
        bool reads_dots;
        const char *content;
    } cases[] = {
        { "", false, "" },
        { "a\nb\n", false, "a\nb\n" },
        { "a\nb", false, "a\nb\n" },
        { "a\r\nb\r\n", false, "a\nb\n" },
        { "a\rb\r", false, "a\rb\r\n" },
        { "a\r\r\nb\r\rc\n", false, "a\nb\r\rc\n" },
        { "a\n.", false, "a\n" },
        { "a\n.\r", false, "a\n.\r\n" },
        { "a\n.\r\r\nb\n", false, "a\n" },
        { "a\n.", true, "a\n.\n" },
        { "a.", false, "a.\n" },
        { ".", false, "" },
        { "a\n.\nb\n", false, "a\n" },
        { "a\r\n.\r\nb\n", false, "a\n" },
        { "a\n.\nb\n", true, "a\n.\nb\n" },
        { "a\n..\n.b\n", false, "a\n..\n.b\n" },
        { "From x\n>From y\n>>From z\nA: b\nFrom c\n", false, "A: b\nFrom c\n" },
        { ".\n", false, "" },
    };
    struct strbuf out;

    strbuf_init(&out, STRBUF_UNLIMITED);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        read_all(str_from_c(cases[i].text), cases[i].reads_dots, &out);
        EXPECT_STR(strbuf_str(&out), str_from_c(cases[i].content));
    }
    strbuf_done(&out);
}

TEST(line_ends_are_mended_as_the_parameter_says)
{
    static const struct {
        enum input_line_endings line_endings;
        const char *text;
        const char *content;
    } cases[] = {
        { INPUT_FIX_STRICT, "a\r\nb\nc\r\n.\r\nd\n", "a\nb\nc\n" },
        { INPUT_FIX_STRICT, "a\nb\r\nc\r\r\n.\r\nd\r", "a\nb\r\nc\r\r\n.\r\nd\r\n" },
        { INPUT_FIX_STRICT, "From x\r\na\nb\r\n", "a\nb\n" },
        { INPUT_FIX_STRICT, "From x\na\r\n.\n", "a\r\n" },
        { INPUT_FIX_NEVER, "From x\r\na\r\n.\r\nb\n.\nc", "a\r\n.\r\nb\n" },
        { INPUT_FIX_NEVER, "a\r\r", "a\r\r\n" },
    };
    struct strbuf out;

    strbuf_init(&out, STRBUF_UNLIMITED);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        read_how(str_from_c(cases[i].text), false, cases[i].line_endings, &out);
        EXPECT_STR(strbuf_str(&out), str_from_c(cases[i].content));
    }
    strbuf_done(&out);
}

/* A line longer than the buffer, with its line end, and a dot that only looks like a line, at its edges. */
TEST(lines_of_any_length_come_through)
{
    struct strbuf text, out;

    strbuf_init(&text, STRBUF_UNLIMITED);
    strbuf_init(&out, STRBUF_UNLIMITED);
    for (size_t edge = 32 * 1024 - 3; edge < 32 * 1024 + 3; edge++) {
        strbuf_clear(&text);
        for (size_t i = 0; i < edge; i++)
            strbuf_append_char(&text, 'x');
        strbuf_append_c(&text, ".\r\nnext\n");
        read_all(strbuf_str(&text), false, &out);
        EXPECT_UINT(out.len, edge + 7);
        EXPECT(str_ends_with(strbuf_str(&out), STR("x.\nnext\n")));
    }
    strbuf_done(&text);
    strbuf_done(&out);
}
