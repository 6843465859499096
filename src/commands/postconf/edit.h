/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTCONF_EDIT_H
#define POSTCONF_EDIT_H

#include "base/failure.h"
#include "base/strbuf.h"
#include "base/strlist.h"
#include "postconf/services.h"

/*
 * edit - changes main.cf or master.cf as a text: what is not named stays byte for byte as it is, comments too.
 * An entry is its line and its continuation lines.
 */
enum edit_action {
    EDIT_SET,         /* replaced where it stands, else put at the end */
    EDIT_COMMENT_OUT, /* a # before each of its lines */
    EDIT_REMOVE,
};

struct edit {
    enum edit_action action;
    struct str key;       /* main.cf: a name; master.cf: a pattern as in service_matches */
    struct str text;      /* EDIT_SET: the new entry, whole, with its line ends inside */
    struct str other_key; /* master.cf: name/type of the new entry, which it replaces too; else empty */
    unsigned matches;     /* set: how many entries it met */
};

/* is_master: entries are matched as services, not as names before "=". */
void edit_apply(struct str text, bool is_master, struct edit *edits, size_t count, struct strbuf *out);

struct cursor;
/* A line without its LF, but with a CR that stands before it: what is not changed keeps it. False at the end. */
bool edit_take_line(struct cursor *cursor, struct str *line_out);

#endif
