/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_BERKELEY_H
#define TABLE_BERKELEY_H

#include "base/failure.h"
#include "base/str.h"

#include <db.h>

/* berkeley - opening Berkeley DB files, shared by who reads and who writes them. No environment, no threads. */

/* type DB_HASH or DB_BTREE; flags DB_RDONLY or DB_CREATE. cache_bytes 0: the library's default. */
MUST_USE bool berkeley_open(const char *path, DBTYPE type, u_int32_t flags, u_int32_t cache_bytes, DB **db_out,
                            struct failure *why);

/* A view of text for the library, which does not write through it. */
DBT berkeley_text(struct str text);
/* What a DBT holds, without the NUL at its end if there is one. */
struct str berkeley_content(const DBT *item);

#endif
