/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCAL_PASS_H
#define LOCAL_PASS_H

#include "local/scene.h"

/*
 * pass - another transport has a recipient's mailbox (mailbox_transport) or knows recipients that this host does not
 * (fallback_transport). The queue manager hands over the recipient as it came; whoever an alias or a .forward names
 * besides goes there as a new message, as those do whose mailbox is elsewhere.
 */

/* False: the parameters name no transport for this user. */
bool pass_mailbox(const struct scene *scene);
bool pass_unknown(const struct scene *scene);

#endif
