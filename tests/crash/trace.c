/* SPDX-License-Identifier: Apache-2.0 */
#include "trace.h"

#include "base/check.h"
#include "base/memory.h"
#include "os/fault.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void trace_init(struct trace *trace)
{
    *trace = (struct trace){ 0 };
    trace->nodes = memory_alloc(sizeof(*trace->nodes));
    trace->nodes[0].is_folder = true;
    trace->node_count = 1;
}

struct trace_op *trace_add(struct trace *trace, enum trace_kind kind)
{
    if (trace->count == trace->capacity) {
        trace->capacity = trace->capacity == 0 ? 256 : trace->capacity * 2;
        trace->ops = memory_resize(trace->ops, trace->capacity * sizeof(*trace->ops));
    }
    trace->ops[trace->count] = (struct trace_op){ .kind = kind };
    return &trace->ops[trace->count++];
}

void trace_mark(struct trace *trace, enum mark_kind kind, unsigned message, unsigned recipient)
{
    trace_add(trace, TRACE_MARK)->mark = (struct mark){ .kind = kind, .message = message, .recipient = recipient };
}

/* ---- names ---- */

static size_t place_of(const struct trace *trace, const char *path)
{
    for (size_t i = 0; i < trace->name_count; i++) {
        if (strcmp(trace->names[i].path, path) == 0)
            return i;
    }
    return SIZE_MAX;
}

unsigned trace_find(const struct trace *trace, const char *path)
{
    size_t place = place_of(trace, path);

    if (strcmp(path, ".") == 0)
        return 0;
    return place == SIZE_MAX ? UINT32_MAX : trace->names[place].node;
}

static void set_name(struct trace *trace, const char *path, unsigned node)
{
    size_t place = place_of(trace, path);

    if (place == SIZE_MAX) {
        place = trace->name_count++;
        trace->names = memory_resize(trace->names, trace->name_count * sizeof(*trace->names));
        snprintf(trace->names[place].path, TRACE_PATH_SIZE, "%s", path);
    }
    trace->names[place].node = node;
}

static void drop_name(struct trace *trace, const char *path)
{
    size_t place = place_of(trace, path);

    if (place != SIZE_MAX)
        trace->names[place] = trace->names[--trace->name_count];
}

/* "a/b/c": the node of a/b, and "c". */
static unsigned cut_path(const struct trace *trace, const char *path, char name[TRACE_NAME_SIZE])
{
    const char *slash = strrchr(path, '/');
    char folder[TRACE_PATH_SIZE];
    unsigned node;

    snprintf(name, TRACE_NAME_SIZE, "%s", slash == NULL ? path : slash + 1);
    if (slash == NULL)
        return 0;
    snprintf(folder, sizeof(folder), "%.*s", (int) (slash - path), path);
    node = trace_find(trace, folder);
    CHECK(node != UINT32_MAX);
    return node;
}

static unsigned new_node(struct trace *trace, bool is_folder, uint64_t inode)
{
    trace->nodes = memory_resize(trace->nodes, (trace->node_count + 1) * sizeof(*trace->nodes));
    trace->nodes[trace->node_count] = (struct trace_node){ is_folder, inode };
    return trace->node_count++;
}

/* The newest that had this number: an earlier one is gone. */
static unsigned node_of_fd(const struct trace *trace, int fd)
{
    struct stat status;

    CHECK(fstat(fd, &status) == 0);
    for (unsigned node = trace->node_count; node > 0; node--) {
        if (trace->nodes[node - 1].inode == status.st_ino)
            return node - 1;
    }
    return UINT32_MAX;
}

/* ---- going on in a copy ---- */

static void path_of_node(const struct trace *trace, unsigned folder, const char *name, char path[TRACE_PATH_SIZE])
{
    size_t i;

    for (i = 0; i < trace->name_count && trace->names[i].node != folder; i++)
        continue;
    if (folder == 0)
        snprintf(path, TRACE_PATH_SIZE, "%s", name);
    else
        snprintf(path, TRACE_PATH_SIZE, "%.100s/%s", i < trace->name_count ? trace->names[i].path : "?", name);
}

static void replay_name(struct trace *trace, const struct trace_op *op)
{
    char path[TRACE_PATH_SIZE];

    path_of_node(trace, op->folder, op->name, path);
    if (op->kind == TRACE_LINK) {
        set_name(trace, path, op->node);
    } else if (op->kind == TRACE_UNLINK) {
        drop_name(trace, path);
    } else if (op->kind == TRACE_RENAME) {
        drop_name(trace, path);
        path_of_node(trace, op->folder2, op->name2, path);
        set_name(trace, path, op->node);
    }
}

void trace_cut(struct trace *trace, size_t count)
{
    while (trace->count > count)
        memory_free(trace->ops[--trace->count].data);
    trace->name_count = 0;
    for (size_t i = 0; i < count; i++)
        replay_name(trace, &trace->ops[i]);
}

unsigned trace_add_node(struct trace *trace, bool is_folder)
{
    return new_node(trace, is_folder, 0);
}

/* ---- calls ---- */

static struct stat look_at(const char *path)
{
    struct stat status;

