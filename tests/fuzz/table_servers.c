/* SPDX-License-Identifier: Apache-2.0 */
/* What a socketmap: or tcp: server says, cut off anywhere; the first byte chooses which. One answer or one reason. */

#include "base/arena.h"
#include "base/check.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/stream.h"
#include "table/socketmap_reply.h"
#include "table/tcp_reply.h"

#include <sys/socket.h>
#include <unistd.h>

enum { SAID_MAX = 32768 /* fits into the socket, so that nobody waits */ };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct scene {
    struct loop *loop;
    struct str said;
    bool is_tcp;
};

static void read_socketmap(struct stream *stream, struct arena *arena)
{
    struct failure why = { 0 };
    struct str reply;
    struct str text = STR_EMPTY;

    if (!socketmap_reply_read(stream, arena, &reply, &why)) {
        CHECK(why.kind != FAILURE_NONE && why.text[0] != '\0');
        return;
    }
    CHECK(reply.len <= SOCKETMAP_REPLY_MAX);
    CHECK(socketmap_reply_parse(reply, &text) <= SOCKETMAP_NONSENSE);
    CHECK(text.len <= reply.len);
}

static void read_tcp(struct stream *stream, struct arena *arena)
{
    struct failure why = { 0 };
    struct str line;
    struct str text = STR_EMPTY;

    if (!tcp_reply_read(stream, arena, &line, &why)) {
        CHECK(why.kind != FAILURE_NONE && why.text[0] != '\0');
        return;
    }
    CHECK(line.len < TCP_REPLY_MAX && !str_contains_char(line, '\n'));
    CHECK(tcp_reply_parse(line, arena, &text) <= TCP_REPLY_MALFORMED);
    CHECK(text.len <= line.len);
    /* A request has no byte that could be taken for its end. */
    CHECK(str_count_char(tcp_reply_request(text, arena), '\n') == 1);
}

static void play(void *context)
{
    struct scene *scene = context;
    struct arena *arena = arena_create();
    struct stream *stream;
    struct failure why;
    int fds[2];

    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    CHECK(write(fds[1], scene->said.data, scene->said.len) == (ssize_t) scene->said.len);
    close(fds[1]);
    CHECK(stream_create(scene->loop, fds[0], seconds(10), &stream, &why));
    if (scene->is_tcp)
        read_tcp(stream, arena);
    else
        read_socketmap(stream, arena);
    stream_destroy(&stream);
    arena_destroy(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct loop *loop;
    struct scene scene;

    if (size == 0)
        return 0;
    if (loop == NULL)
        loop = loop_create();
    size = size > SAID_MAX ? SAID_MAX : size;
    scene = (struct scene){ .loop = loop,
                            .said = str_make((const char *) data + 1, size - 1),
                            .is_tcp = (data[0] & 1) != 0 };
    fiber_run(loop, play, &scene);
    return 0;
}
