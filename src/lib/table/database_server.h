/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_DATABASE_SERVER_H
#define TABLE_DATABASE_SERVER_H

#include "base/strlist.h"
#include "base/time.h"
#include "table/driver.h"
#include "table/table_type.h"

/*
 * database_server - the servers of one database and our connections to them, which all tables of a process share that
 * would connect in the same way.
 *
 * At most 4 connections are in use at a time: then the next question waits its turn. One that has been idle for a
 * minute is not used again. Servers are tried in the driver's order; one that cannot be reached is left alone for 1 s,
 * then 2, up to longest_pause, and while that is so for all of them a question fails at once. A question whose
 * connection is lost is asked once more on a new one, of another server if there is one.
 */
struct database_server;

struct database_server_options {
    const struct merpati_driver *driver;
    const char *type;            /* for messages: "pgsql" */
    const void *table;           /* the driver's, of one that may connect; lives as long as the server */
    const struct strlist *hosts; /* at least one, empty for a driver without */
    struct duration idle_time;   /* a connection idle for that long is not used again */
    struct duration longest_pause;
};

/* What a question is, while it is in a thread: nobody else looks at it then. In memory of its own. */
struct database_call {
    /* Of the caller: asks over connection, which is good when it is called; in a thread. */
    enum merpati_driver_result (*ask)(struct database_call *call, void *connection, struct merpati_table_text why);
    /* Of the caller, in the loop's thread: the call is over and nobody wants it. */
    void (*release)(struct database_call *call);
    /* What came of it. */
    enum merpati_driver_result result;
    char why[400];
    /* database_server's own. */
    struct database_server *server;
    struct database_attempt *attempt;
};

/* key: equal for tables that share; of one that is there already, its own options count. */
struct database_server *database_server_find(struct database_server **list, struct table_set *set,
                                             const struct database_server_options *options, struct str key);
/* Nobody may be waiting. False: a thread that nobody waits for any more still uses the set, which must stay. */
MUST_USE bool database_server_close_all(struct database_server **list);

/*
 * Waits in the fiber, or blocks where there is none. True: call->result and call->why say what came of it, and the call
 * is the caller's again. False: there was no time; the call is released when it ends.
 */
MUST_USE bool database_server_ask(struct database_server *server, struct database_call *call, struct failure *why);

#endif
