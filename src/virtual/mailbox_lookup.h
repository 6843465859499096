/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRTUAL_MAILBOX_LOOKUP_H
#define VIRTUAL_MAILBOX_LOOKUP_H

#include "mailbox/mailboxes.h"
#include "virtual/virtual.h"

/*
 * mailbox_lookup - where an address's mailbox is and whose, by virtual_mailbox_maps, _uid_maps and _gid_maps: asked for
 * the whole address in lower case, the address without its extension, "@domain".
 */
enum mailbox_answer {
    MAILBOX_FOUND,
    MAILBOX_ABSENT,  /* nobody has this address */
    MAILBOX_UNKNOWN, /* settings are wrong, a table cannot say, or has said what is no answer; it is logged */
};

enum mailbox_answer mailbox_lookup(const struct virtual *virtual, struct str address, struct arena *arena,
                                   struct mailbox_place *place_out);

#endif
