/* SPDX-License-Identifier: Apache-2.0 */
#include "run/stream.h"

#include "run/fiber.h"
#include "run/loop.h"
#include "run/socket.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Two streams joined by a socket pair; the scene's function runs in a fiber. */
struct pair {
    struct loop *loop;
    struct stream *here;
    struct stream *there;
    struct fiber_group others;
    void (*play)(struct pair *pair);
    struct failure why;
};

static void run_pair(void *context)
{
    struct pair *pair = context;
    int fds[2];

    EXPECT(socket_pair(fds, &pair->why));
    EXPECT(stream_create(pair->loop, fds[0], seconds(10), &pair->here, &pair->why));
    EXPECT(stream_create(pair->loop, fds[1], seconds(10), &pair->there, &pair->why));
    pair->play(pair);
    EXPECT(fiber_group_wait(&pair->others, seconds(20), NULL));
    stream_destroy(&pair->here);
    stream_destroy(&pair->there);
}

static void with_pair(void (*play)(struct pair *pair))
{
    struct pair pair = { .loop = loop_create(), .play = play };

    fiber_group_init(&pair.others, pair.loop);
    fiber_run(pair.loop, run_pair, &pair);
    loop_destroy(&pair.loop);
}

static void send_text(struct stream *stream, const char *text)
{
    EXPECT(stream_write(stream, str_from_c(text), NULL));
    EXPECT(stream_flush(stream, NULL));
}

static void expect_line(struct stream *stream, size_t maximum, const char *text)
{
    struct failure why = { 0 };
    struct str line = STR_EMPTY;

    if (!stream_read_line(stream, maximum, &line, &why))
        print_error("%s\n", why.text);
    EXPECT_STR(line, str_from_c(text));
}

static void play_lines(struct pair *pair)
{
    send_text(pair->here, "one\r\ntwo\nthr\ree\r\n0123456789\nlast");
    expect_line(pair->there, 100, "one\r\n");
    expect_line(pair->there, 100, "two\n");
    expect_line(pair->there, 100, "thr\ree\r\n");
    expect_line(pair->there, 4, "0123");
    expect_line(pair->there, 4, "4567");
    expect_line(pair->there, 100, "89\n");
    EXPECT(stream_end_writing(pair->here, NULL));
    expect_line(pair->there, 100, "last");
    EXPECT(stream_is_at_end(pair->there));
    EXPECT_UINT(stream_bytes_read(pair->there), stream_bytes_written(pair->here));
}

TEST(lines_come_raw_and_long_ones_in_pieces)
{
    with_pair(play_lines);
}

static void play_kinds(struct pair *pair)
{
    struct failure why;
    struct str line;
    struct instant before = clock_monotonic();

    stream_set_timeout(pair->there, milliseconds(20));
    EXPECT_FALSE(stream_read_line(pair->there, 10, &line, &why));
    EXPECT_INT(why.kind, FAILURE_TIMEOUT);
    EXPECT(instant_since(clock_monotonic(), before).us >= 19000);
    stream_destroy(&pair->here);
    EXPECT_FALSE(stream_read_line(pair->there, 10, &line, &why));
    EXPECT_INT(why.kind, FAILURE_PROTOCOL);
    EXPECT_INT(why.error, 0);
    EXPECT_FALSE(stream_write(pair->there, STR("x"), &why) && stream_flush(pair->there, &why));
    EXPECT_INT(why.error, EPIPE);
    EXPECT_INT(why.kind, FAILURE_RETRY);
}

TEST(end_error_and_timeout_are_told_apart)
{
    with_pair(play_kinds);
}

static void abort_soon(void *context)
{
    struct pair *pair = context;

    fiber_sleep(pair->loop, milliseconds(5));
    stream_abort(pair->there);
}

static void play_abort(struct pair *pair)
{
    struct failure why;

    fiber_group_start(&pair->others, abort_soon, pair);
    EXPECT_FALSE(stream_fill(pair->there, &why));
    EXPECT_INT(why.kind, FAILURE_STOPPED);
    EXPECT_FALSE(stream_fill(pair->there, &why));
    EXPECT_INT(why.kind, FAILURE_STOPPED);
}

