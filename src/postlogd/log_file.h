/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTLOGD_LOG_FILE_H
#define POSTLOGD_LOG_FILE_H

#include "base/failure.h"
#include "base/str.h"

#include <sys/types.h>

/*
 * log_file - the file, or standard output, that lines are written to. A disk that is full or broken costs
 * lines, never more: they are counted, and the count is written as soon as writing works again.
 */
struct log_file {
    int fd;
    bool is_output; /* standard output, not closed */
    size_t lost_lines;
};

/* "/dev/stdout" is standard output; any other name is opened for appending, made with mode if missing. */
MUST_USE bool log_file_open(struct log_file *file, const char *path, mode_t mode, struct failure *why);
void log_file_close(struct log_file *file);
/*
 * Whole lines. After a failure, the first that works is preceded by one that tells what was lost; prefix is what that
 * one begins with, and not looked at while lost_lines is 0.
 */
void log_file_write(struct log_file *file, struct str lines, struct str prefix);

#endif
