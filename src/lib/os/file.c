/* SPDX-License-Identifier: Apache-2.0 */
#include "os/file.h"

#include "os/fault.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

bool file_open(const char *path, int flags, mode_t mode, int *fd_out, struct failure *why)
{
    return file_open_at(AT_FDCWD, path, flags, mode, fd_out, why);
}

bool file_open_at(int directory_fd, const char *path, int flags, mode_t mode, int *fd_out, struct failure *why)
{
    struct fault_event event = { .operation = flags & O_CREAT ? FAULT_CREATE : FAULT_OPEN,
                                 .fd = -1,
                                 .path = path,
                                 .offset = UINT64_MAX,
                                 .open_flags = flags };
    int error = fault_point(&event);

    while (error == 0 && event.fd < 0) {
        event.fd = openat(directory_fd, path, flags | O_CLOEXEC | O_NOCTTY, mode);
        if (event.fd < 0 && errno != EINTR)
            error = errno;
    }
    fault_done(&event, error);
    if (error != 0)
        return failure_system(why, error, "open %s", path);
    *fd_out = event.fd;
    return true;
}

static int read_fault(enum fault_operation operation, int fd, const char *name, uint64_t offset, uint64_t size)
{
    struct fault_event event = { .operation = operation, .fd = fd, .path = name, .offset = offset, .size = size };

    return fault_point(&event);
}

bool file_read(int fd, const char *name, void *data, size_t size, size_t *count_out, struct failure *why)
{
    int error = read_fault(FAULT_READ, fd, name, UINT64_MAX, size);
    ssize_t count = 0;

    while (error == 0) {
        count = read(fd, data, size);
        if (count >= 0)
            break;
        error = errno == EINTR ? 0 : errno;
    }
    if (error != 0)
        return failure_system(why, error, "read %s", name);
    *count_out = (size_t) count;
    return true;
}

bool file_read_at(int fd, const char *name, void *data, size_t size, uint64_t offset, size_t *count_out,
                  struct failure *why)
{
    int error = read_fault(FAULT_READ, fd, name, offset, size);
    size_t done = 0;

    if (error != 0)
        return failure_system(why, error, "read %s", name);
    while (done < size) {
        ssize_t count = pread(fd, (char *) data + done, size - done, (off_t) (offset + done));

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return failure_system(why, errno, "read %s", name);
        if (count == 0)
            break;
        done += (size_t) count;
    }
    *count_out = done;
    return true;
}

static struct fault_event write_event(int fd, const char *name, uint64_t offset, uint64_t size, const void *data)
{
    return (struct fault_event){
        .operation = FAULT_WRITE, .fd = fd, .path = name, .offset = offset, .size = size, .data = data
    };
}

/* offset UINT64_MAX: at the file's position. */
static int write_all(int fd, struct str data, uint64_t offset)
{
    size_t done = 0;

    while (done < data.len) {
        ssize_t count = offset == UINT64_MAX ? write(fd, data.data + done, data.len - done)
                                             : pwrite(fd, data.data + done, data.len - done, (off_t) (offset + done));

        if (count < 0 && errno != EINTR)
            return errno;
        done += count > 0 ? (size_t) count : 0;
    }
    return 0;
}

bool file_write(int fd, const char *name, struct str data, struct failure *why)
{
    return file_write_at(fd, name, data, UINT64_MAX, why);
}

bool file_write_at(int fd, const char *name, struct str data, uint64_t offset, struct failure *why)
{
    struct fault_event event = write_event(fd, name, offset, data.len, data.data);
    int error = fault_point(&event);

    if (error == FAULT_SHORT) {
        (void) write_all(fd, str_part(data, 0, data.len / 2), offset);
        error = ENOSPC;
    } else if (error == 0) {
        error = write_all(fd, data, offset);
    }
    fault_done(&event, error);
    return error == 0 || failure_system(why, error, "write %s", name);
}

/* Steps over what was written; returns how many parts are finished. */
static size_t use_up(struct iovec *parts, size_t count, size_t written)
{
    size_t i = 0;

    while (i < count && written >= parts[i].iov_len)
        written -= parts[i++].iov_len;
    if (i < count) {
        parts[i].iov_base = (char *) parts[i].iov_base + written;
        parts[i].iov_len -= written;
    }
    return i;
}

static int write_parts(int fd, struct iovec *parts, size_t count, uint64_t offset, uint64_t size)
{
    while (size > 0) {
        ssize_t written = pwritev(fd, parts, (int) (count < IOV_MAX ? count : IOV_MAX), (off_t) offset);
        size_t finished;

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return errno;
        finished = use_up(parts, count, (size_t) written);
        parts += finished;
        count -= finished;
        offset += (uint64_t) written;
        size -= (uint64_t) written;
    }
    return 0;
}

/* Leaves the first size bytes of the parts; returns how many parts those are. */
static size_t cut_parts(struct iovec *parts, size_t count, uint64_t size)
{
    size_t i = 0;

    while (i < count && size >= parts[i].iov_len)
        size -= parts[i++].iov_len;
    if (i < count && size > 0)
        parts[i++].iov_len = (size_t) size;
    return i;
}

