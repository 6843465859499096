/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OS_FAULT_H
#define OS_FAULT_H

#include "base/failure.h"

#include <stdint.h>

/*
 * fault - the seam where tests make the system fail, and listen to what is done to the disk.
 *
 * Every call of lib/os that changes the disk comes through fault_point first and tells fault_done how it ended; reads
 * of files come through fault_point alone. In production each is one comparison. A test sets a hook, or starts a
 * program with
 *
 *     MERPATI_FAULTS="cleanup/sync:2:EIO spill/rename:1:exit write:7:ENOSPC"
 *
 * [program/]operation:n:errno-name-or-exit, the nth such call of the process fails so, or the process
 * ends there without any clean-up, as a power cut would; "short" writes half and fails with ENOSPC, "exit-after" lets
 * the call happen and ends the process behind it (not of a read); "none" is only told. n+ means the nth and all after
 * it. When one strikes, a line with it is appended to the file named by MERPATI_FAULTS_LOG; n! strikes only while that
 * file is empty: of all processes in one alone. The variables pass master only where import_environment lists them, and
 * set-id programs do not look at them.
 */
enum fault_operation {
    FAULT_OPEN,
    FAULT_WRITE,
    FAULT_SYNC,
    FAULT_RENAME,
    FAULT_LINK,
    FAULT_UNLINK,
    FAULT_TRUNCATE,
    FAULT_CREATE, /* of a directory or by O_CREAT */
    FAULT_MODE,
    FAULT_READ, /* of a file; this and the next are not told to listeners */
    FAULT_MAP,
    FAULT_WRITE_BACK, /* data is waited for on its way to the disk, which makes nothing durable by itself */
    FAULT_OPERATIONS,
};

/* A verdict over writes: half of it is written, then there is no space. No errno is as large. */
enum { FAULT_SHORT = 4096 };

struct fault_event {
    enum fault_operation operation;
    int fd;             /* -1 when the call is by path; told to a listener after an open: the new one */
    const char *path;   /* the path, or the name given for messages */
    const char *path2;  /* the new name of rename and link, else NULL */
    uint64_t offset;    /* of a write; UINT64_MAX: at the file's position */
    uint64_t size;      /* of a write, the new size of a truncate, the new mode */
    const void *data;   /* of a write in one part, else NULL */
    int open_flags;     /* of an open */
    bool is_filesystem; /* a sync of all there is */
};

/* Returns 0 to let the call happen, or the errno to fail with (of a write, also FAULT_SHORT). May end the process. */
typedef int fault_hook(const struct fault_event *event, void *context);

/* NULL takes it away. For tests. The hook may be called from any thread. */
void fault_set_hook(fault_hook *hook, void *context);

/* What came of a call: 0, or the errno it failed with, by itself or by a fault. */
typedef void fault_listener(const struct fault_event *event, int error, void *context);

/* NULL takes it away. For tests that keep a record of what is done to the disk. May be called from any thread. */
void fault_set_listener(fault_listener *listener, void *context);

/*
 * Called by lib/os and by others that change the disk by calls of their own: before, which gives 0 or an errno to fail
 * with, and after, when the outcome is known.
 */
int fault_point(const struct fault_event *event);
void fault_done(const struct fault_event *event, int error);

const char *fault_operation_name(enum fault_operation operation);

#endif