TEST(abort_wakes_the_waiter)
{
    with_pair(play_abort);
}

static void drip(void *context)
{
    struct pair *pair = context;

    for (int i = 0; i < 20; i++) {
        fiber_sleep(pair->loop, milliseconds(25));
        send_text(pair->here, "x");
    }
    send_text(pair->here, "\n");
}

static void play_deadline(struct pair *pair)
{
    struct failure why;
    struct str line;

    stream_set_timeout(pair->there, seconds(5));
    stream_set_deadline(pair->there, instant_add(loop_now(pair->loop), milliseconds(100)));
    fiber_group_start(&pair->others, drip, pair);
    EXPECT_FALSE(stream_read_line(pair->there, 100, &line, &why));
    EXPECT_INT(why.kind, FAILURE_TIMEOUT);
    stream_set_deadline(pair->there, instant_add(loop_now(pair->loop), milliseconds(300)));
    stream_set_minimum_rate(pair->there, 1);
    EXPECT(stream_read_line(pair->there, 100, &line, &why));
    EXPECT_UINT(line.len, 21);
}

TEST(a_drip_is_cut_off_by_the_deadline_and_kept_by_its_rate)
{
    with_pair(play_deadline);
}

static void interrupt_soon(void *context)
{
    struct pair *pair = context;

    fiber_sleep(pair->loop, milliseconds(5));
    stream_interrupt(pair->there);
}

static void play_interrupt(struct pair *pair)
{
    struct failure why;

    stream_interrupt(pair->there);
    fiber_group_start(&pair->others, interrupt_soon, pair);
    EXPECT_FALSE(stream_fill(pair->there, &why));
    EXPECT_INT(why.kind, FAILURE_STOPPED);
    send_text(pair->there, "goodbye\n");
    expect_line(pair->here, 100, "goodbye\n");
    send_text(pair->here, "thanks\n");
    expect_line(pair->there, 100, "thanks\n");
}

TEST(an_interrupt_ends_one_wait_and_leaves_the_stream_usable)
{
    with_pair(play_interrupt);
}

enum { BULK = 3000000 };

static void send_bulk(void *context)
{
    struct pair *pair = context;
    char piece[1000];

    for (size_t sent = 0; sent < BULK; sent += sizeof piece) {
        memset(piece, (int) ('a' + sent / sizeof piece % 26), sizeof piece);
        EXPECT(stream_write(pair->here, str_make(piece, sizeof piece), &pair->why));
    }
    EXPECT(stream_flush(pair->here, &pair->why));
    EXPECT(stream_end_writing(pair->here, &pair->why));
}

static void play_bulk(struct pair *pair)
{
    struct failure why;
    struct str data;
    size_t total = 0;
    bool is_right = true;

    fiber_group_start(&pair->others, send_bulk, pair);
    while (stream_read_some(pair->there, 7777, &data, &why)) {
        for (size_t i = 0; i < data.len; i++, total++)
            is_right = is_right && data.data[i] == (char) ('a' + total / 1000 % 26);
    }
    EXPECT(is_right);
    EXPECT_UINT(total, BULK);
    EXPECT_INT(why.kind, FAILURE_PROTOCOL);
}

TEST(bulk_passes_in_order_while_the_writer_waits_for_the_reader)
{
    with_pair(play_bulk);
}

static void echo_line(void *context)
{
    struct pair *pair = context;
    struct str line;

    EXPECT(stream_read_line(pair->there, 100, &line, &pair->why));
    EXPECT(stream_printf(pair->there, &pair->why, "got %.*s", STR_ARG(line)));
    EXPECT(stream_flush(pair->there, &pair->why));
}

static void play_flush(struct pair *pair)
{
    fiber_group_start(&pair->others, echo_line, pair);
    EXPECT(stream_write(pair->here, STR("hello\n"), &pair->why));
    expect_line(pair->here, 100, "got hello\n");
    EXPECT_UINT(stream_unsent(pair->here), 0);
}

TEST(a_read_that_waits_flushes_first)
{
    with_pair(play_flush);
}