bool file_write_parts_at(int fd, const char *name, struct iovec *parts, size_t count, uint64_t offset,
                         struct failure *why)
{
    struct fault_event event = write_event(fd, name, offset, 0, NULL);
    int error;

    for (size_t i = 0; i < count; i++)
        event.size += parts[i].iov_len;
    error = fault_point(&event);
    if (error == FAULT_SHORT) {
        count = cut_parts(parts, count, event.size / 2);
        (void) write_parts(fd, parts, count, offset, event.size / 2);
        error = ENOSPC;
    } else if (error == 0) {
        error = write_parts(fd, parts, count, offset, event.size);
    }
    fault_done(&event, error);
    return error == 0 || failure_system(why, error, "write %s", name);
}

bool file_truncate(int fd, const char *name, uint64_t size, struct failure *why)
{
    struct fault_event event = {
        .operation = FAULT_TRUNCATE, .fd = fd, .path = name, .offset = UINT64_MAX, .size = size
    };
    int error = fault_point(&event);

    if (error == 0 && ftruncate(fd, (off_t) size) < 0)
        error = errno;
    fault_done(&event, error);
    return error == 0 || failure_system(why, error, "truncate %s", name);
}

bool file_allocate(int fd, const char *name, uint64_t offset, uint64_t size, struct failure *why)
{
    struct fault_event event = write_event(fd, name, offset, size, NULL);
    int error = fault_point(&event);

    if (error == 0) {
        do {
            error = posix_fallocate(fd, (off_t) offset, (off_t) size);
        } while (error == EINTR);
    }
    fault_done(&event, error);
    return error == 0 || failure_system(why, error, "take space for %s", name);
}

static bool sync_with(int fd, const char *name, int (*function)(int), bool is_filesystem, struct failure *why)
{
    struct fault_event event = {
        .operation = FAULT_SYNC, .fd = fd, .path = name, .offset = UINT64_MAX, .is_filesystem = is_filesystem
    };
    int error = fault_point(&event);

    if (error == 0 && function(fd) < 0)
        error = errno;
    fault_done(&event, error);
    return error == 0 || failure_system(why, error, "sync %s", name);
}

bool file_sync(int fd, const char *name, struct failure *why)
{
    return sync_with(fd, name, fsync, false, why);
}

bool file_sync_data(int fd, const char *name, struct failure *why)
{
    return sync_with(fd, name, fdatasync, false, why);
}

bool file_sync_filesystem(int fd, const char *name, struct failure *why)
{
    return sync_with(fd, name, syncfs, true, why);
}

static bool write_back(int fd, const char *name, unsigned flags, struct failure *why)
{
    /* What a filesystem does not know is done by the sync. */
    return sync_file_range(fd, 0, 0, flags) == 0 || errno == ENOSYS || errno == EINVAL || errno == ESPIPE ||
           failure_system(why, errno, "write %s", name);
}

bool file_start_sync(int fd, const char *name, struct failure *why)
{
    return write_back(fd, name, SYNC_FILE_RANGE_WRITE, why);
}

bool file_wait_written(int fd, const char *name, struct failure *why)
{
    struct fault_event event = { .operation = FAULT_WRITE_BACK, .fd = fd, .path = name, .offset = UINT64_MAX };
    int error = fault_point(&event);

    if (error != 0)
        return failure_system(why, error, "write %s", name);
    return write_back(fd, name, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER, why);
}

bool file_sync_directory(const char *path, struct failure *why)
{
    return file_sync_directory_at(AT_FDCWD, path, why);
}

bool file_sync_directory_at(int directory_fd, const char *path, struct failure *why)
{
    CLEANUP(fd_close) int fd = -1;

    return file_open_at(directory_fd, path, O_RDONLY | O_DIRECTORY, 0, &fd, why) && file_sync(fd, path, why);
}

static struct fault_event name_event(enum fault_operation operation, const char *path, const char *path2)
{
    return (struct fault_event){ .operation = operation, .fd = -1, .path = path, .path2 = path2, .offset = UINT64_MAX };
}

bool file_rename(const char *from, const char *to, struct failure *why)
{
    return file_rename_at(AT_FDCWD, from, AT_FDCWD, to, why);
}

static bool rename_with_flags(int from_fd, const char *from, int to_fd, const char *to, unsigned flags,
                              struct failure *why)
{
    struct fault_event event = name_event(FAULT_RENAME, from, to);
    int error = fault_point(&event);

    if (error == 0 && renameat2(from_fd, from, to_fd, to, flags) < 0)
        error = errno;
    fault_done(&event, error);
    return error == 0 || failure_system(why, error, "rename %s to %s", from, to);
}

bool file_rename_at(int from_fd, const char *from, int to_fd, const char *to, struct failure *why)
{
    return rename_with_flags(from_fd, from, to_fd, to, 0, why);
}

bool file_exchange(const char *one, const char *other, struct failure *why)
{
    return rename_with_flags(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE, why);
}

