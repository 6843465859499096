/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCAL_RECIPIENT_H
#define LOCAL_RECIPIENT_H

#include "local/scene.h"

/*
 * recipient - a name on this host, by the order of ways: alias, .forward, mailbox, luser_relay. The results are added
 * to the attempt. is_bare: neither alias nor .forward.
 */
void recipient_deliver(struct scene *scene, bool is_bare);

#endif
