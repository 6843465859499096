/* SPDX-License-Identifier: Apache-2.0 */
#include "postlogd/log_file.h"

#include "base/strbuf.h"
#include "os/fd.h"
#include "os/file.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

bool log_file_open(struct log_file *file, const char *path, mode_t mode, struct failure *why)
{
    *file = (struct log_file){ .fd = -1 };
    if (strcmp(path, "/dev/stdout") == 0) {
        file->fd = STDOUT_FILENO;
        file->is_output = true;
        return true;
    }
    return file_open(path, O_WRONLY | O_APPEND | O_CREAT, mode, &file->fd, why);
}

void log_file_close(struct log_file *file)
{
    if (!file->is_output)
        fd_close(&file->fd);
    file->fd = -1;
}

void log_file_write(struct log_file *file, struct str lines, struct str prefix)
{
    struct strbuf report;

    strbuf_init(&report, 500);
    if (file->lost_lines > 0)
        strbuf_printf(&report, "%.*swarning: %zu lines could not be written to the log file\n", STR_ARG(prefix),
                      file->lost_lines);
    if (report.len > 0 && file_write(file->fd, "the log file", strbuf_str(&report), NULL))
        file->lost_lines = 0;
    if (!file_write(file->fd, "the log file", lines, NULL))
        file->lost_lines += str_count_char(lines, '\n');
    strbuf_done(&report);
}
