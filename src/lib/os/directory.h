/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OS_DIRECTORY_H
#define OS_DIRECTORY_H

#include "base/failure.h"
#include "base/str.h"

#include <stdint.h>
#include <sys/stat.h>

/*
 * directory - making, walking and removing directories. What "path" is relative to is directory_fd,
 * or the working directory with AT_FDCWD.
 */
struct directory;

/* O_PATH-free, readable descriptor of a directory; usable with the _at calls of file.h and file_sync. */
MUST_USE bool directory_open_fd(int directory_fd, const char *path, int *fd_out, struct failure *why);

/* mkdir with exactly this mode, whatever the umask; one that is there is fine and left alone. */
MUST_USE bool directory_create_at(int directory_fd, const char *path, mode_t mode, struct failure *why);
/* As mkdir -p: parents that are missing get mode too. */
MUST_USE bool directory_create_path(const char *path, mode_t mode, struct failure *why);
/*
 * Creates it or puts owner and mode right. Refuses what is there and no directory, or a link.
 * (uid_t) -1, (gid_t) -1: the owner is not looked at.
 */
MUST_USE bool directory_ensure(const char *path, mode_t mode, uid_t uid, gid_t gid, struct failure *why);
MUST_USE bool directory_remove_at(int directory_fd, const char *path, struct failure *why);
/* Whether another filesystem, or another part of the same, is mounted at path; false where the kernel cannot tell. */
bool directory_is_mount(const char *path);

/* Walks the names of one directory in the system's order, without "." and "..". */
MUST_USE bool directory_open(int directory_fd, const char *path, struct directory **directory_out, struct failure *why);
/* The descriptor of the directory being walked, for _at calls; it belongs to the walk. */
int directory_fd(const struct directory *directory);
/*
 * The next name, valid until the next call; false at the end, or on failure, which
 * directory_close then tells. type_out is DT_REG, DT_DIR, ... or DT_UNKNOWN.
 */
bool directory_next(struct directory *directory, const char **name_out, unsigned char *type_out);
/* The inode number of the name that directory_next gave last. */
uint64_t directory_inode(const struct directory *directory);
/* Leaves *directory NULL; NULL is fine. False if the walk had stopped on a failure. */
bool directory_close(struct directory **directory, struct failure *why);
/* As directory_close for CLEANUP(), when nobody asks. */
void directory_discard(struct directory **directory);

#endif
