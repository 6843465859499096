/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_MODULE_LIST_H
#define TABLE_MODULE_LIST_H

#include "base/failure.h"
#include "base/strlist.h"

struct main_cf;
struct table_type;

/*
 * module_list - the table types of loadable modules: $meta_directory/dynamicmaps.cf and all files in dynamicmaps.cf.d.
 *
 * A line is "type file symbol [ignored]"; a file without a slash is in $shlib_directory. The first entry of a type
 * counts. Files and modules must be root's (or, not being root, also ours) and not writable for others: they
 * become part of every service. Read once; a module is loaded when its type is first wanted, and never unloaded.
 */
struct module_list;

/* warn may be NULL. What is wrong in a file is told, and the file skipped from there. Never NULL. */
struct module_list *module_list_read(const struct main_cf *cf, struct arena *arena,
                                     void (*warn)(void *context, const char *text), void *context);

/* NULL: no such type (why is as it was), or one that cannot be loaded (why says why). Before the jail. */
const struct table_type *module_list_type(struct module_list *list, struct str name, struct failure *why);

/* In no order. */
const struct strlist *module_list_names(const struct module_list *list);

#endif
