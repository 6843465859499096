/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRTUAL_VIRTUAL_H
#define VIRTUAL_VIRTUAL_H

#include "delivery/agent.h"
#include "mailbox/mailboxes.h"
#include "table/table_list.h"
#include "virtual/settings.h"

/* virtual - what one process of the delivery agent has for its whole life. */
struct virtual
{
    struct loop *loop;
    const struct virtual_settings *settings;
    const struct shared_settings *shared;
    const char *fault; /* of the settings, for which all mail waits; NULL: none */
    struct table_set *tables;
    struct table_list *mailbox_maps;
    struct table_list *uid_maps;
    struct table_list *gid_maps;
    struct mailboxes mailboxes;
};

#endif
