/* SPDX-License-Identifier: Apache-2.0 */
#include "disk.h"

#include "base/check.h"
#include "base/memory.h"

#include <stdio.h>
#include <string.h>

void disk_init(struct disk *disk, const struct trace *trace)
{
    *disk = (struct disk){ .trace = trace };
}

void disk_done(struct disk *disk)
{
    for (unsigned i = 0; i < disk->file_count; i++)
        memory_free(disk->files[i].data);
    for (size_t i = 0; i < disk->pending_count; i++)
        memory_free(disk->pending[i].data);
    memory_free(disk->files);
    memory_free(disk->names);
    memory_free(disk->pending);
}

/* ---- bytes ---- */

static void set_size(struct disk_file *file, uint64_t size)
{
    if (size > file->size) {
        file->data = memory_resize(file->data, size);
        memset(file->data + file->size, 0, size - file->size);
    }
    file->size = size;
}

static void put_bytes(struct disk_file *file, uint64_t offset, const unsigned char *data, uint64_t size)
{
    if (offset + size > file->size)
        set_size(file, offset + size);
    memcpy(file->data + offset, data, size);
}

static uint64_t next_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    uint64_t x = *state;

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* Whether sector number i of count came through. */
static bool sector_came(unsigned came, uint64_t i, uint64_t count, uint64_t *random)
{
    switch (came) {
    case CAME_WHOLE:
        return true;
    case CAME_FIRST:
        return i < count / 2;
    case CAME_LAST:
        return i >= count / 2;
    case CAME_TAIL:
        return i > 0;
    case CAME_HEAD:
        return i + 1 < count;
    case CAME_NOT:
    case CAME_SIZE:
        return false;
    default:
        return (next_random(random) & 1) != 0;
    }
}

static uint64_t sectors_of(const struct pending *pending)
{
    return (pending->offset + pending->size + DISK_SECTOR - 1) / DISK_SECTOR - pending->offset / DISK_SECTOR;
}

static void put_sectors(struct disk_file *file, const struct pending *pending, unsigned came)
{
    uint64_t count = sectors_of(pending);
    uint64_t random = came * UINT64_C(1000003) + pending->serial;

    if (came != CAME_NOT && pending->offset + pending->size > file->size)
        set_size(file, pending->offset + pending->size);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t from = (pending->offset / DISK_SECTOR + i) * DISK_SECTOR;
        uint64_t to = from + DISK_SECTOR;

        if (from < pending->offset)
            from = pending->offset;
        if (to > pending->offset + pending->size)
            to = pending->offset + pending->size;
        if (sector_came(came, i, count, &random))
            memcpy(file->data + from, pending->data + (from - pending->offset), to - from);
    }
}

unsigned disk_outcomes(const struct pending *pending)
{
    if (pending->kind != PENDING_WRITE)
        return CAME_WHOLE + 1;
    return sectors_of(pending) > 1 ? CAME_RANDOM : CAME_SIZE + 1;
}

/* ---- names ---- */

static void set_name(struct disk_name **names, size_t *count, unsigned folder, const char *name, unsigned node)
{
    size_t i;

    for (i = 0; i < *count; i++) {
        if ((*names)[i].folder == folder && strcmp((*names)[i].name, name) == 0)
            break;
    }
    if (i == *count) {
        *names = memory_resize(*names, (*count + 1) * sizeof(**names));
        (*names)[i] = (struct disk_name){ .folder = folder };
        memcpy((*names)[i].name, name, TRACE_NAME_SIZE);
        (*count)++;
    }
    (*names)[i].node = node;
}

static void drop_name(struct disk_name *names, size_t *count, unsigned folder, const char *name)
{
    for (size_t i = 0; i < *count; i++) {
        if (names[i].folder == folder && strcmp(names[i].name, name) == 0) {
            names[i] = names[--*count];
            return;
        }
    }
}

/* ---- what becomes durable ---- */

