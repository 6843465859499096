/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_MODULE_H
#define TABLE_MODULE_H

#include <stddef.h>
#include <stdint.h>

/*
 * module - what a shared object brings that is a table type: the one interface for those who write one. It needs no
 * other header of ours and no library; docs/tables.md tells how it is found.
 *
 * The object has a variable of type struct merpati_table_module, whose name stands in dynamicmaps.cf. All functions are
 * called by one thread at a time for one table; those of several tables may run at the same time where the module
 * blocks. They must not fork, exit, change signals or write to standard output.
 */
#define MERPATI_TABLE_MAGIC "merpati-table"

enum {
    MERPATI_TABLE_VERSION = 1,
};

enum merpati_table_module_flag {
    /* Asked for the whole key only, as regexp:; else also for its parts, and keys are lower-cased. */
    MERPATI_TABLE_HAS_PATTERNS = 1 << 0,
    /* A lookup may wait (network, disk): it is made in a thread. */
    MERPATI_TABLE_BLOCKS = 1 << 1,
    /* Talks to a server: services that may not do that let proxymap ask, which may wait. */
    MERPATI_TABLE_IS_REMOTE = 1 << 2,
};

enum merpati_table_result {
    MERPATI_TABLE_FOUND = 0,
    MERPATI_TABLE_ABSENT = 1,
    MERPATI_TABLE_UNKNOWN = 2, /* the table cannot answer: mail is deferred */
};

/* A text that the caller has room for: up to size bytes with the NUL at its end. */
struct merpati_table_text {
    char *data;
    size_t size;
};

struct merpati_table_module {
    char magic[16];   /* MERPATI_TABLE_MAGIC */
    uint32_t version; /* MERPATI_TABLE_VERSION */
    uint32_t flags;   /* enum merpati_table_module_flag */
    /* Opens "type:name", as root if the service is started so. NULL: it cannot be, and why says why. */
    void *(*open)(const char *name, struct merpati_table_text why);
    /* key: len bytes and a NUL. With FOUND, put was called once with the value; with UNKNOWN, why is set. */
    enum merpati_table_result (*lookup)(void *table, const char *key, size_t len,
                                        void (*put)(void *context, const char *value, size_t len), void *context,
                                        struct merpati_table_text why);
    void (*close)(void *table);
};

#endif
