/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCAL_FILE_DELIVERY_H
#define LOCAL_FILE_DELIVERY_H

#include "local/scene.h"
#include "mailbox/mailboxes.h"

/* file_delivery - the message into a file in mbox form or, where the path ends with a slash, a maildir. */
struct result file_deliver(const struct scene *scene, const struct mailbox_place *place);

#endif