static void grow_files(struct disk *disk)
{
    if (disk->file_count >= disk->trace->node_count)
        return;
    disk->files = memory_resize(disk->files, disk->trace->node_count * sizeof(*disk->files));
    memset(disk->files + disk->file_count, 0, (disk->trace->node_count - disk->file_count) * sizeof(*disk->files));
    disk->file_count = disk->trace->node_count;
}

/* What is in doubt and older gives way where something newer is durable. */
static void give_way(struct disk *disk, const struct pending *newer)
{
    for (size_t i = 0; i < disk->pending_count; i++) {
        struct pending *older = &disk->pending[i];
        uint64_t from = newer->offset > older->offset ? newer->offset : older->offset;
        uint64_t to = newer->offset + newer->size < older->offset + older->size ? newer->offset + newer->size
                                                                                : older->offset + older->size;

        if (older->kind == PENDING_WRITE && older->node == newer->node && older->serial < newer->serial && from < to)
            memcpy(older->data + (from - older->offset), newer->data + (from - newer->offset), to - from);
    }
}

static void settle(struct disk *disk, const struct pending *pending)
{
    struct disk_file *file = &disk->files[pending->node];

    switch (pending->kind) {
    case PENDING_WRITE:
        put_bytes(file, pending->offset, pending->data, pending->size);
        give_way(disk, pending);
        break;
    case PENDING_RESIZE:
        set_size(file, pending->size);
        break;
    case PENDING_MODE:
        file->mode = (unsigned) pending->size;
        break;
    case PENDING_NAME:
        set_name(&disk->names, &disk->name_count, pending->folder, pending->name, pending->node);
        break;
    case PENDING_NONAME:
        drop_name(disk->names, &disk->name_count, pending->folder, pending->name);
        break;
    }
}

static bool is_name(const struct pending *pending)
{
    return pending->kind == PENDING_NAME || pending->kind == PENDING_NONAME;
}

/* Settles those that wanted() picks, in their order, and those that these need. */
static void settle_all(struct disk *disk, bool (*wanted)(const struct disk *, const struct pending *, unsigned),
                       unsigned node)
{
    bool *is_picked = memory_alloc(disk->pending_count + 1);
    size_t kept = 0;

    for (size_t i = disk->pending_count; i > 0; i--) {
        const struct pending *pending = &disk->pending[i - 1];

        is_picked[i - 1] = is_picked[i - 1] || (!pending->is_doubtful && wanted(disk, pending, node));
        for (size_t j = 0; is_picked[i - 1] && pending->needs != 0 && j + 1 < i; j++)
            is_picked[j] = is_picked[j] || disk->pending[j].serial == pending->needs;
    }
    for (size_t i = 0; i < disk->pending_count; i++) {
        if (is_picked[i])
            settle(disk, &disk->pending[i]);
    }
    for (size_t i = 0; i < disk->pending_count; i++) {
        if (is_picked[i])
            memory_free(disk->pending[i].data);
        else
            disk->pending[kept++] = disk->pending[i];
    }
    disk->pending_count = kept;
    memory_free(is_picked);
}

static bool is_of_node(const struct disk *disk, const struct pending *pending, unsigned node)
{
    (void) disk;
    return is_name(pending) ? pending->folder == node : pending->node == node;
}

static bool is_any(const struct disk *disk, const struct pending *pending, unsigned node)
{
    (void) disk;
    (void) pending;
    (void) node;
    return true;
}

static void doubt(struct disk *disk, unsigned node)
{
    for (size_t i = 0; i < disk->pending_count; i++) {
        if (is_of_node(disk, &disk->pending[i], node) && !is_name(&disk->pending[i]))
            disk->pending[i].is_doubtful = true;
    }
}

/* ---- operations ---- */

static struct pending *add(struct disk *disk, enum pending_kind kind, const struct trace_op *op)
{
    struct pending *pending;

