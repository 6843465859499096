/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_DRIVER_H
#define TABLE_DRIVER_H

#include "table/module.h"

#include <stdbool.h>

/*
 * driver - what a shared object brings that speaks with one kind of database: connecting, quoting, asking.
 *
 * Everything else is the same for all of them and done outside (table/database_table.h): the table's file,
 * %-expansions, result_format, domain, expansion_limit, several hosts, connections that lookups share, back-off,
 * threads. As module.h it needs no library of ours.
 *
 * open and close are called in the main thread. Everything else may be called in any thread, for different connections
 * at the same time, one call at a time for a connection; it may block. Nothing may fork, exit, change signals or write
 * to standard output.
 */
#define MERPATI_DRIVER_MAGIC "merpati-driver"

enum {
    MERPATI_DRIVER_VERSION = 3,
    MERPATI_DRIVER_TEMPLATES = 4, /* at most */
};

/* The table's file, or its parameters in main.cf. */
struct merpati_driver_settings {
    /* As written; NULL: not given. Lives as long as the table. */
    const char *(*get)(const struct merpati_driver_settings *settings, const char *name);
    /* For messages: "/etc/merpati/aliases.cf", or "main.cf". */
    const char *origin;
};

enum merpati_driver_result {
    MERPATI_DRIVER_DONE,   /* with any number of values, none too */
    MERPATI_DRIVER_ENOUGH, /* as DONE, but nobody wanted the rest: the connection is of no more use */
    MERPATI_DRIVER_FAILED, /* the question is wrong, or cannot be answered; the connection is good */
    MERPATI_DRIVER_LOST,   /* the connection is gone: it will be closed, and the question asked again on a new one */
};

enum merpati_driver_order {
    MERPATI_DRIVER_RANDOM,
    MERPATI_DRIVER_LOCAL_FIRST, /* sockets of this host, then the others; each in random order */
    MERPATI_DRIVER_AS_WRITTEN,
};

/* Where values go, in their order; an empty one is skipped. A table of millions of rows is not to be held in memory. */
struct merpati_driver_values {
    void (*add)(void *context, const char *value, size_t len);
    /* False: there are too many already, and the rest changes nothing. */
    bool (*wants_more)(void *context);
    /* What was added so far does not count. */
    void (*restart)(void *context);
    void *context;
};

struct merpati_driver {
    char magic[16];   /* MERPATI_DRIVER_MAGIC */
    uint32_t version; /* MERPATI_DRIVER_VERSION */
    uint32_t flags;   /* enum merpati_table_module_flag: IS_REMOTE where there is a server */
    /* All settings of its own; another name is warned of. Each list ends with NULL. */
    const char *const *names;
    /* Those on which a connection depends: tables that agree on all of them, and on hosts, share connections. */
    const char *const *connection_names;
    /* The setting that lists the servers, and its default; NULL: there are none, and connect gets an empty host. */
    const char *hosts_name;
    const char *hosts_default;
    /* In which servers are tried, as long as they are there. */
    enum merpati_driver_order hosts_order;
    /* Settings that are texts with %-expansions of the key, in the order in which ask gets them. */
    const char *const *templates;
    /*
     * The text of a template that is not given, made of older settings. Sets nothing: the template is empty. False: it
     * cannot do without, and why says what is missing. NULL: each must be given.
     */
    bool (*compose)(const struct merpati_driver_settings *settings, unsigned index,
                    void (*put)(void *context, const char *text, size_t len), void *context,
                    struct merpati_table_text why);
    /* What connect and ask need of the settings, read and judged. NULL: something is wrong, and why says what. */
    void *(*open)(const struct merpati_driver_settings *settings, struct merpati_table_text why);
    void (*close)(void *table);
    /* Connects and logs in, within 30 seconds. NULL: it cannot be done, and why says why. */
    void *(*connect)(const void *table, const char *host, struct merpati_table_text why);
    void (*disconnect)(void *connection);
    /* A part of a key as it has to stand in template number index, given to put in one or several pieces. False: it
     * cannot stand there (no entry has such a key). */
    bool (*quote)(void *connection, unsigned index, const char *text, size_t len,
                  void (*put)(void *context, const char *text, size_t len), void *context);
    /* texts: one a template. why is set unless it is DONE. */
    enum merpati_driver_result (*ask)(const void *table, void *connection, const char *const *texts,
                                      const struct merpati_driver_values *values, struct merpati_table_text why);
};

#endif
