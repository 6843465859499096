/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTCONF_CHANGE_H
#define POSTCONF_CHANGE_H

#include "postconf/options.h"

/*
 * change - carries out -e, -X and -# in the files of the configuration. A setting is changed in the file where the one
 * in force stands, main.cf or a file of main.cf.d; a new one goes into main.cf itself; what is taken out is taken out
 * of all of them. The same holds for the entries of master.cf and master.cf.d. All words are looked at before a file is
 * touched; each file is replaced as a whole.
 */

/* Returns the command's exit status; what went wrong was told. */
int change_configuration(const struct options *options, struct arena *arena);

#endif
