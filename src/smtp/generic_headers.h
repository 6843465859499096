/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_GENERIC_HEADERS_H
#define SMTP_GENERIC_HEADERS_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/strbuf.h"
#include "table/table.h"

/*
 * generic_headers - smtp_generic_maps on the header of a message: each address that is mapped is replaced, all else
 * (names, comments, folds, other fields, the body) stays byte for byte.
 *
 * A filter from LF lines to LF lines; content comes in pieces cut anywhere. Calls may wait.
 */
struct generic_headers;

/* As generic_map: FOUND means that *address is another one now. */
typedef enum table_result generic_mapper(void *context, struct arena *arena, struct str *address, struct failure *why);

/* Beyond address_limit addresses of one field, the rest is left as it is. */
struct generic_headers *generic_headers_create(generic_mapper *map, void *context, size_t address_limit);
/* Leaves *headers NULL; NULL is fine. */
void generic_headers_destroy(struct generic_headers **headers);

/* is_last: nothing comes after this piece. False when an address cannot be mapped now. */
MUST_USE bool generic_headers_add(struct generic_headers *headers, struct str piece, bool is_last, struct strbuf *out,
                                  struct failure *why);

#endif
