/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_SYNTAX_H
#define SMTPD_SYNTAX_H

#include "base/arena.h"

#include <stdbool.h>

/* syntax - taking apart what a client sends, without a session: pure, and fuzzed. */

/* Verb and argument of a command line; blanks around both are gone. Both are empty in a line of blanks. */
void syntax_split_command(struct str line, struct str *verb_out, struct str *argument_out);

/* "Subject:", "X-Foo:" where a verb should stand: somebody sends a message, or speaks another protocol. */
bool syntax_looks_like_header(struct str verb);

/* BDAT's argument (RFC 3030): "22" or "22 LAST". */
struct chunk {
    uint64_t bytes;
    bool is_last;
};
MUST_USE bool syntax_parse_chunk(struct str argument, struct chunk *chunk_out);

/*
 * AUTH's argument (RFC 4954): a mechanism's name, and perhaps a word of base64, "=" for an empty one. Neither is
 * judged.
 */
struct auth_argument {
    struct str method;
    bool has_initial;
    struct str initial;
};
MUST_USE bool syntax_parse_auth(struct str argument, struct auth_argument *auth_out);

/* A host name as it may go into log lines and headers: each byte that has a meaning there becomes '?'. */
struct str syntax_tame_name(struct arena *arena, struct str name);

/* A decimal number of any length. */
bool syntax_is_number(struct str text);

#endif