static void play_fds(struct pair *pair)
{
    int fds[2];
    int got = -1;
    struct stat before;
    struct stat after;
    struct failure why;

    EXPECT_INT(pipe(fds), 0);
    stream_allow_fds(pair->there, 1);
    EXPECT(stream_write(pair->here, STR("first "), &why));
    EXPECT(stream_send_fd(pair->here, fds[0], STR("second"), &why));
    EXPECT(stream_send_fd(pair->here, fds[0], STR("third, refused"), &why));
    EXPECT(stream_receive_fd(pair->there, &got, &why));
    EXPECT_INT(fstat(fds[0], &before), 0);
    EXPECT_INT(fstat(got, &after), 0);
    EXPECT_UINT(before.st_ino, after.st_ino);
    EXPECT_INT(fcntl(got, F_GETFD), FD_CLOEXEC);
    EXPECT_INT(stream_take_fd(pair->there), STREAM_NO_FD);
    close(got);
    close(fds[0]);
    close(fds[1]);
}

TEST(descriptors_pass_in_order_up_to_the_maximum)
{
    with_pair(play_fds);
}

static void play_input(struct pair *pair)
{
    struct failure why;
    struct str data;

    EXPECT_FALSE(stream_has_input(pair->there));
    EXPECT_FALSE(stream_wait_input(pair->there, milliseconds(5), &why));
    EXPECT_INT(why.kind, FAILURE_TIMEOUT);
    send_text(pair->here, "abc");
    EXPECT(stream_has_input(pair->there));
    EXPECT(stream_wait_input(pair->there, milliseconds(500), &why));
    EXPECT_UINT(stream_buffered(pair->there).len, 0);
    EXPECT(stream_read_exact(pair->there, 2, &data, &why));
    EXPECT_STR(data, STR("ab"));
    EXPECT_STR(stream_buffered(pair->there), STR("c"));
    stream_take(pair->there, 1);
    EXPECT_FALSE(stream_has_input(pair->there));
}

TEST(input_that_waits_in_the_socket_is_seen_without_reading_it)
{
    with_pair(play_input);
}

static void answer(void *context)
{
    struct pair *pair = context;

    send_text(pair->here, "250 ok\n");
}

/* Comes back after the loop has looked at its descriptors. */
static void let_the_loop_look(struct pair *pair)
{
    for (int i = 0; i < 3; i++)
        fiber_sleep(pair->loop, milliseconds(1));
}

static void play_silence(struct pair *pair)
{
    EXPECT(stream_was_silent(pair->there));
    fiber_group_start(&pair->others, answer, pair);
    expect_line(pair->there, 100, "250 ok\n");
    EXPECT(stream_was_silent(pair->there));
    send_text(pair->here, "421 unasked\n");
    let_the_loop_look(pair);
    EXPECT_FALSE(stream_was_silent(pair->there));
    EXPECT_FALSE(stream_was_silent(pair->there));
    fiber_group_start(&pair->others, answer, pair);
    expect_line(pair->there, 100, "421 unasked\n");
    expect_line(pair->there, 100, "250 ok\n");
    EXPECT(stream_was_silent(pair->there));
    stream_destroy(&pair->here);
    let_the_loop_look(pair);
    EXPECT_FALSE(stream_was_silent(pair->there));
}

TEST(what_an_idle_peer_says_or_its_end_is_seen_by_the_loop)
{
    with_pair(play_silence);
}

static void send_more(void *context)
{
    struct pair *pair = context;

    send_text(pair->here, "250 ok\n250 once more\n");
}

static void play_rest(struct pair *pair)
{
    fiber_group_start(&pair->others, send_more, pair);
    expect_line(pair->there, 100, "250 ok\n");
    EXPECT_FALSE(stream_was_silent(pair->there));
}

TEST(what_is_buffered_is_no_silence)
{
    with_pair(play_rest);
}

static void send_long_line(void *context)
{
    struct pair *pair = context;
    char *text = calloc(1, STREAM_READ_MAX + 1);

    memset(text, 'l', STREAM_READ_MAX);
    send_text(pair->here, text);
    free(text);
    send_text(pair->here, "more\n");
}

