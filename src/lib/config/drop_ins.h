/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_DROP_INS_H
#define CONFIG_DROP_INS_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/str.h"
#include "base/strlist.h"

/*
 * drop_ins - the files that main.cf and master.cf are made of: the file itself, then those of the folder beside it
 * (main.cf.d, master.cf.d) whose names end in ".cf", in the order of their names' bytes. What a later file says
 * outranks the earlier ones. Names that begin with "." are no part of it, so that editors' and packages' leftovers
 * (.10-x.cf.swp, 10-x.cf.dpkg-new) are not read. No folder, no more files.
 */

/* file: "main.cf" or "master.cf". The first path is config_directory/file itself, there or not. */
MUST_USE bool drop_ins_list(struct str config_directory, const char *file, struct arena *arena,
                            struct strlist *paths_out, struct failure *why);

#endif
