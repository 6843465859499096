/* SPDX-License-Identifier: Apache-2.0 */
/* ipc - frames' headers and every message of every protocol: the first byte picks the message. */

#include "base/check.h"
#include "ipc/channel.h"
#include "ipc/frame.h"
#include "protocol/bounce.h"
#include "protocol/cleanup.h"
#include "protocol/deliver.h"
#include "protocol/proxymap.h"
#include "protocol/queue.h"
#include "protocol/rewrite.h"
#include "protocol/spill.h"
#include "protocol/submission.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct protocol *const protocols[] = {
    &bounce_protocol, &cleanup_protocol, &deliver_protocol, &proxymap_protocol,
    &queue_protocol,  &rewrite_protocol, &spill_protocol,
};

/* What was decoded must encode, and that must decode again. */
static void decode(const struct message_type *type, struct str bytes)
{
    struct arena *arena = arena_create();
    struct strbuf wire;
    struct failure why;
    void *message;
    int fd;

    strbuf_init(&wire, STRBUF_UNLIMITED);
    if (message_decode(type, bytes, -1, arena, &message, &why)) {
        message_print(type, message, &wire);
        strbuf_clear(&wire);
        CHECK(message_encode(type, message, &wire, &fd, &why));
        CHECK(message_decode(type, strbuf_str(&wire), -1, arena, &message, &why));
    }
    strbuf_done(&wire);
    arena_destroy(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = str_make((const char *) data, size);
    struct frame frame;
    struct failure why;
    size_t count = 0;

    if (size >= FRAME_HEADER_SIZE)
        (void) !frame_parse(str_part(input, 0, FRAME_HEADER_SIZE), &frame, &why);
    if (size >= FRAME_HELLO_SIZE)
        (void) !frame_check_hello(str_part(input, 0, FRAME_HELLO_SIZE), &queue_protocol, &why);
    for (size_t i = 0; i < ARRAY_COUNT(protocols); i++)
        for (size_t k = 0; protocols[i]->messages[k] != NULL; k++)
            if (size > 0 && count++ == data[0])
                decode(protocols[i]->messages[k], str_from(input, 1));
    if (size > 0 && count == data[0])
        decode(&submission_message, str_from(input, 1));
    return 0;
}
