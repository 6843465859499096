/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MERPATI_IMPORT_TEXT_H
#define MERPATI_IMPORT_TEXT_H

#include "base/arena.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "base/strlist.h"

/* import_text - how the text of another system's configuration becomes ours. No files, no failures. */

struct import_move {
    struct str from; /* a path without a slash at its end */
    struct str to;
};

/* Whether text names from, or something beneath it: "/etc/postfix" and "/etc/postfix/x", never "/etc/postfix2". */
bool import_text_names(struct str text, struct str from);
/* Appends text with each path of moves replaced, and all beneath it. Each place is replaced once. */
void import_text_move(struct str text, const struct import_move *moves, size_t count, struct strbuf *out);
/*
 * Appends the text of a main.cf, in which the parameters of names are commented out as they are, their continuation
 * lines too, and paths of all others replaced. Those that were found are added to *found.
 */
void import_text_adapt(struct str text, const char *const *names, const struct import_move *moves, size_t count,
                       struct strbuf *out, struct arena *arena, struct strlist *found);

#endif
