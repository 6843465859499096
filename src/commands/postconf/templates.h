/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTCONF_TEMPLATES_H
#define POSTCONF_TEMPLATES_H

#include "base/arena.h"
#include "base/strlist.h"

/* templates - postconf -t and -b: the templates of notifications, as written or with their texts expanded. */
struct main_cf;

/* words: at most one file's name instead of bounce_template_file; "" asks for the built-in ones. Exit status. */
int templates_show(const struct main_cf *cf, const struct strlist *words, bool is_expanded, struct arena *arena);

/* What is wrong with the file that bounce_template_file names is told as warnings: bounce uses its own then. */
void templates_check(const struct main_cf *cf, struct arena *arena);

#endif
