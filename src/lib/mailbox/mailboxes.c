/* SPDX-License-Identifier: Apache-2.0 */
#include "mailbox/mailboxes.h"

#include "mailbox/group_sync.h"

#include <errno.h>

void mailboxes_start(struct mailboxes *mailboxes, struct loop *loop, const struct mailbox_rules *rules)
{
    *mailboxes = (struct mailboxes){ .loop = loop, .rules = *rules, .syncs = group_sync_create(loop) };
}

void mailboxes_stop(struct mailboxes *mailboxes)
{
    group_sync_destroy(&mailboxes->syncs);
}

struct dsn_status mailbox_status_of_failure(const struct failure *why)
{
    if (why->error == EFBIG || why->error == EDQUOT)
        return DSN_STATUS(5, 2, 2);
    return why->kind == FAILURE_PERMANENT ? DSN_STATUS(5, 2, 0) : DSN_STATUS(4, 2, 0);
}
