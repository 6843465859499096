/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_LINES_H
#define CONFIG_LINES_H

#include "base/cursor.h"
#include "base/strbuf.h"

/*
 * lines - the logical lines of main.cf and master.cf: a line that begins with white space continues the one
 * before; empty lines and those whose first other byte is "#" vanish, also between a line and its continuation.
 */
struct logical_lines {
    struct cursor cursor;
    unsigned next_number; /* of the physical line at the cursor */
};

struct logical_line {
    struct str text;       /* the parts as they stand, joined without their line ends */
    unsigned number;       /* of its first physical line */
    bool is_without_start; /* the file's first line began with white space */
};

struct logical_lines logical_lines_over(struct str text);
/* False at the end. The text lies in buffer until the next call. */
bool logical_lines_next(struct logical_lines *lines, struct strbuf *buffer, struct logical_line *line_out);

#endif
