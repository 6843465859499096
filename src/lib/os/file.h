/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OS_FILE_H
#define OS_FILE_H

#include "base/failure.h"
#include "base/strbuf.h"

#include <sys/stat.h>
#include <sys/uio.h>

/*
 * file - files with manners: interrupted calls go on, short writes are completed, descriptors are
 * close-on-exec, and each call that changes the disk passes the fault seam (fault.h). Failures carry
 * errno in why->error and the path in the text. "directory_fd" is AT_FDCWD or an open directory.
 *
 * A failed sync may have lost the data for good: never call it again on the same descriptor and
 * believe the answer.
 */

/* flags as open(2), O_CLOEXEC is added; mode counts with O_CREAT only and is used as umask leaves it. */
MUST_USE bool file_open(const char *path, int flags, mode_t mode, int *fd_out, struct failure *why);
MUST_USE bool file_open_at(int directory_fd, const char *path, int flags, mode_t mode, int *fd_out,
                           struct failure *why);
/* An open descriptor's path cannot be known, so calls on descriptors take the name to use in messages. */

/* Reads once, at most size bytes; *count_out 0 at the end. */
MUST_USE bool file_read(int fd, const char *name, void *data, size_t size, size_t *count_out, struct failure *why);
/* Reads until size bytes are there or the file ends. */
MUST_USE bool file_read_at(int fd, const char *name, void *data, size_t size, uint64_t offset, size_t *count_out,
                           struct failure *why);
/* All of it from memory, without waiting for a disk; false when that cannot be, for whatever reason. */
MUST_USE bool file_read_cached_at(int fd, void *data, size_t size, uint64_t offset);
/* Its first size bytes, read-only, for file_unmap. A disk that cannot read them kills the reader (SIGBUS). */
MUST_USE bool file_map(int fd, const char *name, uint64_t size, struct str *bytes_out, struct failure *why);
void file_unmap(struct str bytes);
/* Writes all. */
MUST_USE bool file_write(int fd, const char *name, struct str data, struct failure *why);
MUST_USE bool file_write_at(int fd, const char *name, struct str data, uint64_t offset, struct failure *why);
/* Writes all of count parts (pwritev); one event at the fault seam. The parts are used up. */
MUST_USE bool file_write_parts_at(int fd, const char *name, struct iovec *parts, size_t count, uint64_t offset,
                                  struct failure *why);
MUST_USE bool file_truncate(int fd, const char *name, uint64_t size, struct failure *why);
/* Takes the blocks from the filesystem now (posix_fallocate). */
MUST_USE bool file_allocate(int fd, const char *name, uint64_t offset, uint64_t size, struct failure *why);

/* fsync, fdatasync, syncfs. */
MUST_USE bool file_sync(int fd, const char *name, struct failure *why);
MUST_USE bool file_sync_data(int fd, const char *name, struct failure *why);
MUST_USE bool file_sync_filesystem(int fd, const char *name, struct failure *why);
/* Sends the data on its way, so that the syncs of several files cost little more than one; each still has to follow. */
MUST_USE bool file_start_sync(int fd, const char *name, struct failure *why);
/*
 * Waits until the data is written, and tells an error of this file: what a sync of the whole filesystem, which must
 * follow, could lay at nobody's door. A false answer is told once.
 */
MUST_USE bool file_wait_written(int fd, const char *name, struct failure *why);
/* Opens and syncs a directory, after names in it changed. */
MUST_USE bool file_sync_directory(const char *path, struct failure *why);
MUST_USE bool file_sync_directory_at(int directory_fd, const char *path, struct failure *why);

/* rename(2) replaces; "new" refuses with EEXIST when the new name is taken; exchange needs both, of any kind. */
MUST_USE bool file_rename(const char *from, const char *to, struct failure *why);
MUST_USE bool file_rename_at(int from_fd, const char *from, int to_fd, const char *to, struct failure *why);
MUST_USE bool file_rename_new_at(int from_fd, const char *from, int to_fd, const char *to, struct failure *why);
MUST_USE bool file_exchange(const char *one, const char *other, struct failure *why);
MUST_USE bool file_link(const char *from, const char *to, struct failure *why);
MUST_USE bool file_link_at(int from_fd, const char *from, int to_fd, const char *to, struct failure *why);
MUST_USE bool file_unlink(const char *path, struct failure *why);
MUST_USE bool file_unlink_at(int directory_fd, const char *path, struct failure *why);

MUST_USE bool file_stat(const char *path, struct stat *status_out, struct failure *why);
MUST_USE bool file_stat_at(int directory_fd, const char *path, struct stat *status_out, struct failure *why);
MUST_USE bool file_stat_link(const char *path, struct stat *status_out, struct failure *why);
MUST_USE bool file_stat_fd(int fd, const char *name, struct stat *status_out, struct failure *why);
/* False for any reason, ENOENT among them. */
bool file_exists(const char *path);
MUST_USE bool file_set_mode(int fd, const char *name, mode_t mode, struct failure *why);
/* (uid_t) -1 and (gid_t) -1 leave as it is. */
MUST_USE bool file_set_owner(int fd, const char *name, uid_t uid, gid_t gid, struct failure *why);
/* Sets the time of change; the time of access stays. */
MUST_USE bool file_set_time(int fd, const char *name, int64_t seconds_since_1970, struct failure *why);
MUST_USE bool file_set_time_at(int directory_fd, const char *path, int64_t seconds_since_1970, struct failure *why);

/* Appends the whole file; FAILURE_PERMANENT with EFBIG when it is longer than text's maximum. */
MUST_USE bool file_load(const char *path, struct strbuf *text, struct failure *why);
MUST_USE bool file_load_fd(int fd, const char *name, struct strbuf *text, struct failure *why);
/*
 * Replaces path by text so that a reader, or a power cut, finds the old or the new whole: a temporary
 * file beside it, written, synced, renamed, the directory synced. An existing file's owner and mode
 * are kept, else mode counts. The temporary file is gone on failure.
 */
MUST_USE bool file_replace(const char *path, struct str text, mode_t mode, struct failure *why);

#endif
