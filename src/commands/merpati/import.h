/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MERPATI_IMPORT_H
#define MERPATI_IMPORT_H

#include "merpati/import_text.h"
#include "merpati/instance.h"

/*
 * import - takes the configuration of a Postfix over: docs/import.md. The new configuration is made in
 * a folder of its own until all of it is there; the source is only read.
 */
struct import_job {
    struct arena *arena;
    struct str source;                    /* absolute, without a slash at its end */
    struct str given;                     /* the source, as it was named */
    struct str old_queue, old_data;       /* where the source has them */
    struct str target;                    /* likewise */
    const char *stage;                    /* the target in the making */
    const struct main_cf *old;            /* the source's main.cf */
    const struct main_cf *place;          /* what main.cf of the target said before, or nothing but defaults */
    bool has_main_cf;                     /* the target had one */
    const struct shared_settings *shared; /* from place */
    struct import_move moves[5];          /* configuration, queue, data, other names of the configuration */
    size_t move_count;
    struct str other; /* a configuration beside it that is not taken over and may be named; empty if there is none */
    uid_t old_user;   /* their mail_owner; (uid_t) -1: there is none */
    gid_t old_group, new_group; /* of files that only the mail system may read; (gid_t) -1: there is none */
    struct strlist files;       /* of the source, copied */
    struct strlist replaced;    /* in the stage: what gave its name to a file of the source, */
    struct strlist asides;      /* and where it is now */
};

/* "merpati import [-f] directory"; the exit status. */
int import_run(const struct instance_options *options, int argc, char **argv);

/* Says something about the import, on standard output. */
PRINTF_LIKE(1, 2) void import_say(const char *format, ...);

/* path as it is without links. */
MUST_USE bool import_find_directory(struct arena *arena, const char *path, struct str *directory_out,
                                    struct failure *why);
/* What main.cf of the source says, or Postfix's own default. */
MUST_USE bool import_source_value(const struct import_job *job, const char *name, const char *fallback,
                                  struct str *value_out, struct failure *why);
/* Fills in what there is to know of the source, then of the target. */
MUST_USE bool import_read_source(struct import_job *job, const char *path, struct failure *why);
MUST_USE bool import_read_target(struct import_job *job, const struct instance_options *options, bool may_replace,
                                 struct failure *why);

/*
 * The stage is a folder with all that the target has, and what is copied into it: at the end it takes the target's
 * place at once, or, where that cannot be, file by file, main.cf last. Until then nothing of the target is another.
 */
MUST_USE bool import_stage_begin(struct import_job *job, struct failure *why);
MUST_USE bool import_stage_finish(const struct import_job *job, struct failure *why);
/* Removes the stage and all in it: what was copied, or, after its end, what the target was. */
void import_stage_discard(const struct import_job *job);

/*
 * Copies the source's files into the stage, with owner, mode and time, main.cf and other .cf files adapted. What is
 * there already is put aside.
 */
MUST_USE bool import_files_copy(struct import_job *job, struct failure *why);
/* What was put aside stays if it differs from what took its place, and is named. */
MUST_USE bool import_files_settle(const struct import_job *job, struct failure *why);

/* Says what of a file that is copied as it is may have to be changed by hand. */
void import_look_into(const struct import_job *job, const char *from, off_t size);
/* Says which paths of a text, adapted already, lead into the source, or into another Postfix's configuration. */
void import_look_at_paths(const struct import_job *job, const char *where, struct str text);
/* Of each line but comments. */
void import_look_at_lines(const struct import_job *job, const char *name, struct str text);

/* The main.cf of the target: what belongs to the other system is commented out, what says where this one is stays. */
void import_main_cf(struct import_job *job, struct str text, struct strbuf *out);

/* Names each socket of another program that the configuration speaks of, and what that program has to change. */
void import_sockets_tell(const struct import_job *job);

#endif
