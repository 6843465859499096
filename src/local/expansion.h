/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCAL_EXPANSION_H
#define LOCAL_EXPANSION_H

#include "local/destination.h"
#include "local/scene.h"

/*
 * expansion - a list of destinations on its way: users of this host here and now, other addresses as a new message
 * once all else has ended, commands, files, and what :include: files hold. The results are added to the attempt.
 *
 * A list inside of a list is not delivered by a call inside of a call: it is put on top of the attempt's open ones, and
 * the loop goes on with it. So the stack of the fiber is the same at any depth.
 */
struct expansion {
    const struct scene *scene;
    struct destination_list list;
    size_t next; /* place in the list */
    struct expansion *outer;
};

/* Scene and the items of the list live in the attempt's arena. */
void expansion_add(const struct scene *scene, const struct destination_list *list);
/* Delivers all of the lists that were added, and those that they lead to, depth first. */
void expansion_run(struct attempt *attempt);

#endif
