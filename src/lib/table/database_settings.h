/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_DATABASE_SETTINGS_H
#define TABLE_DATABASE_SETTINGS_H

#include "base/failure.h"
#include "table/driver.h"
#include "table/table_type.h"

/*
 * database_settings - what a database's table is told: a file in the form of main.cf, without $names ("pgsql:/file",
 * and
 * "./file"), or parameters of main.cf with the table's name before them ("pgsql:name", name_hosts).
 */
struct database_settings;

/* False: the file cannot be read, or is wrong, as why says with file and line. Lives as long as the table's set. */
MUST_USE bool database_settings_read(struct table_set *set, struct str name, struct database_settings **settings_out,
                                     struct failure *why);

/* As a driver sees them. */
const struct merpati_driver_settings *database_settings_public(struct database_settings *settings);

/* NULL: not given. */
const char *database_settings_get(struct database_settings *settings, const char *name);
/* False: it is no number between 0 and INT_MAX. */
MUST_USE bool database_settings_number(struct database_settings *settings, const char *name, unsigned fallback,
                                       unsigned *number_out, struct failure *why);

/* Warns of names in the file that are in none of the lists, each of which ends with NULL. */
void database_settings_warn_unknown(struct database_settings *settings, const char *const *const *lists, size_t count);

#endif
