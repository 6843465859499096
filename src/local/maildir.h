/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCAL_MAILDIR_H
#define LOCAL_MAILDIR_H

#include "local/scene.h"

/*
 * maildir - delivers a message as a file of its own: written and synced in tmp/, moved to new/, which is synced too.
 * The directories are made where they are missing. path ends with a slash.
 */
struct result maildir_deliver(const struct scene *scene, struct str path, bool is_in_spool);

#endif
