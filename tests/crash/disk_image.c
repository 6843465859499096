/* SPDX-License-Identifier: Apache-2.0 */
/* What can be done with a disk after the cut: told apart, written out, told again as a trace. */

#include "base/check.h"
#include "base/memory.h"
#include "disk.h"
#include "os/fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { PAGE = 4096 };

void disk_image_done(struct disk_image *image)
{
    for (unsigned i = 0; i < image->file_count; i++)
        memory_free(image->files[i].data);
    memory_free(image->files);
    memory_free(image->names);
}

/* ---- a walk over all that can be reached ---- */

struct walk {
    const struct disk_image *image;
    const struct trace *trace;
    void (*see)(struct walk *walk, const char *path, const struct disk_name *name);
    uint64_t digest;
    char (*written)[TRACE_PATH_SIZE]; /* by node: its first name, once it is there */
    struct trace *told;
    unsigned *told_as; /* by node of the image */
};

static void walk_folder(struct walk *walk, unsigned folder, const char *path)
{
    for (size_t i = 0; i < walk->image->name_count; i++) {
        const struct disk_name *name = &walk->image->names[i];
        char deeper[TRACE_PATH_SIZE];

        if (name->folder != folder)
            continue;
        snprintf(deeper, sizeof(deeper), "%.100s%s%s", path, path[0] == '\0' ? "" : "/", name->name);
        walk->see(walk, deeper, name);
        if (walk->trace->nodes[name->node].is_folder)
            walk_folder(walk, name->node, deeper);
    }
}

/* ---- telling apart ---- */

static void add_to_digest(struct walk *walk, const char *path, const struct disk_name *name)
{
    const struct disk_file *file = &walk->image->files[name->node];
    uint64_t digest = XXH3_64bits(path, strlen(path));

    if (file->size > 0)
        digest ^= XXH3_64bits_withSeed(file->data, file->size, digest + file->mode);
    else
        digest ^= file->mode;
    /* In whatever order the names come. */
    walk->digest += digest;
}

uint64_t disk_image_digest(const struct disk_image *image, const struct trace *trace)
{
    struct walk walk = { .image = image, .trace = trace, .see = add_to_digest };

    walk_folder(&walk, 0, "");
    return walk.digest;
}

/* ---- writing out ---- */

static bool is_zero(const unsigned char *data, uint64_t size)
{
    return size == 0 || (data[0] == 0 && memcmp(data, data + 1, size - 1) == 0);
}

/* Holes for zeros: segments are mostly empty. */
static void write_file(const struct disk_file *file, int fd)
{
    for (uint64_t at = 0; at < file->size; at += PAGE) {
        uint64_t part = file->size - at < PAGE ? file->size - at : PAGE;

        if (!is_zero(file->data + at, part))
            CHECK(pwrite(fd, file->data + at, part, (off_t) at) == (ssize_t) part);
    }
    CHECK(ftruncate(fd, (off_t) file->size) == 0);
    if (file->mode != 0)
        CHECK(fchmod(fd, file->mode) == 0);
}

static void write_name(struct walk *walk, const char *path, const struct disk_name *name)
{
    int fd;

    if (walk->trace->nodes[name->node].is_folder) {
        CHECK(mkdir(path, 0700) == 0 && chmod(path, walk->image->files[name->node].mode) == 0);
        return;
    }
    if (walk->written[name->node][0] != '\0') {
        CHECK(link(walk->written[name->node], path) == 0);
        return;
    }
    memcpy(walk->written[name->node], path, strlen(path) + 1);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    write_file(&walk->image->files[name->node], fd);
    fd_close(&fd);
}

void disk_image_write(const struct disk_image *image, const struct trace *trace)
{
    struct walk walk = { .image = image, .trace = trace, .see = write_name };

    walk.written = memory_alloc_array(trace->node_count, TRACE_PATH_SIZE);
    walk_folder(&walk, 0, "");
    memory_free(walk.written);
}

/* ---- telling again ---- */

static void tell_name(struct walk *walk, const char *path, const struct disk_name *name)
{
    const struct disk_file *file = &walk->image->files[name->node];
    bool is_new = walk->told_as[name->node] == 0;
    struct trace_op *op;

    (void) path;
    if (is_new)
        walk->told_as[name->node] = trace_add_node(walk->told, walk->trace->nodes[name->node].is_folder);
    op = trace_add(walk->told, TRACE_LINK);
    op->node = walk->told_as[name->node];
    op->size = file->mode;
    op->folder = walk->told_as[name->folder];
    memcpy(op->name, name->name, TRACE_NAME_SIZE);
    if (!is_new || file->size == 0)
        return;
    op = trace_add(walk->told, TRACE_WRITE);
    op->node = walk->told_as[name->node];
    op->size = file->size;
    op->data = memory_alloc(file->size);
    memcpy(op->data, file->data, file->size);
}

void disk_image_retell(const struct disk_image *image, const struct trace *from, struct trace *trace)
{
    struct walk walk = { .image = image, .trace = from, .see = tell_name, .told = trace };

    walk.told_as = memory_alloc_array(from->node_count, sizeof(*walk.told_as));
    walk_folder(&walk, 0, "");
    (void) trace_add(trace, TRACE_SYNC_ALL);
    memory_free(walk.told_as);
}
