/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IPC_CHANNEL_PRIVATE_H
#define IPC_CHANNEL_PRIVATE_H

/* channel_private - what channel.c (the connection) and call.c (the calls on it) share; nobody else includes it. */

#include "ipc/channel.h"
#include "ipc/frame.h"
#include "run/fiber.h"

#include <uthash.h>

struct stream;

/* A frame received and not yet asked for. */
struct incoming {
    struct list node;
    uint8_t message;
    int fd;
    size_t len;
    char bytes[];
};

/* A descriptor that goes with the frame at this place of the output. */
struct outgoing_fd {
    size_t offset;
    int fd;
};

struct call {
    UT_hash_handle hh;
    struct channel *channel;
    uint32_t number;
    struct list incoming;
    struct event input;
    struct event credit;
    size_t in_flight;  /* sent and not yet granted back */
    size_t unreturned; /* received and not yet granted back */
    size_t consumed;   /* part of it that the receiver has taken */
    bool has_sent;
    bool is_ended;
    bool is_peer_ended;
    bool is_handled; /* the server's handler still runs */
};

struct channel {
    struct list set_node;
    struct channel_set *set;
    struct loop *loop;
    struct stream *stream;
    const struct protocol *protocol;
    const struct channel_tracer *tracer;
    size_t message_count;
    bool is_server;
    bool is_lost;
    bool is_leaving; /* the client's side: no new calls, closed with the last one */
    bool is_writing; /* what was taken out of output is on its way */
    struct failure reason;
    struct call *calls;
    uint32_t last_number;
    uint32_t last_number_sent; /* the client's side: highest number of a call that has sent something */
    struct strbuf output;
    struct outgoing_fd *output_fds;
    size_t output_fd_count, output_fd_capacity;
    struct event output_ready;
    channel_handler *handler;
    void *handler_context;
    struct fiber_group handlers;
    size_t references;
};

/* A message of this cost may be sent now; and what a peer that keeps to that rule never passes. */
bool call_window_allows(size_t in_flight, size_t cost);

struct call *call_create(struct channel *channel, uint32_t number);
/* Frees it when both ends have ended, or the channel is lost, and no handler runs. */
void call_release(struct call *call);
/* Takes a frame of the peer. */
MUST_USE bool call_take_frame(struct call *call, const struct frame *frame, struct str payload, int fd,
                              struct failure *why);
/* The peer is gone: wakes whoever waits. */
void call_lose(struct call *call);

/* Something was appended to channel->output. */
void channel_output_ready(struct channel *channel);
/* fd (duplicated) goes with the frame that starts at offset of the output. */
MUST_USE bool channel_output_fd(struct channel *channel, size_t offset, int fd, struct failure *why);
void channel_lose(struct channel *channel, const struct failure *why);
void channel_release(struct channel *channel);
/* The client's side, when it leaves and nothing is left to do. */
void channel_close_if_left(struct channel *channel);

#endif
