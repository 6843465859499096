/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOOL_MAILDROP_FILE_H
#define SPOOL_MAILDROP_FILE_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/str.h"
#include "base/strlist.h"
#include "base/time.h"

#include <sys/types.h>

/*
 * maildrop_file - what postdrop leaves in maildrop/ and pickup takes up: one file a message.
 *
 * Mode 0600 while written and 0744 (user execute bit) once complete; the folder keeps strangers out, as in
 * Postfix: pickup looks only at files with that bit. Layout: "MPDR", version, records of the sender's wishes, content
 * in one piece with LF line ends, end record with a checksum (unsalted: it guards against rot, not against the user who
 * wrote it; pickup trusts nothing in it). Paths are relative to the queue directory. All calls block.
 */
struct maildrop_message {
    struct instant arrival;
    uid_t uid; /* who ran the command; pickup believes the file's owner instead */
    struct str sender;
    struct str full_name;
    struct str dsn_envid;
    struct str dsn_return;      /* FULL, HDRS or empty */
    struct str dsn_notify;      /* as in RCPT: "NEVER", "SUCCESS,DELAY"; empty: not asked; for all recipients */
    struct str verp_delimiters; /* sendmail -XV: two bytes, or empty */
    struct str encoding;        /* 7bit, 8bit or empty */
    struct str rewrite_context; /* "local" */
    bool wants_extraction;      /* sendmail -t */
    bool wants_verify_report;   /* -bv */
    bool wants_delivery_report; /* -v */
    bool wants_smtputf8;
    struct strlist recipients;
    struct strlist recipient_wishes; /* empty, or one for each recipient: see maildrop_add_recipient */
    /* Mail that postsuper -r sends round again; believed only of a file of the queue's owner. */
    struct str original_id; /* the queue id it had */
    struct instant original_arrival;
    struct strlist attributes; /* "name=value" as cleanup takes them: where it came from */
};

/* What came with one address in SMTP. */
struct maildrop_recipient {
    struct str address;
    struct str original;  /* before rewriting, or empty */
    struct str dsn_orcpt; /* "type;address", decoded, or empty */
    unsigned dsn_notify;  /* enum dsn_notify */
};

/* A recipient with wishes of its own: all of a message are added so, or none. Copies into the arena. */
void maildrop_add_recipient(struct maildrop_message *message, struct arena *arena,
                            const struct maildrop_recipient *recipient);
/* Recipient number i, as far as it says something of itself. */
struct maildrop_recipient maildrop_recipient(const struct maildrop_message *message, size_t i);

struct maildrop_writer;

/* A new file with a name of its own; the name is kept for maildrop_writer_name. */
MUST_USE bool maildrop_create(struct maildrop_writer **writer_out, struct failure *why);
/* First the message's wishes, once; then content as often as needed. */
MUST_USE bool maildrop_write_message(struct maildrop_writer *writer, const struct maildrop_message *message,
                                     struct failure *why);
MUST_USE bool maildrop_write_content(struct maildrop_writer *writer, struct str content, struct failure *why);
/* End record, execute bit, sync, folder synced: the message is submitted. Leaves *writer NULL; on failure the file is
 * gone. */
MUST_USE bool maildrop_finish(struct maildrop_writer **writer, struct failure *why);
/* Removes the file. Leaves *writer NULL; NULL is fine. Async-signal handlers must not call it. */
void maildrop_abandon(struct maildrop_writer **writer);
const char *maildrop_writer_path(const struct maildrop_writer *writer);

/*
 * Opens a complete file. FAILURE_PERMANENT: it is damaged or no message (goes to corrupt/). *fd_out stands anywhere;
 * read content with pread at content_offset_out. uid and arrival are
 * the file's owner and mtime.
 */
MUST_USE bool maildrop_open(const char *path, struct arena *arena, struct maildrop_message *message_out, int *fd_out,
                            uint64_t *content_offset_out, uint64_t *content_length_out, struct failure *why);

#endif
