/* SPDX-License-Identifier: Apache-2.0 */
#include "os/space.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

/* Not in linux/magic.h of all kernels' headers. */
enum { XFS_MAGIC = 0x58465342 };

bool space_look(const char *path, struct space *space_out, struct failure *why)
{
    struct statvfs status;

    if (statvfs(path, &status) < 0)
        return failure_system(why, errno, "look at the filesystem of %s", path);
    space_out->free_bytes = (uint64_t) status.f_bavail * status.f_frsize;
    space_out->total_bytes = (uint64_t) status.f_blocks * status.f_frsize;
    /* btrfs and others report no number of files at all. */
    space_out->free_files = status.f_files == 0 ? UINT64_MAX : status.f_favail;
    return true;
}

/* Since 5.8 syncfs reports errors of writing back, since 5.17 also what the filesystem's own sync says. */
static bool kernel_reports_errors(void)
{
    struct utsname name;
    int major, minor;

    if (uname(&name) < 0 || sscanf(name.release, "%d.%d", &major, &minor) != 2)
        return false;
    return major > 5 || (major == 5 && minor >= 17);
}

bool space_keeps_order(int fd, bool *is_in_order_out, struct failure *why)
{
    struct statfs status;

    if (fstatfs(fd, &status) < 0)
        return failure_system(why, errno, "look at the filesystem");
    /* btrfs reports the write as done before it has noted where the data is. */
    *is_in_order_out = (long) status.f_type == EXT4_SUPER_MAGIC || (long) status.f_type == XFS_MAGIC;
    return true;
}

bool space_has_reliable_syncfs(int fd, bool *is_reliable_out, struct failure *why)
{
    struct statfs status;

    if (fstatfs(fd, &status) < 0)
        return failure_system(why, errno, "look at the filesystem");
    *is_reliable_out =
        kernel_reports_errors() && ((long) status.f_type == EXT4_SUPER_MAGIC || (long) status.f_type == XFS_MAGIC ||
                                    (long) status.f_type == (long) BTRFS_SUPER_MAGIC);
    return true;
}
