/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_TABLE_TYPE_H
#define TABLE_TABLE_TYPE_H

#include "table/table.h"

/*
 * table_type - what a kind of table brings: one file a kind, one row of functions each, all rows in table.c.
 *
 * Memory of an open table is the set's arena; close() frees only what is not (handles of libraries).
 */
struct table_type {
    const char *name;
    enum table_kind kind;
    bool is_remote;    /* asks a server: done by proxymap where the set wants that */
    bool is_unvouched; /* anybody could be that server: refused with TABLE_NO_UNVOUCHED */
    /* Sets table->state, and table->kind where it depends on the argument. The failure need not name the table. */
    bool (*open)(struct table *table, struct str argument, struct failure *why);
    /* The key is folded already. */
    enum table_result (*lookup)(struct table *table, struct str key, struct arena *arena, struct str *value_out,
                                struct failure *why);
    /* NULL: cannot be listed. */
    bool (*walk)(struct table *table, bool (*visit)(void *context, struct str key, struct str value), void *context,
                 struct failure *why);
    void (*close)(struct table *table); /* NULL: nothing to do */
};

struct table {
    const struct table_type *type;
    struct table_set *set;
    struct str name; /* type:argument */
    unsigned flags;
    enum table_kind kind;
    void *state;
};

extern const struct table_type btree_table_type;
extern const struct table_type cdb_table_type;
extern const struct table_type cidr_table_type;
extern const struct table_type debug_table_type;
extern const struct table_type environ_table_type;
extern const struct table_type fail_table_type;
extern const struct table_type hash_table_type;
extern const struct table_type inline_table_type;
extern const struct table_type internal_table_type;
extern const struct table_type lmdb_table_type;
extern const struct table_type memcache_table_type;
extern const struct table_type pcre_table_type;
extern const struct table_type pipemap_table_type;
extern const struct table_type proxy_table_type;
extern const struct table_type randmap_table_type;
extern const struct table_type regexp_table_type;
extern const struct table_type socketmap_table_type;
extern const struct table_type static_table_type;
extern const struct table_type tcp_table_type;
extern const struct table_type texthash_table_type;
extern const struct table_type unionmap_table_type;
extern const struct table_type unix_table_type;

/* NULL if there is no such type, as why says. A module is loaded. */
const struct table_type *table_set_type(struct table_set *set, struct str name, struct failure *why);

/* Whether keys and values are addresses, names and actions, which with smtputf8_enable are UTF-8; patterns for content
 * (header_checks, body_checks) are not: their tables are opened without TABLE_FOLD. */
bool table_wants_utf8(const struct table *table);

struct database_server;

struct arena *table_set_arena(struct table_set *set);
/* The servers that databases' tables of the set share. */
struct database_server **table_set_databases(struct table_set *set);
const struct table_set_options *table_set_options(const struct table_set *set);
PRINTF_LIKE(2, 3) void table_set_warn(const struct table_set *set, const char *format, ...);

#endif
