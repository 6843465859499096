/* SPDX-License-Identifier: Apache-2.0 */
#include "listing/service.h"

#include "os/file.h"
#include "os/system_socket.h"

#include <errno.h>

bool listing_connect(const struct shared_settings *shared, struct arena *arena, int *fd_out, struct failure *why)
{
    struct str path = arena_printf(arena, "public/%.*s", STR_ARG(shared->showq_service_name));

    return system_socket_connect_unix(arena_c(arena, path), fd_out, why);
}

static bool read_listing(int fd, struct showq_reader *reader, FILE *out, struct failure *why)
{
    char bytes[8192];
    size_t count;

    for (;;) {
        if (!file_read(fd, "queue listing", bytes, sizeof bytes, &count, why))
            return false;
        if (count == 0)
            break;
        if (!showq_reader_take(reader, str_make(bytes, count)))
            return failure_set(why, FAILURE_PROTOCOL, 0, "malformed queue listing");
        if (ferror(out))
            return failure_system(why, errno, "write the listing");
    }
    if (!showq_reader_is_complete(reader))
        return failure_set(why, FAILURE_RETRY, 0, "the listing ended early: see the log");
    return true;
}

bool listing_from_service(int fd, const struct showq_sink *sink, FILE *out, struct failure *why)
{
    struct showq_reader reader;
    bool is_good;

    showq_reader_init(&reader, sink);
    is_good = read_listing(fd, &reader, out, why);
    showq_reader_done(&reader);
    return is_good;
}
