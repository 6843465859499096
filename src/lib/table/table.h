/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_TABLE_H
#define TABLE_TABLE_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/strlist.h"

/*
 * table - one lookup table, opened by its "type:name", and the set that holds a process's tables.
 *
 * All tables are opened before the jail and live as long as their set; the same name with the same flags is
 * opened once. The files that were read are recorded (table_set_files) so that master can watch them: a
 * changed table comes with the next generation of workers, never by opening again.
 * A table that cannot be opened is no error for a daemon: the set warns once and every lookup answers
 * UNKNOWN with that text, so mail is deferred. Lookups in proxy:, socketmap:, tcp: and unix: may wait, so they are made
 * in a fiber where the set has a loop; all others answer at once.
 */
struct loop;
struct main_cf;
struct table;
struct table_set;

enum table_result {
    TABLE_FOUND,
    TABLE_ABSENT,
    TABLE_UNKNOWN, /* the table could not answer: defer, and say why */
};

/* FIXED tables can be asked for parts of a key (user, @domain, parent domains); PATTERN tables (regexp, pcre, cidr,
 * …) are asked for the whole key only. */
enum table_kind {
    TABLE_FIXED = 1,
    TABLE_PATTERN = 2,
    TABLE_ANY_KIND = TABLE_FIXED | TABLE_PATTERN,
};

enum table_flag {
    TABLE_FOLD = 1 << 0,            /* keys of FIXED tables are lower-cased before the lookup; nearly always wanted */
    TABLE_NO_SUBSTITUTION = 1 << 1, /* rules whose result has $number are refused */
    TABLE_NO_PROXY = 1 << 2,        /* proxy: is skipped: the table behind it is opened here */
    TABLE_FOLD_PATTERN = 1 << 3,    /* keys of PATTERN tables are lower-cased too */
    TABLE_WARN_DUPLICATE = 1 << 4,  /* texthash: and inline: warn about a key that comes twice */
    TABLE_NO_UNVOUCHED = 1 << 5,    /* socketmap: and tcp:, whose servers nobody vouches for, are refused */
    /* For what chooses commands, files and users' rights (local, virtual, pipe): no outsider may shape the result. */
    TABLE_PARANOID = TABLE_NO_SUBSTITUTION | TABLE_NO_PROXY | TABLE_NO_UNVOUCHED,
};

struct table_set_options {
    struct loop *loop;         /* NULL in commands: what would wait in a fiber then simply blocks */
    const struct main_cf *cf;  /* says where loadable types are; NULL: there are none */
    bool is_confined;          /* socketmap:, tcp: and the like are asked by proxymap, as with proxy: before them */
    bool takes_any_value;      /* values that are no UTF-8 are found all the same: the caller judges them */
    const char *proxymap_path; /* NULL: private/proxymap */
    void (*warn)(void *context, const char *text); /* told of broken tables and bad rules; NULL: nobody is */
    void *warn_context;
    /* Told of each file before it is opened, whether it is there or not: the place for daemon_watch_file. May be NULL.
     */
    void (*opening)(void *context, const char *path);
    void *opening_context;
};

struct table_set *table_set_create(const struct table_set_options *options);
/* Closes all tables. Leaves *set NULL; a NULL set is fine. */
void table_set_destroy(struct table_set **set);

/* The absolute paths of all files that answers depend on, missing ones too, for master to watch. Lives as long as the
 * set. */
const struct strlist *table_set_files(const struct table_set *set);
/* Records a file, before it is opened. */
void table_set_add_file(struct table_set *set, struct str path);

/*
 * Opens "type:name" ("inline:{a=b, c=d}", "static:text" and so on). On failure no table is kept, and why names the
 * table and, where there is one, file and line: "open database /etc/x.db: No such file or directory".
 */
MUST_USE bool table_open(struct table_set *set, struct str name, unsigned flags, struct table **table_out,
                         struct failure *why);
/* As table_open, but a table that cannot be opened is warned of and answers UNKNOWN ever after. Never NULL. */
struct table *table_open_or_defer(struct table_set *set, struct str name, unsigned flags);

/*
 * value_out lives in the arena and is set with FOUND only; why is set with UNKNOWN only. A value may be empty.
 * An empty key is asked for as any other: a pattern may match an empty line. Lists (table_list, match_list) do not ask.
 */
MUST_USE enum table_result table_lookup(struct table *table, struct str key, struct arena *arena, struct str *value_out,
                                        struct failure *why);

/* One of FIXED and PATTERN; a table of tables (pipemap, unionmap) is PATTERN if one of its parts is. */
enum table_kind table_kind_of(const struct table *table);
/* "type:name" as opened. */
struct str table_name(const struct table *table);

/* All entries in the table's own order; FAILURE_PERMANENT for types that cannot be listed. visit returns false to stop.
 */
MUST_USE bool table_walk(struct table *table, bool (*visit)(void *context, struct str key, struct str value),
                         void *context, struct failure *why);

/* Whether the table is a server's (socketmap:, tcp: and the like), by its name: a set with is_confined leaves it to
 * proxymap. */
bool table_is_remote(struct table_set *set, struct str name);

/* Says that there is no such type, and which package of ours has it; returns false. */
bool table_type_refuse(struct str name, struct failure *why);

/* The names of the types there are, those of modules too, sorted, as `postconf -m` prints them. In the set's arena. */
struct strlist table_type_names(struct table_set *set);

#endif
