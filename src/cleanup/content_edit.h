/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLEANUP_CONTENT_EDIT_H
#define CLEANUP_CONTENT_EDIT_H

#include "base/failure.h"
#include "base/strbuf.h"
#include "spool/journal_writer.h"

/*
 * content_edit - a message's content while milters look at it and change it: its header as text in memory, and a body
 * that stays where it is (memory, or a queue file that is not finished yet) until another takes its place.
 *
 * A body that replaces the old one is gathered apart, in memory up to the limit and beyond it in a file without a name,
 * and takes its place when it is complete: content_edit_keep. content_edit_undo goes back to what was kept last, header
 * and body. Nothing in here can become a message: who holds it writes what came of it. Calls may wait for the disk.
 */
struct content_edit_field {
    struct str name;
    struct str value;
};

struct content_edit_body {
    struct strbuf memory;
    struct journal_file *file; /* NULL: all is in memory */
    uint64_t at;               /* where it begins in memory or file */
};

struct content_edit {
    struct journal_writer *journal;
    struct queue_id id;
    size_t memory_limit;
    struct {
        size_t at, len; /* of header: what milters do not see, the Received field that was just added */
    } hidden;
    size_t kept_hidden_at;
    struct strbuf header;
    struct strbuf kept_header;
    struct content_edit_body body;
    struct content_edit_body new_body; /* of which something has come */
    bool has_name; /* body.file is the file that came, which another of this id would collide with */
    bool is_header_changed;
    bool has_new_body;
    bool ends_line;  /* the new body, so far */
    bool is_changed; /* what was kept, or the file that came has lost its name: the result must be written anew */
    struct strbuf piece;
};

/* Of a header; what is longer no milter can be shown. */
enum { CONTENT_EDIT_HEADER_MAXIMUM = 1024 * 1024 };

struct content_edit_options {
    struct journal_writer *journal;
    struct queue_id id;
    size_t memory_limit;
    struct strbuf *content;     /* taken: what no file holds */
    struct journal_file **file; /* taken; *file NULL: all is in content. else nothing is. */
    uint64_t header_bytes;      /* of the content: its header, without the empty line behind it */
};

/* Takes the content whether it succeeds or not; FAILURE_PERMANENT: the header is longer than the maximum. */
MUST_USE bool content_edit_open(struct content_edit *edit, const struct content_edit_options *options,
                                struct failure *why);
void content_edit_done(struct content_edit *edit);
/* Gives content and file back as they came; only while nothing that was kept changed them. */
void content_edit_return(struct content_edit *edit, struct strbuf *content, struct journal_file **file);

/* ---- looking ---- */

/* The field at *offset (0 at first), which moves behind it; false when there is none. Hidden ones are left out. */
bool content_edit_next_field(const struct content_edit *edit, size_t *offset, struct str *name_out,
                             struct str *value_out);
/* The next bytes of the body behind the empty line, some tens of kB; empty at its end. Valid until the next call. */
MUST_USE bool content_edit_read_body(struct content_edit *edit, uint64_t *offset, struct str *piece_out,
                                     struct failure *why);

/* ---- changing; value: what follows the colon, without the last LF ---- */

/* Before the field at index of all, hidden ones counted, from 0 on; behind the last when there are fewer. */
void content_edit_insert(struct content_edit *edit, uint32_t index, struct str name, struct str value);
void content_edit_add(struct content_edit *edit, struct str name, struct str value);
/* The index-th field of that name that is not hidden, from 1 on (0 is as 1): one more at the end where there is none.
 */
void content_edit_change(struct content_edit *edit, uint32_t index, struct str name,
                         const struct content_edit_field *field);
void content_edit_delete(struct content_edit *edit, uint32_t index, struct str name);
/* More of the new body. */
MUST_USE bool content_edit_add_body(struct content_edit *edit, struct str bytes, struct failure *why);
/* What came since the last time holds, or is forgotten. */
MUST_USE bool content_edit_keep(struct content_edit *edit, struct failure *why);
void content_edit_undo(struct content_edit *edit);

/* ---- the result: header, empty line, body; in pieces, until one is empty ---- */

/* From here on another file of this id can be begun. */
MUST_USE bool content_edit_give_up_name(struct content_edit *edit, struct failure *why);

MUST_USE bool content_edit_read_all(struct content_edit *edit, uint64_t *offset, struct str *piece_out,
                                    struct failure *why);

#endif
