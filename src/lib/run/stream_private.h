/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUN_STREAM_PRIVATE_H
#define RUN_STREAM_PRIVATE_H

#include "run/poller.h"
#include "run/stream.h"

/* stream_private - the stream's struct, shared by its reading, writing and descriptor-passing halves. */

struct stream_input {
    char *data; /* NULL while there is nothing to keep */
    size_t start;
    size_t end;
    size_t capacity;
};

struct stream_output {
    char *data; /* LOOP_BUFFER_SIZE or NULL */
    size_t start;
    size_t end;
};

struct stream {
    struct loop *loop;
    struct poller *poller;
    int fd;
    struct duration timeout;
    struct instant deadline;
    unsigned minimum_rate;
    struct stream_input in;
    struct stream_output out;
    uint64_t bytes_read;
    uint64_t bytes_written;
    const struct stream_ops *ops;
    void *ops_context;
    int *fds; /* received and not taken, oldest first */
    unsigned fd_count;
    unsigned fd_maximum;
    bool may_be_socket; /* no write has shown that it is none */
    bool is_at_end;
    bool is_aborted;
    bool is_drained; /* the last read got less than it asked for: wait before the next */
    bool flushes_before_wait;
};

/* Waits within timeout and deadline. */
MUST_USE bool stream_wait(struct stream *stream, enum poller_direction direction, struct failure *why);
/* Fails when the stream was aborted or its deadline has passed. */
MUST_USE bool stream_check(const struct stream *stream, struct failure *why);
/* Counts progress against the minimum rate. */
void stream_progress(struct stream *stream, size_t count);

/* One read with its descriptors, as recvmsg; in stream_fd.c. */
ssize_t stream_receive_message(struct stream *stream, void *data, size_t size);
void stream_drop_fds(struct stream *stream);

#endif