    disk->pending = memory_resize(disk->pending, (disk->pending_count + 1) * sizeof(*disk->pending));
    pending = &disk->pending[disk->pending_count++];
    *pending = (struct pending){ .kind = kind,
                                 .serial = ++disk->serial,
                                 .node = op->node,
                                 .folder = op->folder,
                                 .offset = op->offset,
                                 .size = op->size };
    memcpy(pending->name, op->name, TRACE_NAME_SIZE);
    if (kind == PENDING_WRITE) {
        pending->data = memory_alloc(op->size);
        memcpy(pending->data, op->data, op->size);
    }
    return pending;
}

static void add_rename(struct disk *disk, const struct trace_op *op)
{
    struct pending *pending = add(disk, PENDING_NAME, op);
    unsigned serial = pending->serial;

    pending->folder = op->folder2;
    memcpy(pending->name, op->name2, TRACE_NAME_SIZE);
    add(disk, PENDING_NONAME, op)->needs = serial;
}

void disk_apply(struct disk *disk, const struct trace_op *op)
{
    grow_files(disk);
    switch (op->kind) {
    case TRACE_LINK:
        if (disk->files[op->node].mode == 0)
            disk->files[op->node].mode = (unsigned) op->size;
        (void) add(disk, PENDING_NAME, op);
        break;
    case TRACE_UNLINK:
        (void) add(disk, PENDING_NONAME, op);
        break;
    case TRACE_RENAME:
        add_rename(disk, op);
        break;
    case TRACE_WRITE:
        (void) add(disk, PENDING_WRITE, op);
        break;
    case TRACE_RESIZE:
        (void) add(disk, PENDING_RESIZE, op);
        break;
    case TRACE_MODE:
        (void) add(disk, PENDING_MODE, op);
        break;
    case TRACE_SYNC:
        settle_all(disk, is_of_node, op->node);
        break;
    case TRACE_SYNC_FAILED:
        doubt(disk, op->node);
        break;
    case TRACE_SYNC_ALL:
        settle_all(disk, is_any, 0);
        break;
    case TRACE_MARK:
        if (op->mark.kind == MARK_TIME_PASSED)
            settle_all(disk, is_any, 0);
        break;
    }
}

/* ---- after the cut ---- */

/* Of a rename, the old name is not gone without the new one being there. */
static bool is_there(const struct disk *disk, const unsigned char *came, size_t place)
{
    if (came[place] != CAME_NOT)
        return true;
    for (size_t i = place + 1; i < disk->pending_count; i++) {
        if (came[i] != CAME_NOT && disk->pending[i].needs == disk->pending[place].serial)
            return true;
    }
    return false;
}

static void put_pending(struct disk_image *image, const struct pending *pending, unsigned came)
{
    switch (pending->kind) {
    case PENDING_WRITE:
        put_sectors(&image->files[pending->node], pending, came);
        break;
    case PENDING_RESIZE:
        set_size(&image->files[pending->node], pending->size);
        break;
    case PENDING_MODE:
        image->files[pending->node].mode = (unsigned) pending->size;
        break;
    case PENDING_NAME:
        set_name(&image->names, &image->name_count, pending->folder, pending->name, pending->node);
        break;
    case PENDING_NONAME:
        drop_name(image->names, &image->name_count, pending->folder, pending->name);
        break;
    }
}

void disk_image_make(const struct disk *disk, const unsigned char *came, struct disk_image *image_out)
{
    struct disk_image image = { .file_count = disk->file_count, .name_count = disk->name_count };

    image.files = memory_alloc_array(disk->file_count + 1, sizeof(*image.files));
    for (unsigned i = 0; i < disk->file_count; i++) {
        image.files[i].mode = disk->files[i].mode;
        if (disk->files[i].size > 0)
            put_bytes(&image.files[i], 0, disk->files[i].data, disk->files[i].size);
    }
    image.names = memory_alloc_array(disk->name_count + 1, sizeof(*image.names));
    if (disk->name_count > 0)
        memcpy(image.names, disk->names, disk->name_count * sizeof(*image.names));
    for (size_t i = 0; i < disk->pending_count; i++) {
        if (is_there(disk, came, i))
            put_pending(&image, &disk->pending[i], came[i]);
    }
    *image_out = image;
}
