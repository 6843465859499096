/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRASH_DISK_H
#define CRASH_DISK_H

#include "trace.h"

/*
 * disk - what a trace has made sure of, and what is still on its way: the disk as a power cut may leave it.
 *
 * The rules are meaner than ext4 and xfs are, and those of POSIX where it says anything:
 * - A sync of a file makes its bytes, its size and its mode durable, and none of its names. A sync of a folder makes
 *   the names in it durable, and not the folder's own name.
 * - What was not synced is there or not, each by itself and in no order: names, bytes, sizes, modes. A write may be
 *   there in any part of whole sectors; a file that grew may be longer and hold zeros.
 * - A rename is a new name and the loss of the old one: the new one may be there beside the old one, never none.
 * - A sync that failed has done nothing, and a later one does not make up for it: only what is written again counts.
 * - A sector of 512 bytes is old or new, never a mixture.
 */
enum { DISK_SECTOR = 512 };

enum pending_kind {
    PENDING_WRITE,
    PENDING_RESIZE,
    PENDING_MODE,
    PENDING_NAME,   /* folder/name stands for node */
    PENDING_NONAME, /* folder/name is gone */
};

struct pending {
    enum pending_kind kind;
    unsigned serial;
    unsigned needs; /* the serial of another that is there if this one is; 0: none */
    unsigned node;
    unsigned folder;
    char name[TRACE_NAME_SIZE];
    uint64_t offset;
    uint64_t size;
    unsigned char *data; /* its own */
    bool is_doubtful;
};

struct disk_file {
    unsigned char *data;
    uint64_t size;
    unsigned mode;
};

struct disk_name {
    unsigned folder;
    unsigned node;
    char name[TRACE_NAME_SIZE];
};

struct disk {
    const struct trace *trace;
    struct disk_file *files; /* by node; what is durable */
    unsigned file_count;
    struct disk_name *names;
    size_t name_count;
    struct pending *pending;
    size_t pending_count;
    unsigned serial;
};

/* How one of the pending came through. */
enum {
    CAME_NOT,
    CAME_WHOLE,
    CAME_SIZE,   /* a write: the file has grown, and holds zeros */
    CAME_FIRST,  /* the first half of its sectors */
    CAME_LAST,   /* the last half */
    CAME_TAIL,   /* all but the first sector */
    CAME_HEAD,   /* all but the last sector */
    CAME_RANDOM, /* this and all above: a mixture drawn with it as the seed */
};

void disk_init(struct disk *disk, const struct trace *trace);
void disk_done(struct disk *disk);
/* The next operation of the trace has been done. */
void disk_apply(struct disk *disk, const struct trace_op *op);
/* How many of the outcomes above can be told apart for it, CAME_RANDOM not counted. */
unsigned disk_outcomes(const struct pending *pending);

/* The disk after a power cut. came: an outcome for each of the pending. */
struct disk_image {
    struct disk_file *files;
    unsigned file_count;
    struct disk_name *names;
    size_t name_count;
};

void disk_image_make(const struct disk *disk, const unsigned char *came, struct disk_image *image_out);
void disk_image_done(struct disk_image *image);
uint64_t disk_image_digest(const struct disk_image *image, const struct trace *trace);
/* Writes it into the working directory, which is empty. */
void disk_image_write(const struct disk_image *image, const struct trace *trace);
/* Operations that make such a disk, all of it durable, are added to a trace that has just begun. */
void disk_image_retell(const struct disk_image *image, const struct trace *from, struct trace *trace);

#endif
