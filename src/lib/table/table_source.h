/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_TABLE_SOURCE_H
#define TABLE_TABLE_SOURCE_H

#include "base/failure.h"
#include "base/strbuf.h"

/*
 * table_source - a table's text, as logical lines: a line that starts with white space continues the one before;
 * lines that are empty, white space or begin with # (after white space) are skipped, also within a continued line.
 */
struct table_source {
    struct str rest;
    struct strbuf line;
    unsigned next_line; /* number of the line that rest begins with */
};

/* Keeps a view of text. */
void table_source_init(struct table_source *source, struct str text);
void table_source_done(struct table_source *source);

/*
 * To be called first where a line that continues nothing is a mistake: takes it off, with all that continues it, and
 * tells so, if warn is not NULL. file is what the message calls the text.
 */
void table_source_skip_indented(struct table_source *source, struct str file,
                                void (*warn)(void *context, const char *text), void *context);

/* The line without the newline, white space at its end cut; valid until the next call. number_out is where it began. */
bool table_source_next(struct table_source *source, struct str *line_out, unsigned *number_out);

enum table_source_form {
    TABLE_SOURCE_KEY_VALUE, /* postmap: key white-space value; a key in "" may hold white space, \ quotes */
    TABLE_SOURCE_ALIASES,   /* postalias: name: value, the name is an RFC 822 local part or quoted string */
};

/*
 * Splits a logical line. The key is internal (unquoted) and lives in arena. False: *problem_out says what is wrong with
 * the line, as Postfix's warnings do. *advice_out is a warning that does not stop, or NULL.
 */
struct arena;
bool table_source_split(enum table_source_form form, struct str line, struct arena *arena, struct str *key_out,
                        struct str *value_out, const char **problem_out, const char **advice_out);

/*
 * The text of the table's argument: a file that is loaded, or with is_inline_allowed "{ {line}, {line} }". *place_out
 * is how messages call it.
 */
struct table;
bool table_source_load(struct table *table, struct str argument, bool is_inline_allowed, struct str *text_out,
                       struct failure *why);

#endif
