/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"
#include "os/fd.h"
#include "os/file.h"
#include "table/key_marks.h"
#include "table/store.h"

#include <cdb.h>
#include <errno.h>
#include <fcntl.h>

struct cdb_handle {
    struct cdb_make make;
    struct key_marks marks;
    int fd;
};

static bool open_store(const char *path, void **handle_out, struct failure *why)
{
    struct cdb_handle *handle = memory_alloc(sizeof(*handle));

    if (!file_open(path, O_RDWR | O_CREAT, 0644, &handle->fd, why)) {
        memory_free(handle);
        return false;
    }
    if (cdb_make_start(&handle->make, handle->fd) != 0) {
        (void) failure_system(why, errno, "initialize database");
        fd_close(&handle->fd);
        memory_free(handle);
        return false;
    }
    key_marks_init(&handle->marks);
    *handle_out = handle;
    return true;
}

/* The library looks through a share of all keys, which is much when there are millions: it is asked if need be. */
static int put_pair(struct cdb_handle *handle, struct str key, struct str value, bool may_replace)
{
    if (!key_marks_note(&handle->marks, key))
        return cdb_make_add(&handle->make, key.data, (unsigned) key.len, value.data, (unsigned) value.len);
    return cdb_make_put(&handle->make, key.data, (unsigned) key.len, value.data, (unsigned) value.len,
                        may_replace ? CDB_PUT_REPLACE : CDB_PUT_INSERT);
}

/* The database's length is 32 bits: what does not fit is an error. */
static bool put(void *opaque, struct str key, struct str value, bool may_replace, bool *is_duplicate_out,
                struct failure *why)
{
    struct cdb_handle *handle = opaque;
    int there = put_pair(handle, key, value, may_replace);

    if (there < 0)
        return failure_system(why, errno, "write database");
    *is_duplicate_out = there > 0 && !may_replace;
    return true;
}

static bool end(struct cdb_handle *handle, struct failure *why)
{
    bool is_done = cdb_make_finish(&handle->make) == 0 || failure_system(why, errno, "write database");

    fd_close(&handle->fd);
    key_marks_done(&handle->marks);
    memory_free(handle);
    return is_done;
}

static bool commit(void *opaque, struct failure *why)
{
    return end(opaque, why);
}

/* What the library has allocated goes with the end of the database. */
static void discard(void *opaque)
{
    struct failure ignored;

    (void) !end(opaque, &ignored);
}

const struct store cdb_store = {
    .type = "cdb",
    .suffix = ".cdb",
    .has_no_nul = true,
    .open = open_store,
    .put = put,
    .commit = commit,
    .discard = discard,
};
