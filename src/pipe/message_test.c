/* SPDX-License-Identifier: Apache-2.0 */
#include "pipe/message.h"

#include "base/strbuf.h"
#include "delivery/command_attributes.h"
#include "os/fd.h"
#include "protocol/deliver.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/stream.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct scene {
    struct loop *loop;
    struct deliver_request request;
    struct message_form form;
    struct strbuf read;
    int ends[2];
    bool is_read;
};

static void write_message(void *context)
{
    struct scene *scene = context;
    struct stream *out;

    EXPECT(stream_create(scene->loop, fd_take(&scene->ends[1]), seconds(20), &out, NULL));
    scene->is_read = message_write(out, scene->loop, &scene->request, &scene->form, NULL);
    (void) !stream_flush(out, NULL);
    stream_destroy(&out);
}

static void read_message(void *context)
{
    struct scene *scene = context;
    struct fiber_group writer;
    struct stream *in;
    struct str piece;

    EXPECT(fd_pipe(scene->ends, NULL));
    fiber_group_init(&writer, scene->loop);
    fiber_group_start(&writer, write_message, scene);
    EXPECT(stream_create(scene->loop, fd_take(&scene->ends[0]), seconds(20), &in, NULL));
    while (stream_read_some(in, 65536, &piece, NULL))
        strbuf_append(&scene->read, piece);
    stream_destroy(&in);
    EXPECT(fiber_group_wait(&writer, seconds(20), NULL));
}

static void play(struct scene *scene)
{
    scene->loop = loop_create();
    strbuf_init(&scene->read, STRBUF_UNLIMITED);
    fiber_run(scene->loop, read_message, scene);
    loop_destroy(&scene->loop);
}

static void expect(unsigned flags, struct str eol, struct str content, struct str expected)
{
    const struct deliver_recipient recipient = { .address = STR("r@y"), .original = STR("o\n@z") };
    struct scene scene = {
        .request = { .content = content, .size = content.len, .content_fd = -1 },
        .form = { .flags = flags, .eol = eol, .sender = STR("s p@x"), .recipient = &recipient },
    };

    play(&scene);
    EXPECT(scene.is_read);
    EXPECT_STR(strbuf_str(&scene.read), expected);
    strbuf_done(&scene.read);
}

TEST(without_flags_a_message_is_copied)
{
    expect(0, STR("\n"), STR("a\n.b\nFrom c\n"), STR("a\n.b\nFrom c\n"));
    expect(0, STR("\n"), STR("a"), STR("a\n"));
    expect(0, STR("\n"), STR(""), STR(""));
}

TEST(headers_come_in_their_order)
{
    expect(COMMAND_RETURN_PATH | COMMAND_ORIGINAL_TO | COMMAND_DELIVERED_TO, STR("\n"), STR("a\n"),
           STR("Return-Path: <\"s p\"@x>\nX-Original-To: \"o\\?\"@z\nDelivered-To: r@y\na\n"));
}

TEST(lines_are_marked_and_ended)
{
    expect(COMMAND_DOUBLE_DOTS | COMMAND_QUOTE_FROM | COMMAND_BLANK_AT_END, STR("\r\n"),
           STR("From a\n.\n..b\n>From c\nFro\nFromage\n\n.From d\nx From e\nFrom"),
           STR(">From a\r\n..\r\n...b\r\n>From c\r\nFro\r\nFromage\r\n\r\n..From d\r\nx From e\r\nFrom\r\n\r\n"));
    expect(COMMAND_QUOTE_FROM, STR("\n"), STR("From "), STR(">From \n"));
    expect(COMMAND_DOUBLE_DOTS, STR("\n"), STR("."), STR("..\n"));
    expect(0, STR(""), STR("a\nb\n"), STR("ab"));
}

TEST(a_message_in_pieces_is_marked_as_in_one)
{
    enum { LINES = 30000 };
    FILE *file = tmpfile();
    struct scene scene = { .form = { .flags = COMMAND_DOUBLE_DOTS | COMMAND_QUOTE_FROM, .eol = STR("\n") } };
    struct strbuf expected;

    strbuf_init(&expected, STRBUF_UNLIMITED);
    for (int i = 0; i < LINES; i++) {
        /* Of all lengths, so that pieces end at every place. */
        fprintf(file, "%s%.*s\n", i % 2 == 0 ? "From " : ".", i % 7, "abcdefg");
        strbuf_printf(&expected, "%s%.*s\n", i % 2 == 0 ? ">From " : "..", i % 7, "abcdefg");
    }
    EXPECT_INT(fflush(file), 0);
    scene.request.content_fd = fileno(file);
    scene.request.size = (uint64_t) ftell(file);
    play(&scene);
    EXPECT(scene.is_read);
    EXPECT_UINT(scene.read.len, expected.len);
    EXPECT(str_equal(strbuf_str(&scene.read), strbuf_str(&expected)));
    strbuf_done(&scene.read);
    strbuf_done(&expected);
    fclose(file);
}

TEST(a_message_that_ends_too_soon_cannot_be_read)
{
    FILE *file = tmpfile();
    struct scene scene = { .form = { .eol = STR("\n") } };

    fputs("too little\n", file);
    EXPECT_INT(fflush(file), 0);
    scene.request.content_fd = fileno(file);
    scene.request.size = 100;
    play(&scene);
    EXPECT_FALSE(scene.is_read);
    strbuf_done(&scene.read);
    fclose(file);
}
