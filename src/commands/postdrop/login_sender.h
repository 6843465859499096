/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTDROP_LOGIN_SENDER_H
#define POSTDROP_LOGIN_SENDER_H

#include "base/arena.h"
#include "table/table_list.h"

/*
 * login_sender - which envelope senders a user of this host may give (local_login_sender_maps). The tables are asked
 * for the login name and answer with patterns: "*" anybody, "<>" (the empty key) the null sender, "@domain", an address
 * or a bare name. Extensions of the sender's address are ignored; nobody's case is looked at.
 */
struct login_sender_rules {
    struct table_list *maps;
    struct str empty_key; /* what stands for the null sender among the patterns */
    struct str recipient_delimiter;
};

/* FOUND: allowed; ABSENT: not; UNKNOWN: a table cannot tell, why says it. */
MUST_USE enum table_result login_sender_is_allowed(const struct login_sender_rules *rules, struct str login,
                                                   struct str sender, struct arena *arena, struct failure *why);

#endif
