/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_GENERIC_HEADERS_H
#define SMTP_GENERIC_HEADERS_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/strbuf.h"
#include "table/table.h"

/*
 * generic_headers - smtp_generic_maps on a field of a message's header: each address that is mapped is replaced, all
 * else (names, comments, folds) stays byte for byte. Calls may wait.
 */

/* As generic_map: FOUND means that *address is another one now. */
typedef enum table_result generic_mapper(void *context, struct arena *arena, struct str *address, struct failure *why);

/* Whether the field is one that holds addresses, by its name. */
bool generic_headers_concern(struct str field);

/*
 * Appends the field with its last LF. Beyond address_limit addresses, the rest is left as it is. False when an address
 * cannot be mapped now.
 */
MUST_USE bool generic_headers_put(generic_mapper *map, void *context, size_t address_limit, struct arena *scratch,
                                  struct str field, struct strbuf *out, struct failure *why);

#endif
