/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_DATABASE_TEMPLATE_H
#define TABLE_DATABASE_TEMPLATE_H

#include "base/arena.h"
#include "base/strbuf.h"

/*
 * database_template - texts in which parts of the key and of a result stand as %-expansions, as mysql_table(5),
 * ldap_table(5) and their kin have them. Pure; usable in any thread.
 *
 *     %%      a percent sign
 *     %s      in a query the key; in a result the value
 *     %u %d   their part before and behind the last "@"; without "@" %u is all of it
 *     %S %U %D %1 ... %9   in queries and results: the key, its parts, its domain's labels from the right
 *
 * A template that wants what is not there (an empty local part, a domain, the third label) suppresses the question or
 * the result: it is no error.
 */

/* False: something behind a "%" is none of these, or the text ends with one. */
bool database_template_is_valid(struct str text);

enum database_text {
    DATABASE_TEXT_MADE,
    DATABASE_TEXT_SUPPRESSED,
    DATABASE_TEXT_TOO_LONG, /* over 1 MB */
};

/* Puts a part of the key into text as it has to stand there; false: it cannot stand there. */
typedef bool database_quote(void *context, struct str part, struct strbuf *text);

/* quote NULL: as it is. */
enum database_text database_template_query(struct str text, struct str key, database_quote *quote, void *context,
                                           struct arena *arena, struct str *text_out);
enum database_text database_template_result(struct str text, struct str key, struct str value, struct arena *arena,
                                            struct str *text_out);

/* Whether database_template_query would suppress the question, whatever quote says. */
bool database_template_suits(struct str text, struct str key);
/* Whether the key has what database_template_result needs of it. */
bool database_template_result_suits(struct str text, struct str key);

#endif
