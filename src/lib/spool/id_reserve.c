/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/id_reserve.h"

#include "os/fd.h"
#include "os/file.h"
#include "os/lock.h"
#include "spool/bytes.h"
#include "spool/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

enum { VERSION = 1, AT_VERSION = 4, AT_SEQUENCE = 8, AT_CEILING = 16, AT_DIGEST = 56, SLOT_DATA = 64, PATH_SIZE = 40 };

static const char magic[4] = { 'M', 'P', 'J', 'W' };

static void reserve_path(unsigned writer, char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "journal/writer-%02u", writer);
}

static void read_slot(struct id_reserve *reserve, const unsigned char *slot)
{
    uint64_t sequence = bytes_get_u64(slot + AT_SEQUENCE);

    if (memcmp(slot, magic, sizeof(magic)) != 0 || bytes_get_u32(slot + AT_VERSION) != VERSION ||
        bytes_get_u64(slot + AT_DIGEST) != seal_header_digest(str_make((const char *) slot, AT_DIGEST)))
        return;
    if (sequence < reserve->sequence)
        return;
    reserve->sequence = sequence;
    reserve->ceiling = bytes_get_u64(slot + AT_CEILING);
}

static bool read_slots(struct id_reserve *reserve, const char *path, struct failure *why)
{
    unsigned char slots[ID_RESERVE_SLOTS * ID_RESERVE_SLOT] = { 0 };
    size_t count;

    if (!file_read_at(reserve->fd, path, slots, sizeof(slots), 0, &count, why))
        return false;
    for (size_t i = 0; i < ID_RESERVE_SLOTS; i++)
        read_slot(reserve, slots + i * ID_RESERVE_SLOT);
    /* All of the file is there before it counts, so that raising never changes its size. */
    if (count == sizeof(slots))
        return true;
    return file_write_at(reserve->fd, path, str_make((const char *) slots, sizeof(slots)), 0, why) &&
           file_sync(reserve->fd, path, why);
}

bool id_reserve_open(struct id_reserve *reserve, struct failure *why)
{
    for (unsigned writer = 0; writer < QUEUE_ID_WRITERS; writer++) {
        char path[PATH_SIZE];
        struct failure busy;

        *reserve = (struct id_reserve){ .fd = -1, .writer = writer };
        reserve_path(writer, path);
        if (!file_open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600, &reserve->fd, why))
            return false;
        if (lock_try(reserve->fd, path, LOCK_STYLE_DESCRIPTION, LOCK_EXCLUSIVE, &busy)) {
            /* The name may be new, or its maker was killed before it was durable. */
            if (read_slots(reserve, path, why) && file_sync_directory("journal", why))
                return true;
            id_reserve_close(reserve);
            return false;
        }
        id_reserve_close(reserve);
    }
    return failure_set(why, FAILURE_RETRY, 0, "all %u writers of queue ids are in use", QUEUE_ID_WRITERS);
}

bool id_reserve_raise(struct id_reserve *reserve, uint64_t ceiling, struct failure *why)
{
    uint64_t sequence = reserve->sequence + 1;
    unsigned char slot[SLOT_DATA] = { 0 };
    char path[PATH_SIZE];

    reserve_path(reserve->writer, path);
    memcpy(slot, magic, sizeof(magic));
    bytes_put_u32(slot + AT_VERSION, VERSION);
    bytes_put_u64(slot + AT_SEQUENCE, sequence);
    bytes_put_u64(slot + AT_CEILING, ceiling);
    bytes_put_u64(slot + AT_DIGEST, seal_header_digest(str_make((const char *) slot, AT_DIGEST)));
    if (!file_write_at(reserve->fd, path, str_make((const char *) slot, sizeof(slot)),
                       sequence % ID_RESERVE_SLOTS * ID_RESERVE_SLOT, why) ||
        !file_sync_data(reserve->fd, path, why))
        return false;
    reserve->sequence = sequence;
    reserve->ceiling = ceiling;
    return true;
}

void id_reserve_close(struct id_reserve *reserve)
{
    fd_close(&reserve->fd);
}
