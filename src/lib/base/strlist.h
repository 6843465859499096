/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_STRLIST_H
#define BASE_STRLIST_H

#include "base/arena.h"
#include "base/str.h"

/*
 * strlist - a row of strings whose memory, and that of the strings, belongs to an arena.
 * Zero-initialised it is the empty list. Read it as items[0 .. count-1].
 */
struct strlist {
    struct str *items;
    size_t count;
    size_t capacity;
};

/* Copies text into the arena. */
void strlist_add(struct strlist *list, struct arena *arena, struct str text);
/* Keeps the view as it is; text must outlive the list. */
void strlist_add_view(struct strlist *list, struct arena *arena, struct str text);
bool strlist_contains(const struct strlist *list, struct str text);
bool strlist_contains_nocase(const struct strlist *list, struct str text);
/* Copies of the words of text that are separated by any of set. */
struct strlist strlist_split(struct arena *arena, struct str text, const char *set);

#endif
