/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCAL_DESTINATION_H
#define LOCAL_DESTINATION_H

#include "base/arena.h"

/* destination - the right side of an alias, or a line of a .forward or :include: file, taken apart. */
enum destination_kind {
    DESTINATION_ADDRESS,   /* text is internal; it may have no domain */
    DESTINATION_COMMAND,   /* after the | */
    DESTINATION_FILE,      /* absolute path */
    DESTINATION_HOME_FILE, /* "~/path", in the home of whose list it is; what else begins with ~ is a mistake */
    DESTINATION_INCLUDE,   /* path, after :include: */
    DESTINATION_BAD,       /* text says what was wrong */
};

struct destination {
    enum destination_kind kind;
    struct str text;
};

struct destination_list {
    struct destination *items;
    size_t count;
    size_t capacity;
};

/*
 * Appends what one logical line holds: addresses as in a header (RFC 5322 section 3.4), so that commas and blanks
 * separate,
 * "..." keeps together, ( ) are comments, < > follow a name, and a backslash stands before what is meant as it is. An
 * address that begins with | / ~ or :include: is a destination of that kind. Only a |command that is not quoted keeps
 * its words, up to a comma. # begins no comment.
 */
void destination_parse(struct destination_list *list, struct arena *arena, struct str line);

/* Appends the text as one address. */
void destination_add_address(struct destination_list *list, struct arena *arena, struct str address);

/* Appends what a file holds: one destination list a line, # comments, empty lines, continued lines. */
void destination_parse_file(struct destination_list *list, struct arena *arena, struct str text);

#endif
