/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NOTICE_TEMPLATE_FILE_H
#define NOTICE_TEMPLATE_FILE_H

#include "base/arena.h"
#include "base/strlist.h"

/*
 * template_file - the entries of a file of templates: "name = <<END", lines taken as they stand, END on a line of its
 * own; or "name = value". Between entries, lines that are empty or begin with # mean nothing.
 */
struct template_file {
    struct str rest;
    struct str file;
    struct arena *arena;
    struct strlist *warnings;
    unsigned line;       /* of the one read last */
    const char *problem; /* why there is no next entry; NULL at the end of the file */
};

struct template_file_entry {
    struct str name;
    struct str value; /* whole lines, of <<END; never with NULL data */
    unsigned line;    /* where it ends */
};

struct template_file template_file_over(struct str bytes, struct str file, struct arena *arena,
                                        struct strlist *warnings);
/* False at the end and at a line that is no entry. */
bool template_file_next(struct template_file *source, struct template_file_entry *entry_out);

#endif
