/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTMAP_FILE_VALUES_H
#define POSTMAP_FILE_VALUES_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/str.h"

/* file_values - postmap -F: values that name files stand for what is in them, in base64 where a table keeps it. */

/* The files' contents, a newline between them. names: separated by commas or blanks. */
MUST_USE bool file_values_load(struct str names, struct arena *arena, struct str *content_out, struct failure *why);

struct str file_values_encode(struct str content, struct arena *arena);
/* False: that is no base64 (RFC 4648 section 4). */
MUST_USE bool file_values_decode(struct str text, struct arena *arena, struct str *content_out);

#endif
