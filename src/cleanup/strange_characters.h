/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLEANUP_STRANGE_CHARACTERS_H
#define CLEANUP_STRANGE_CHARACTERS_H

#include "base/failure.h"
#include "base/strbuf.h"

/*
 * strange_characters - the characters that no message may have (message_reject_characters), and those that are taken
 * out (message_strip_characters), before anything else looks at it. A line's end is neither.
 */
struct character_set {
    bool has[256];
    bool is_empty;
};

/* Characters and C's escapes: \a \b \f \n \r \t \v, \ and up to three octal digits, \\. Anything else behind a
 * backslash stands for itself; so does a backslash at the end. */
void character_set_parse(struct character_set *set, struct str text);

/* A message's passage through both sets. */
struct strange_characters {
    const struct character_set *rejected;
    const struct character_set *stripped;
    struct strbuf begun; /* the beginning of the line in hand as it came, for the log */
    bool is_line_open;   /* the line in hand has begun in an earlier piece */
    struct strbuf kept;  /* the last part of a line without what was taken out */
};

void strange_characters_init(struct strange_characters *strange, const struct character_set *rejected,
                             const struct character_set *stripped);
void strange_characters_done(struct strange_characters *strange);

static inline bool strange_characters_are_looked_for(const struct strange_characters *strange)
{
    return !strange->rejected->is_empty || !strange->stripped->is_empty;
}

/*
 * Takes a line, with its LF if it ends here, off the piece: *line_out is it without what is stripped, valid until the
 * next call. True when it has a rejected character: begun says how it began.
 */
bool strange_characters_take(struct strange_characters *strange, struct str *piece, struct str *line_out);

#endif
