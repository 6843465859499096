/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCAL_LOCAL_H
#define LOCAL_LOCAL_H

#include "delivery/agent.h"
#include "delivery/rights.h"
#include "local/settings.h"
#include "mailbox/mailboxes.h"
#include "table/table_list.h"

/* local - what one process of the delivery agent has for its whole life. */
struct local {
    struct daemon *daemon;
    struct loop *loop;
    const struct local_settings *settings;
    const struct shared_settings *shared;
    struct table_set *tables;
    struct table_list *aliases;
    struct table_list *mailbox_commands;
    struct table_list *mailbox_transports;
    struct table_list *fallback_transports;
    struct rights default_rights; /* of default_privs */
    const char *fault;            /* of the settings, for which all mail waits; NULL: none */
    bool has_default_rights;      /* false: there is no such user, or it is root */
    struct accounts *accounts;
    struct mailboxes mailboxes;
    struct endpoint *cleanup;
    struct endpoint *bounce;
    struct endpoint *rewrite;
};

/* A list parameter holds this word, "alias" say. */
bool local_list_has(const struct strlist *list, const char *word);

#endif
