/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRASH_TRACE_H
#define CRASH_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * trace - all that was done to the disk, in order, and between it the marks: what was promised to whom.
 *
 * It is recorded by a listener at the seam of lib/os while real code runs in the working directory. A node is a file
 * or folder for as long as it lives, whatever its names are; node 0 is the working directory. Calls on other paths
 * (absolute ones) are left out.
 */
enum { TRACE_NAME_SIZE = 40, TRACE_PATH_SIZE = 160 };

enum trace_kind {
    TRACE_LINK,   /* folder/name stands for node now: a new file, folder, or another name */
    TRACE_UNLINK, /* folder/name is gone */
    TRACE_RENAME, /* folder/name becomes folder2/name2 */
    TRACE_WRITE,  /* size bytes at offset */
    TRACE_RESIZE,
    TRACE_MODE,
    TRACE_SYNC,        /* node */
    TRACE_SYNC_FAILED, /* node: what was pending is in doubt for good */
    TRACE_SYNC_ALL,
    TRACE_MARK,
};

enum mark_kind {
    MARK_ACCEPTED,      /* 250 was said */
    MARK_REFUSED,       /* 451 was said */
    MARK_SENT,          /* the next hop has it, for that recipient */
    MARK_RETURNED,      /* the sender's notification is accepted, for that recipient */
    MARK_DELETE_ASKED,  /* by the administrator */
    MARK_DELETED,       /* and that was confirmed */
    MARK_HOLD_ASKED,    /* */
    MARK_HELD,          /* confirmed */
    MARK_RELEASE_ASKED, /* */
    MARK_SUBMITTED,     /* stands in maildrop/: sendmail has returned 0 */
    MARK_TIME_PASSED,   /* the system has written back all there was */
    MARK_STOPPED,       /* a clean stop has ended */
    MARK_ID,            /* the message got this queue id */
};

struct mark {
    enum mark_kind kind;
    unsigned message;
    unsigned recipient;
    uint64_t id; /* of MARK_ID */
};

struct trace_op {
    enum trace_kind kind;
    unsigned node;
    unsigned folder;
    unsigned folder2;
    char name[TRACE_NAME_SIZE];
    char name2[TRACE_NAME_SIZE];
    uint64_t offset;
    uint64_t size; /* of a write; the new size; the new mode, also of what is made with its first name */
    unsigned char *data;
    struct mark mark;
};

struct trace_node {
    bool is_folder;
    uint64_t inode; /* the latest file with this number */
};

struct live_name {
    char path[TRACE_PATH_SIZE];
    unsigned node;
};

struct trace {
    struct trace_op *ops;
    size_t count;
    size_t capacity;
    struct trace_node *nodes;
    unsigned node_count;
    /* As the directory looks to its programs now. */
    struct live_name *names;
    size_t name_count;
};

void trace_init(struct trace *trace);
/*
 * Sets the listener: from now on all is recorded. What stands in the working directory is found by its path if the
 * trace knows it, so a trace may go on in a copy of the directory; other files must not be there.
 */
void trace_start(struct trace *trace);
void trace_stop(void);
/* Forgets all but the first count operations. */
void trace_cut(struct trace *trace, size_t count);
void trace_mark(struct trace *trace, enum mark_kind kind, unsigned message, unsigned recipient);
/* The node that stands there now, or UINT32_MAX. */
unsigned trace_find(const struct trace *trace, const char *path);
/* For a trace that is made, not recorded; trace_cut(trace, trace->count) then finds the names. */
struct trace_op *trace_add(struct trace *trace, enum trace_kind kind);
unsigned trace_add_node(struct trace *trace, bool is_folder);

#endif
