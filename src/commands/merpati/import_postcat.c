/* SPDX-License-Identifier: Apache-2.0 */
#include "merpati/import_postcat.h"

#include "os/fd.h"
#include "os/file.h"
#include "os/process.h"

#include <sys/wait.h>
#include <unistd.h>

/* That of a package unpacked into a folder: its libraries are beside it, and not where it was made to look. */
static char *library_path(const struct import_source *source, struct arena *arena)
{
    struct str postcat = str_from_c(source->postcat);
    struct str folder = str_part(postcat, 0, str_find_last_char(postcat, '/'));

    return arena_c(arena, arena_printf(arena, "LD_LIBRARY_PATH=%.*s/../lib/postfix:%.*s/../lib64/postfix",
                                       STR_ARG(folder), STR_ARG(folder)));
}

bool import_postcat_begin(const struct import_source *source, const char *what, const char *path,
                          struct import_reading *reading, struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    char *arguments[] = { arena_c(arena, STR("postcat")),    arena_c(arena, STR("-c")),
                          arena_c(arena, source->directory), arena_c(arena, str_from_c(what)),
                          arena_c(arena, str_from_c(path)),  NULL };
    char *environment[] = { arena_c(arena, arena_printf(arena, "TZ=%s", source->time_zone)),
                            arena_c(arena, STR("LC_ALL=C")), arena_c(arena, STR("PATH=/usr/sbin:/usr/bin:/sbin:/bin")),
                            library_path(source, arena), NULL };
    CLEANUP(fd_close) int theirs = -1;
    int ends[2];
    bool is_started;

    if (!fd_pipe(ends, why))
        return false;
    theirs = ends[1];
    reading->fd = ends[0];
    const struct process_fd fds[] = { { theirs, STDOUT_FILENO }, { STDERR_FILENO, STDERR_FILENO } };
    const struct process_start start = { .path = source->postcat,
                                         .arguments = arguments,
                                         .environment = environment,
                                         .fds = fds,
                                         .fd_count = ARRAY_COUNT(fds) };

    is_started = process_start(&start, &reading->pid, why);
    if (!is_started)
        fd_close(&reading->fd);
    return is_started;
}

bool import_postcat_end(struct import_reading *reading, struct failure *why)
{
    int status;

    fd_close(&reading->fd);
    return process_wait(reading->pid, &status, why) &&
           ((WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
            failure_set(why, FAILURE_PERMANENT, 0, "postcat could not read it to its end"));
}

bool import_postcat_envelope(const struct import_source *source, const char *path, struct strbuf *text,
                             struct failure *why)
{
    struct import_reading reading;
    struct failure ignored;
    bool is_read;

    if (!import_postcat_begin(source, "-e", path, &reading, why))
        return false;
    is_read = file_load_fd(reading.fd, path, text, why);
    return import_postcat_end(&reading, is_read ? why : &ignored) && is_read;
}
