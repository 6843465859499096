/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTCONF_STRAY_COMMENTS_H
#define POSTCONF_STRAY_COMMENTS_H

#include "base/strlist.h"

/*
 * stray_comments - "#" stands before a comment only at the beginning of a line; behind other text it is part of the
 * value, which nobody means who writes "mydestination = example.com # ours".
 */

/* Adds what each such word begins with; value is a list, as written. Patterns of pcre: and regexp: are left alone. */
void stray_comments_find(struct str value, struct arena *arena, struct strlist *found);

#endif
