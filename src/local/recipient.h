/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCAL_RECIPIENT_H
#define LOCAL_RECIPIENT_H

#include "local/scene.h"

/*
 * recipient - a name on this host, by the order of ways: alias, .forward, mailbox, luser_relay. The results are added
 * to the attempt. Of "\\name" neither alias nor .forward is looked at, and it is no new message's recipient.
 */
void recipient_deliver(struct scene *scene);

#endif
