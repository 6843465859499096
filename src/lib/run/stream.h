/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUN_STREAM_H
#define RUN_STREAM_H

#include "base/failure.h"
#include "base/str.h"
#include "base/time.h"

#include <stdarg.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * stream - a buffered, non-blocking descriptor that reads and writes like a blocking one, in a fiber.
 *
 * Each wait for the peer ends within the timeout, all of them together by the deadline if one is set. One fiber may
 * read while another writes. Buffers come from the loop's pool when there is data and go back when
 * there is none: an idle stream holds no buffer. Views (struct str) that reads return are valid until the
 * next read call on the stream.
 *
 * Failures: FAILURE_TIMEOUT; FAILURE_STOPPED after stream_abort; FAILURE_PROTOCOL with error 0 where the peer
 * closed (see stream_is_at_end); all else is an error of the connection, with its errno.
 */
struct loop;
struct stream;

enum {
    STREAM_READ_MAX = 65536, /* the longest line or view */
    STREAM_NO_FD = -1,
};

#define STREAM_NO_DEADLINE ((struct instant){ INT64_MAX })

/* Owns fd from here on, also when it fails; makes it non-blocking. fd: a socket, pipe or terminal. */
MUST_USE bool stream_create(struct loop *loop, int fd, struct duration timeout, struct stream **stream_out,
                            struct failure *why);
/* Closes without flushing. Nobody may be waiting on it. Leaves *stream NULL; a NULL stream is fine. */
void stream_destroy(struct stream **stream);
/* Destroys the stream and returns the descriptor instead of closing it; buffered data is lost. */
int stream_detach(struct stream **stream);
int stream_fd(const struct stream *stream);
struct loop *stream_loop(const struct stream *stream);

/* Of one wait: what the peer moves starts it anew. */
void stream_set_timeout(struct stream *stream, struct duration timeout);
struct duration stream_timeout(const struct stream *stream);
/* In loop_now's time, across operations; STREAM_NO_DEADLINE takes it away. */
void stream_set_deadline(struct stream *stream, struct instant deadline);
/*
 * Each byte moved extends the deadline by 1/rate seconds, but never beyond the timeout from now, so that
 * a peer that keeps up this rate is not cut off. 0: the deadline stands as set.
 */
void stream_set_minimum_rate(struct stream *stream, unsigned bytes_per_second);

/* ---- reading ---- */

/* What has been read from the descriptor and not been taken. Never waits. */
struct str stream_buffered(const struct stream *stream);
/* Waits until more bytes are buffered than now. Full at STREAM_READ_MAX: FAILURE_PROTOCOL, "too long". */
MUST_USE bool stream_fill(struct stream *stream, struct failure *why);
/* Drops the first count bytes of what is buffered. */
void stream_take(struct stream *stream, size_t count);

/*
 * The next line with its terminator as it came, so that the caller can judge bare CR and LF. A longer
 * line comes in pieces of maximum bytes, recognised by their missing LF. maximum <= STREAM_READ_MAX.
 * At end of file a last line without LF is returned first.
 */
MUST_USE bool stream_read_line(struct stream *stream, size_t maximum, struct str *line_out, struct failure *why);
/* Exactly count bytes, at most STREAM_READ_MAX. */
MUST_USE bool stream_read_exact(struct stream *stream, size_t count, struct str *data_out, struct failure *why);
/* Whatever there is, at least 1 and at most maximum bytes. */
MUST_USE bool stream_read_some(struct stream *stream, size_t maximum, struct str *data_out, struct failure *why);

/* Whether a read would find something at once (data, end or error): buffered, or waiting in the socket. */
bool stream_has_input(const struct stream *stream);
/*
 * The opposite, by what the loop has seen when it looked last: no system call where that is known, so that what comes
 * in this very turn of the loop may be missed.
 */
bool stream_was_silent(const struct stream *stream);
/* Waits, at most timeout, until stream_has_input. FAILURE_TIMEOUT if it does not come. */
MUST_USE bool stream_wait_input(struct stream *stream, struct duration timeout, struct failure *why);
/* The peer has closed and all that it sent has been read. */
bool stream_is_at_end(const struct stream *stream);

/* ---- writing ---- */

/* Buffers; sends when the buffer is full, waiting for the peer to take it. */
MUST_USE bool stream_write(struct stream *stream, struct str data, struct failure *why);
PRINTF_LIKE(3, 4) MUST_USE bool stream_printf(struct stream *stream, struct failure *why, const char *format, ...);
PRINTF_LIKE(3, 0)
MUST_USE bool stream_vprintf(struct stream *stream, struct failure *why, const char *format, va_list args);
/* Sends all that is buffered. */
MUST_USE bool stream_flush(struct stream *stream, struct failure *why);
/* Bytes written and not yet sent. */
size_t stream_unsent(const struct stream *stream);
/* On (the default): a read that has to wait flushes first. Off where another fiber writes. */
void stream_set_flush_before_wait(struct stream *stream, bool is_on);
/* Flushes and tells the peer that no more comes (shutdown for writing). */
MUST_USE bool stream_end_writing(struct stream *stream, struct failure *why);

/* ---- descriptors over a Unix socket ---- */

/* Flushes, then sends data (1 byte or more) with the descriptor attached to its first byte. fd stays the caller's. */
MUST_USE bool stream_send_fd(struct stream *stream, int fd, struct str data, struct failure *why);
/* From now on descriptors are received, at most maximum not yet taken; before, and beyond, they are refused. */
void stream_allow_fds(struct stream *stream, unsigned maximum);
/* The oldest descriptor received, now the caller's, or STREAM_NO_FD. It is there no later than its first byte. */
int stream_take_fd(struct stream *stream);
/* Waits for it. Data that arrives is buffered. */
MUST_USE bool stream_receive_fd(struct stream *stream, int *fd_out, struct failure *why);

/* ---- the rest ---- */

/* Wakes whoever waits; that and all later operations fail with FAILURE_STOPPED. */
void stream_abort(struct stream *stream);
/* A read that waits now fails with FAILURE_STOPPED, this once; the stream stays as it is. */
void stream_interrupt(struct stream *stream);
uint64_t stream_bytes_read(const struct stream *stream);
uint64_t stream_bytes_written(const struct stream *stream);

enum stream_wait {
    STREAM_WAIT_READ,
    STREAM_WAIT_WRITE,
};

/*
 * stream_ops - what stands between the stream's buffers and the descriptor: TLS puts itself here. Each call
 * is as read or write, never waits, and answers -1 with errno EAGAIN and what to wait for in *wait_out.
 */
struct stream_ops {
    ssize_t (*read)(void *context, int fd, void *data, size_t size, enum stream_wait *wait_out);
    ssize_t (*write)(void *context, int fd, const void *data, size_t size, enum stream_wait *wait_out);
    /* Bytes that read would give without the descriptor being readable. */
    size_t (*pending)(void *context);
    void (*destroy)(void *context);
};

/*
 * Waits, within timeout and deadline, until the descriptor is ready for it: for what is done with the descriptor itself
 * before the ops are set, as a handshake.
 */
MUST_USE bool stream_wait_ready(struct stream *stream, enum stream_wait wait, struct failure *why);

/* Drops what is buffered unread (what a peer sent in clear must not count as sent under TLS); unsent must be 0. */
void stream_set_ops(struct stream *stream, const struct stream_ops *ops, void *context);

#endif