static void play_long(struct pair *pair)
{
    struct failure why;
    struct str line;

    fiber_group_start(&pair->others, send_long_line, pair);
    while (stream_buffered(pair->there).len < STREAM_READ_MAX)
        EXPECT(stream_fill(pair->there, &why));
    EXPECT_FALSE(stream_fill(pair->there, &why));
    EXPECT_TEXT(why.text, "too long");
    EXPECT(stream_read_line(pair->there, STREAM_READ_MAX, &line, &why));
    EXPECT_UINT(line.len, STREAM_READ_MAX);
    expect_line(pair->there, 100, "more\n");
}

TEST(the_read_buffer_has_a_maximum)
{
    with_pair(play_long);
}

/* Ops that turn letters round, and now and then ask to be called again, as TLS may. */
struct mask {
    unsigned calls;
    bool is_destroyed;
};

static ssize_t mask_read(void *context, int fd, void *data, size_t size, enum stream_wait *wait_out)
{
    struct mask *mask = context;
    ssize_t count;

    if (mask->calls++ % 2 == 0) {
        *wait_out = STREAM_WAIT_WRITE;
        errno = EAGAIN;
        return -1;
    }
    count = read(fd, data, size);
    for (ssize_t i = 0; i < count; i++)
        ((char *) data)[i] ^= 1;
    return count;
}

static ssize_t mask_write(void *context, int fd, const void *data, size_t size, enum stream_wait *wait_out)
{
    char c = (char) (*(const char *) data ^ 1);

    (void) context;
    (void) size;
    *wait_out = STREAM_WAIT_WRITE;
    return write(fd, &c, 1);
}

static size_t mask_pending(void *context)
{
    (void) context;
    return 0;
}

static void mask_destroy(void *context)
{
    ((struct mask *) context)->is_destroyed = true;
}

static void play_ops(struct pair *pair)
{
    static const struct stream_ops ops = { mask_read, mask_write, mask_pending, mask_destroy };
    struct mask masks[2] = { 0 };

    send_text(pair->here, "injected");
    EXPECT(stream_fill(pair->there, &pair->why));
    stream_set_ops(pair->here, &ops, &masks[0]);
    stream_set_ops(pair->there, &ops, &masks[1]);
    EXPECT_UINT(stream_buffered(pair->there).len, 0);
    send_text(pair->here, "secret\n");
    expect_line(pair->there, 100, "secret\n");
    stream_destroy(&pair->here);
    stream_destroy(&pair->there);
    EXPECT(masks[0].is_destroyed && masks[1].is_destroyed);
}

TEST(a_layer_between_buffers_and_descriptor_can_be_put_in)
{
    with_pair(play_ops);
}

struct counter {
    unsigned calls;
    size_t pending;
};

static ssize_t count_read(void *context, int fd, void *data, size_t size, enum stream_wait *wait_out)
{
    ((struct counter *) context)->calls++;
    *wait_out = STREAM_WAIT_READ;
    return read(fd, data, size);
}

static size_t counter_pending(void *context)
{
    return ((struct counter *) context)->pending;
}

static void counter_destroy(void *context)
{
    (void) context;
}

static void play_drained(struct pair *pair)
{
    static const struct stream_ops ops = { count_read, mask_write, counter_pending, counter_destroy };
    struct counter counter = { 0 };

    stream_set_ops(pair->there, &ops, &counter);
    send_text(pair->here, "a\n");
    expect_line(pair->there, 100, "a\n");
    EXPECT_UINT(counter.calls, 1);
    EXPECT(stream_was_silent(pair->there));
    stream_set_timeout(pair->there, milliseconds(1));
    EXPECT(!stream_fill(pair->there, &pair->why));
    EXPECT_INT(pair->why.kind, FAILURE_TIMEOUT);
    EXPECT_UINT(counter.calls, 1);
    stream_set_timeout(pair->there, seconds(10));
    send_text(pair->here, "b\n");
    counter.pending = 1;
    expect_line(pair->there, 100, "b\n");
    EXPECT_UINT(counter.calls, 2);
    EXPECT(!stream_was_silent(pair->there));
    send_text(pair->here, "c\n");
    expect_line(pair->there, 100, "c\n");
    EXPECT_UINT(counter.calls, 3);
}

TEST(a_layer_that_gave_all_it_has_is_asked_again_after_the_wait)
{
    with_pair(play_drained);
}
