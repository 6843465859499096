/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_TABLES_H
#define SMTP_TABLES_H

#include "table/debug_peers.h"
#include "table/match_list.h"
#include "table/table_list.h"

/* tables - the lookup tables of the SMTP client's parameters, opened before the jail. */
struct checks;
struct daemon;
struct smtp_settings;

struct smtp_tables {
    struct table_set *set;
    struct table_list *reply_filter;
    struct table_list *dns_reply_filter;
    struct table_list *discard_ehlo_keywords; /* by address */
    struct table_list *pix_workarounds;       /* by address */
    struct match_list *cache_destinations;
    struct checks *checks; /* of the content */
    struct debug_peers debug_peers;
};

/* prefix: of the parameters, "smtp" or "lmtp". */
void smtp_tables_open(struct smtp_tables *tables, const struct smtp_settings *settings, struct daemon *daemon,
                      const char *prefix);
void smtp_tables_close(struct smtp_tables *tables);

/*
 * What the table has for a server's address. False: nothing, or the table could not say (which is logged), so that
 * what holds for all servers holds for this one.
 */
bool smtp_tables_find(struct table_list *list, struct str address, struct arena *arena, struct str *value_out);

#endif
