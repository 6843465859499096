/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCAL_EXPANSION_H
#define LOCAL_EXPANSION_H

#include "local/destination.h"
#include "local/scene.h"

/*
 * expansion - delivers to each destination of a list: users of this host here and now, other addresses as a
 * new message once all else has ended, commands, files, and what :include: files hold. The results are added to the
 * attempt.
 */
void expansion_deliver(const struct scene *scene, const struct destination_list *list);

#endif
