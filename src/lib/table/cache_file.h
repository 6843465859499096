/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_CACHE_FILE_H
#define TABLE_CACHE_FILE_H

#include "base/failure.h"

#include <lmdb.h>
#include <sys/types.h>

/* cache_file - the LMDB file of a cache: opened, looked through before anybody trusts it, and thrown away. */

/* flags: of mdb_env_open; the file is made if it is missing. 0, or LMDB's or the system's error: nothing is open then.
 */
int cache_file_open(const char *path, unsigned flags, MDB_env **environment_out, MDB_dbi *database_out);

/* With its lock. */
void cache_file_forget(const char *path);

/*
 * Reads all of a file that is there, the list of free pages too, in a child process as uid and gid, which may die of
 * what it reads. One that is damaged or unreadable is removed. False: no child process could be had.
 */
MUST_USE bool cache_file_look(const char *path, uid_t uid, gid_t gid, bool *is_damaged_out, struct failure *why);

#endif
