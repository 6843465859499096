/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OS_ENVIRONMENT_H
#define OS_ENVIRONMENT_H

#include "base/failure.h"
#include "base/str.h"
#include "base/strlist.h"

/*
 * environment - which variables a program takes in and hands on.
 * The rules are lists of "NAME" (kept when set) and "NAME=value" (set), as import_environment and
 * export_environment have them; "{ NAME = value }" may have blanks in the value.
 */

/* False, with the reason, for a rule that sets a value without a name. */
MUST_USE bool environment_check(const struct strlist *rules, struct failure *why);

/* Removes all variables that no rule names, and sets those with a value. */
MUST_USE bool environment_import(const struct strlist *rules, struct failure *why);
/* The environment for a child by the same rules, NULL-terminated, in arena; ours stays as it is. */
char **environment_export(struct arena *arena, const struct strlist *rules);
/* NULL when unset, and always NULL in a set-id program. */
const char *environment_get(const char *name);
MUST_USE bool environment_set(const char *name, const char *value, struct failure *why);

#endif