    CHECK(lstat(path, &status) == 0);
    return status;
}

static void see_create(struct trace *trace, const struct fault_event *event)
{
    struct trace_op *op;
    unsigned node = trace_find(trace, event->path);

    if (node != UINT32_MAX) {
        if ((event->open_flags & O_TRUNC) != 0)
            trace_add(trace, TRACE_RESIZE)->node = node;
        return;
    }
    node = new_node(trace, event->fd < 0, look_at(event->path).st_ino);
    op = trace_add(trace, TRACE_LINK);
    op->node = node;
    op->size = look_at(event->path).st_mode & 07777;
    op->folder = cut_path(trace, event->path, op->name);
    set_name(trace, event->path, node);
}

static void see_rename(struct trace *trace, const struct fault_event *event)
{
    unsigned node = trace_find(trace, event->path);
    struct trace_op *op;

    CHECK(node != UINT32_MAX);
    op = trace_add(trace, TRACE_RENAME);
    op->node = node;
    op->folder = cut_path(trace, event->path, op->name);
    op->folder2 = cut_path(trace, event->path2, op->name2);
    drop_name(trace, event->path);
    set_name(trace, event->path2, node);
}

static void see_link(struct trace *trace, const struct fault_event *event)
{
    unsigned node = trace_find(trace, event->path);
    struct trace_op *op = trace_add(trace, TRACE_LINK);

    CHECK(node != UINT32_MAX);
    op->node = node;
    op->folder = cut_path(trace, event->path2, op->name);
    set_name(trace, event->path2, node);
}

static void see_unlink(struct trace *trace, const struct fault_event *event)
{
    struct trace_op *op = trace_add(trace, TRACE_UNLINK);

    op->node = trace_find(trace, event->path);
    CHECK(op->node != UINT32_MAX);
    op->folder = cut_path(trace, event->path, op->name);
    drop_name(trace, event->path);
}

/* What stands in the file now, so that a write that failed half-way is told as it is. */
static void see_write(struct trace *trace, const struct fault_event *event, int error)
{
    unsigned node = node_of_fd(trace, event->fd);
    uint64_t offset = event->offset;
    char path[64];
    unsigned char *data;
    ssize_t count;
    int fd;

    if (node == UINT32_MAX || event->size == 0)
        return;
    if (offset == UINT64_MAX)
        offset = (uint64_t) lseek(event->fd, 0, SEEK_CUR) - event->size;
    CHECK(error == 0 || event->offset != UINT64_MAX);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", event->fd);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    data = memory_alloc(event->size);
    count = pread(fd, data, event->size, (off_t) offset);
    fd_close(&fd);
    if (count > 0) {
        struct trace_op *op = trace_add(trace, TRACE_WRITE);

        op->node = node;
        op->offset = offset;
        op->size = (uint64_t) count;
        op->data = data;
    } else {
        memory_free(data);
    }
}

static void see_on_fd(struct trace *trace, enum trace_kind kind, const struct fault_event *event)
{
    unsigned node = node_of_fd(trace, event->fd);
    struct trace_op *op;

    if (node == UINT32_MAX)
        return;
    op = trace_add(trace, kind);
    op->node = node;
    op->size = event->size;
}

static bool is_outside(const char *path)
{
    return path != NULL && path[0] == '/';
}

static void listen_to_disk(const struct fault_event *event, int error, void *context)
{
    struct trace *trace = context;

    if (is_outside(event->path) || (error != 0 && event->operation != FAULT_SYNC && event->operation != FAULT_WRITE))
        return;
    switch (event->operation) {
    case FAULT_CREATE:
        see_create(trace, event);
        break;
    case FAULT_RENAME:
        see_rename(trace, event);
        break;
    case FAULT_LINK:
        see_link(trace, event);
        break;
    case FAULT_UNLINK:
        see_unlink(trace, event);
        break;
    case FAULT_WRITE:
        see_write(trace, event, error);
        break;
    case FAULT_TRUNCATE:
        see_on_fd(trace, TRACE_RESIZE, event);
        break;
    case FAULT_MODE:
        see_on_fd(trace, TRACE_MODE, event);
        break;
    case FAULT_SYNC:
        if (event->is_filesystem && error == 0)
            (void) trace_add(trace, TRACE_SYNC_ALL);
        else if (!event->is_filesystem)
            see_on_fd(trace, error == 0 ? TRACE_SYNC : TRACE_SYNC_FAILED, event);
        break;
    case FAULT_OPEN:
    case FAULT_READ:
    case FAULT_MAP:
    case FAULT_WRITE_BACK:
    case FAULT_OPERATIONS:
        break;
    }
}

void trace_start(struct trace *trace)
{
    for (unsigned node = 0; node < trace->node_count; node++)
        trace->nodes[node].inode = 0;
    trace->nodes[0].inode = look_at(".").st_ino;
    for (size_t i = 0; i < trace->name_count; i++)
        trace->nodes[trace->names[i].node].inode = look_at(trace->names[i].path).st_ino;
    fault_set_listener(listen_to_disk, trace);
}

void trace_stop(void)
{
    fault_set_listener(NULL, NULL);
}
