/* SPDX-License-Identifier: Apache-2.0 */
/* What a socketmap:, tcp: or memcache: server says, cut off anywhere; the first byte chooses which. One answer or one
 * reason. */

#include "base/arena.h"
#include "base/check.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/stream.h"
#include "table/memcache_reply.h"
#include "table/socketmap_reply.h"
#include "table/tcp_reply.h"

#include <sys/socket.h>
#include <unistd.h>

enum { SAID_MAX = 32768 /* fits into the socket, so that nobody waits */ };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct scene {
    struct loop *loop;
    struct str said;
    unsigned kind;
};

enum { SOCKETMAP_REPLY_MAX = 100000 };

static void read_socketmap(struct stream *stream, struct arena *arena)
{
    struct failure why = { 0 };
    struct str reply;
    struct str text = STR_EMPTY;

    if (!socketmap_reply_read(stream, SOCKETMAP_REPLY_MAX, arena, &reply, &why)) {
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

static void read_memcache(struct stream *stream, struct arena *arena)
{
    const struct memcache_limits limits = { .line = 100, .data = 1000 };
    struct failure why = { 0 };
    struct str value = STR_EMPTY;
    bool is_there;

    if (!memcache_read_value(stream, STR("key"), &limits, arena, &is_there, &value, &why)) {
        CHECK(why.kind != FAILURE_NONE && why.text[0] != '\0');
        return;
    }
    CHECK(is_there || str_is_empty(value));
    CHECK(value.len <= limits.data);
    if (!memcache_read_stored(stream, &limits, &why))
        CHECK(why.kind != FAILURE_NONE && why.text[0] != '\0');
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
    if (scene->kind == 0)
        read_socketmap(stream, arena);
    else if (scene->kind == 1)
        read_tcp(stream, arena);
    else
        read_memcache(stream, arena);
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
    scene = (struct scene){ .loop = loop, .said = str_make((const char *) data + 1, size - 1), .kind = data[0] % 3 };
    fiber_run(loop, play, &scene);
    return 0;
}
