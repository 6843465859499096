/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCAL_FORWARD_FILE_H
#define LOCAL_FORWARD_FILE_H

#include "local/scene.h"

/*
 * forward_file - a user's .forward: the first file of forward_path that is there, read with the user's rights.
 */

/* scene->account is set. False: there is none, it is empty, or we are inside of it: the mailbox is meant. */
bool forward_file_deliver(const struct scene *scene);

#endif
