/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTMULTI_EACH_H
#define POSTMULTI_EACH_H

#include "postmulti/family.h"

/* each - the same for every chosen instance. All give the exit status: 0, or 1 when it failed for any of
 * them or none was chosen, which is told. */
struct choice {
    struct str group; /* empty: of all groups */
    struct str name;  /* empty: of all names */
    bool is_reversed;
    unsigned verbose;
};

/* A line for each: name, group, y or n, directory. */
int each_list(const struct family *family, const struct choice *choice);
/* "merpati -c directory WORDS", with the rules of postmulti_start_commands and its kin. words: NULL-terminated. */
int each_control(const struct family *family, const struct choice *choice, char *const *words);
/* Any command, with the instance's variables in its environment. */
int each_run(const struct family *family, const struct choice *choice, char *const *words);

#endif
