/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTCONF_DATABASES_H
#define POSTCONF_DATABASES_H

#include "base/strlist.h"

/* databases - what postconf knows of tables in databases: their parameters in main.cf, and passwords that lie open. */

/* What the values that were scanned have of tables. */
struct databases {
    struct arena *arena;
    struct strlist names;    /* parameters that main.cf may have for them: "pgsql:users" gives users_hosts and others */
    struct strlist warnings; /* unknown parameters in their files, files that cannot be read, braces that do not fit */
    struct strlist seen;     /* each table once */
};

/* place is for messages: "main.cf", or "master.cf:smtp/inet" of an -o. The value is expanded. */
void databases_scan(struct databases *databases, struct str place, struct str value);

/*
 * Warns if the file of a table ("mysql:/file", or the sources and indexes of a table with passwords) has a password in
 * it and everybody may read it. is_secret: all that is in it is. place is for the message.
 */
void databases_check_secret(struct str table, bool is_secret, struct str place, struct arena *arena);

#endif
