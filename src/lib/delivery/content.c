/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/content.h"

#include "base/memory.h"
#include "os/file.h"
#include "protocol/deliver.h"
#include "run/offload.h"

#include <errno.h>
#include <sys/uio.h>

/* Disks that may be waited for at one time by one reader. */
enum { READS_MAX = 1 };

/* A read in a thread: its own buffer, since the reader may give up before it ends. */
struct read_work {
    int fd;
    uint64_t offset;
    size_t size;
    size_t count;
    struct failure failure;
    bool is_read;
    char data[CONTENT_PIECE_MAX];
};

void content_open(struct content *content, struct loop *loop, const struct deliver_request *request)
{
    *content = (struct content){ .loop = loop, .request = request };
}

void content_close(struct content *content)
{
    memory_free(content->buffer);
    content->buffer = NULL;
    if (content->offload != NULL)
        offload_destroy(&content->offload);
}

void content_rewind(struct content *content)
{
    content->place = 0;
}

static void read_in_thread(void *context)
{
    struct read_work *work = context;

    work->is_read =
        file_read_at(work->fd, "message file", work->data, work->size, work->offset, &work->count, &work->failure);
}

/* The page is not in memory: a thread waits for the disk. */
static bool read_from_disk(struct content *content, uint64_t offset, size_t size, size_t *count_out,
                           struct failure *why)
{
    struct read_work *work = memory_alloc(sizeof(*work));
    bool is_read;

    work->fd = content->request->content_fd;
    work->offset = offset;
    work->size = size;
    if (content->offload == NULL)
        content->offload = offload_create(content->loop, "message file", READS_MAX);
    if (!offload_run(content->offload, read_in_thread, work, memory_free, seconds(300), why))
        return failure_prefix(why, "reading the message");
    is_read = work->is_read;
    if (is_read) {
        memcpy(content->buffer, work->data, work->count);
        *count_out = work->count;
    } else if (why != NULL) {
        *why = work->failure;
    }
    memory_free(work);
    return is_read;
}

static bool read_file(struct content *content, size_t size, size_t *count_out, struct failure *why)
{
    uint64_t offset = content->request->content_offset + content->place;
    struct iovec part;
    ssize_t count;

    if (content->buffer == NULL)
        content->buffer = memory_alloc(CONTENT_PIECE_MAX);
    part = (struct iovec){ content->buffer, size };
    count = preadv2(content->request->content_fd, &part, 1, (off_t) offset, RWF_NOWAIT);
    if (count > 0) {
        *count_out = (size_t) count;
        return true;
    }
    return read_from_disk(content, offset, size, count_out, why);
}

bool content_next(struct content *content, struct str *piece_out, struct failure *why)
{
    const struct deliver_request *request = content->request;
    uint64_t left = request->size - content->place;
    size_t size = left < CONTENT_PIECE_MAX ? (size_t) left : CONTENT_PIECE_MAX;
    size_t count = 0;

    if (left == 0) {
        *piece_out = STR_EMPTY;
        return true;
    }
    if (request->content_fd < 0) {
        *piece_out = str_from(request->content, (size_t) content->place);
        content->place = request->size;
        return true;
    }
    if (!read_file(content, size, &count, why))
        return false;
    if (count == 0)
        return failure_set(why, FAILURE_RETRY, 0, "message file is shorter than the queue manager says");
    content->place += count;
    *piece_out = str_make(content->buffer, count);
    return true;
}
