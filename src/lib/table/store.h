/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_STORE_H
#define TABLE_STORE_H

#include "base/failure.h"
#include "base/str.h"

/*
 * store - what a kind of table file brings for writing: a row of functions each, in berkeley_store.c, cdb_store.c
 * and lmdb_store.c.
 * table_writer decides which file is written; a store writes it.
 */
struct store {
    const char *type;   /* hash, btree, cdb, lmdb */
    const char *suffix; /* .db, .cdb, .lmdb */
    bool has_no_nul;    /* keys and values have no NUL at their end unless that is wanted */
    /* Creates the file if it is missing or empty. *handle_out is closed by commit or discard. */
    bool (*open)(const char *path, void **handle_out, struct failure *why);
    /* Without may_replace, is_duplicate_out is set for a key that is there. */
    bool (*put)(void *handle, struct str key, struct str value, bool may_replace, bool *is_duplicate_out,
                struct failure *why);
    /* NULL: the file can only be made anew. */
    bool (*remove)(void *handle, struct str key, bool *was_there_out, struct failure *why);
    /* Writes all to the file, and closes. */
    bool (*commit)(void *handle, struct failure *why);
    void (*discard)(void *handle);
};

extern const struct store hash_store;
extern const struct store btree_store;
extern const struct store cdb_store;
extern const struct store lmdb_store;

#endif
