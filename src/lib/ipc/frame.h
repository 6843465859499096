/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IPC_FRAME_H
#define IPC_FRAME_H

#include "base/failure.h"
#include "base/strbuf.h"

/*
 * frame - the bytes around what travels on a channel.
 *
 * A connection begins with a hello each way: a zero byte, "MPI", the protocol's version and its name, 32 bytes.
 * Then come frames: a header of 12 bytes (length of the payload, number of the call, kind, number of the message,
 * whether a descriptor comes with it, zero), all little-endian, and the payload.
 */
enum frame_kind {
    FRAME_MESSAGE,
    FRAME_END,     /* the sender's side of the call is over */
    FRAME_CREDIT,  /* so many bytes were consumed; the payload is a 32-bit number */
    FRAME_GOODBYE, /* of the server: finish the calls there are, start no more, and close */
};

struct frame {
    uint32_t len;
    uint32_t call;
    enum frame_kind kind;
    uint8_t message;
    bool has_fd;
};

enum { FRAME_HEADER_SIZE = 12, FRAME_CREDIT_SIZE = 4, FRAME_HELLO_SIZE = 32, FRAME_NAME_SIZE = 24 };

struct protocol;

void frame_put(struct strbuf *out, const struct frame *frame);
/* Writes len over that of the header that starts at start. */
void frame_set_len(struct strbuf *out, size_t start, uint32_t len);
/* header has FRAME_HEADER_SIZE bytes. Refuses kinds, lengths and flags that no peer of ours sends. */
MUST_USE bool frame_parse(struct str header, struct frame *frame_out, struct failure *why);

uint32_t frame_parse_credit(struct str payload);
void frame_put_credit(struct strbuf *out, uint32_t call, uint32_t bytes);

void frame_put_hello(struct strbuf *out, const struct protocol *protocol);
/* hello has FRAME_HELLO_SIZE bytes. */
MUST_USE bool frame_check_hello(struct str hello, const struct protocol *protocol, struct failure *why);

#endif
