/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_TABLE_WRITER_H
#define TABLE_TABLE_WRITER_H

#include "base/failure.h"
#include "base/str.h"

#include <sys/types.h>

/*
 * table_writer - makes and changes the files of hash:, btree:, cdb: and lmdb: tables.
 *
 * All changes go into a new file beside the old one, which takes its place, synced, at commit: readers see the old
 * table or the new one, never less, and neither does a power cut. The old file is locked meanwhile, so
 * that two writers wait for each other. Where the directory cannot be written but the file can, it is changed in place
 * under that lock, as Postfix does.
 */
struct table_writer;

enum table_writer_mode {
    TABLE_REBUILD, /* begins empty; makes the file if it is missing */
    TABLE_EXTEND,  /* begins with what is there; makes the file if it is missing */
    TABLE_CHANGE,  /* begins with what is there, which must exist */
};

struct table_writer_options {
    mode_t mode;     /* of a new file; an old one's mode and owner stay */
    bool has_no_nul; /* keys and values without the NUL at their end */
    bool has_nul;    /* with it, also where the type has none */
};

/* Whether files of this type can be made. */
bool table_writer_knows(struct str type);

/* path is the table's name, without .db, .cdb or .lmdb. A cdb: table can only be rebuilt. */
MUST_USE bool table_writer_open(struct str type, struct str path, enum table_writer_mode mode,
                                const struct table_writer_options *options, struct table_writer **writer_out,
                                struct failure *why);
/* The name of the file for messages: "/etc/aliases.db". */
const char *table_writer_path(const struct table_writer *writer);

/* Without may_replace a key that is there stays as it is and *is_duplicate_out is set. */
MUST_USE bool table_writer_put(struct table_writer *writer, struct str key, struct str value, bool may_replace,
                               bool *is_duplicate_out, struct failure *why);
/* What is put from now on has no NUL at its end. */
void table_writer_drop_nul(struct table_writer *writer);
/* In both forms, with the NUL and without. */
MUST_USE bool table_writer_remove(struct table_writer *writer, struct str key, bool *was_there_out,
                                  struct failure *why);

/* Makes the new table the table. Ends the writer in any case; leaves *writer NULL. */
MUST_USE bool table_writer_commit(struct table_writer **writer, struct failure *why);
/* The table stays as it was (but see above, in place). Leaves *writer NULL; a NULL writer is fine. */
void table_writer_abort(struct table_writer **writer);

#endif
