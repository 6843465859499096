/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DRIVERS_SQL_QUERY_H
#define DRIVERS_SQL_QUERY_H

#include "table/driver.h"

/* sql_query - the query of SQL tables that have none, made of the settings that were there before it. */

/* As struct merpati_driver's compose: select_function, or select_field, table, where_field and additional_conditions.
 */
bool sql_query_compose(const struct merpati_driver_settings *settings, unsigned index,
                       void (*put)(void *context, const char *text, size_t len), void *context,
                       struct merpati_table_text why);

/* "timeout": how many seconds an answer may take. False: it is no number of seconds. */
bool sql_query_read_timeout(const struct merpati_driver_settings *settings, unsigned fallback, unsigned *seconds_out,
                            struct merpati_table_text why);

/* The older settings, for a driver's list of names. */
#define SQL_QUERY_NAMES "select_function", "select_field", "table", "where_field", "additional_conditions"

#endif
