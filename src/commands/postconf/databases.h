/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTCONF_DATABASES_H
#define POSTCONF_DATABASES_H

#include "base/strlist.h"

/* databases - what postconf knows of tables in databases: their parameters in main.cf, and passwords that lie open. */

/*
 * The parameters that main.cf may have for the tables that a value names: "pgsql:users" gives users_hosts and all the
 * others. None for tables in files ("pgsql:/file").
 */
void databases_add_names(struct str value, struct arena *arena, struct strlist *names);

/*
 * Warns if the file of a table ("mysql:/file", or the sources and indexes of a table with passwords) has a password in
 * it and everybody may read it. is_secret: all that is in it is. place is for the message.
 */
void databases_check_secret(struct str table, bool is_secret, struct str place, struct arena *arena);

#endif