/* link and unlink where the filesystem knows no flags of rename; for an instant both names are there. */
static bool rename_by_link(int from_fd, const char *from, int to_fd, const char *to, struct failure *why)
{
    return file_link_at(from_fd, from, to_fd, to, why) && file_unlink_at(from_fd, from, why);
}

bool file_rename_new_at(int from_fd, const char *from, int to_fd, const char *to, struct failure *why)
{
    struct failure reason;

    if (rename_with_flags(from_fd, from, to_fd, to, RENAME_NOREPLACE, &reason))
        return true;
    if (reason.error == EINVAL || reason.error == ENOSYS)
        return rename_by_link(from_fd, from, to_fd, to, why);
    if (why != NULL)
        *why = reason;
    return false;
}

bool file_link(const char *from, const char *to, struct failure *why)
{
    return file_link_at(AT_FDCWD, from, AT_FDCWD, to, why);
}

bool file_link_at(int from_fd, const char *from, int to_fd, const char *to, struct failure *why)
{
    struct fault_event event = name_event(FAULT_LINK, from, to);
    int error = fault_point(&event);

    if (error == 0 && linkat(from_fd, from, to_fd, to, 0) < 0)
        error = errno;
    fault_done(&event, error);
    return error == 0 || failure_system(why, error, "link %s to %s", from, to);
}

bool file_unlink(const char *path, struct failure *why)
{
    return file_unlink_at(AT_FDCWD, path, why);
}

bool file_unlink_at(int directory_fd, const char *path, struct failure *why)
{
    struct fault_event event = name_event(FAULT_UNLINK, path, NULL);
    int error = fault_point(&event);

    if (error == 0 && unlinkat(directory_fd, path, 0) < 0)
        error = errno;
    fault_done(&event, error);
    return error == 0 || failure_system(why, error, "remove %s", path);
}

static bool stat_with_flags(int directory_fd, const char *path, int flags, struct stat *status_out, struct failure *why)
{
    struct stat status;

    if (fstatat(directory_fd, path, &status, flags) < 0)
        return failure_system(why, errno, "look at %s", path);
    *status_out = status;
    return true;
}

bool file_stat(const char *path, struct stat *status_out, struct failure *why)
{
    return stat_with_flags(AT_FDCWD, path, 0, status_out, why);
}

bool file_stat_at(int directory_fd, const char *path, struct stat *status_out, struct failure *why)
{
    return stat_with_flags(directory_fd, path, 0, status_out, why);
}

bool file_stat_link(const char *path, struct stat *status_out, struct failure *why)
{
    return stat_with_flags(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, status_out, why);
}

bool file_stat_fd(int fd, const char *name, struct stat *status_out, struct failure *why)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return failure_system(why, errno, "look at %s", name);
    *status_out = status;
    return true;
}

bool file_exists(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0;
}

bool file_set_mode(int fd, const char *name, mode_t mode, struct failure *why)
{
    struct fault_event event = { .operation = FAULT_MODE, .fd = fd, .path = name, .offset = UINT64_MAX, .size = mode };
    int error = fault_point(&event);

    if (error == 0 && fchmod(fd, mode) < 0)
        error = errno;
    fault_done(&event, error);
    return error == 0 || failure_system(why, error, "change the mode of %s", name);
}

bool file_set_owner(int fd, const char *name, uid_t uid, gid_t gid, struct failure *why)
{
    if (fchown(fd, uid, gid) < 0)
        return failure_system(why, errno, "change the owner of %s", name);
    return true;
}

bool file_set_time(int fd, const char *name, int64_t seconds_since_1970, struct failure *why)
{
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = seconds_since_1970 } };

    if (futimens(fd, times) < 0)
        return failure_system(why, errno, "set the time of %s", name);
    return true;
}

bool file_set_time_at(int directory_fd, const char *path, int64_t seconds_since_1970, struct failure *why)
{
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = seconds_since_1970 } };

    if (utimensat(directory_fd, path, times, 0) < 0)
        return failure_system(why, errno, "set the time of %s", path);
    return true;
}

bool file_map(int fd, const char *name, uint64_t size, struct str *bytes_out, struct failure *why)
{
    int error = read_fault(FAULT_MAP, fd, name, 0, size);
    void *bytes = MAP_FAILED;

    if (error == 0) {
        bytes = mmap(NULL, (size_t) size, PROT_READ, MAP_SHARED, fd, 0);
        error = bytes == MAP_FAILED ? errno : 0;
    }
    if (error != 0)
        return failure_system(why, error, "map %s", name);
    *bytes_out = str_make(bytes, (size_t) size);
    return true;
}

void file_unmap(struct str bytes)
{
    (void) munmap((void *) (uintptr_t) bytes.data, bytes.len);
}

bool file_read_cached_at(int fd, void *data, size_t size, uint64_t offset)
{
    struct iovec part = { .iov_base = data, .iov_len = size };

    return read_fault(FAULT_READ, fd, "cache", offset, size) == 0 &&
           preadv2(fd, &part, 1, (off_t) offset, RWF_NOWAIT) == (ssize_t) size;
}
