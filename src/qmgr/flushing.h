/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_FLUSHING_H
#define QMGR_FLUSHING_H

#include "qmgr/keeper.h"
#include "table/match_list.h"

/*
 * flushing - deferred mail that somebody wants tried now: one message, all of them, or those for a site (a mail
 * domain).
 *
 * Nothing is kept for sites but eight bytes a message (site_marks.h), so nothing can be out of date: those that may
 * have such a recipient are read when a site is asked for. Sites asked for meanwhile wait and share the next pass.
 */
enum { FLUSHING_SITES_MAXIMUM = 1000 };

struct flushing;

/* domains: fast_flush_domains. Before the jail, for tables are opened. */
struct flushing *flushing_create(struct table_set *tables, struct str domains, bool parents_match);
/* No pass is under way. */
void flushing_destroy(struct flushing **flushing);

/* Makes the message ready if it waits; else false, though one in delivery is tried again at once if it comes back. */
bool flushing_message(struct keeper *keeper, struct queued_message *message);

/* Every deferred message, dead destinations too. */
void flushing_all(struct keeper *keeper);

/* Whether mail for the site may be asked for. May wait, for a table. */
MUST_USE enum table_result flushing_is_eligible(struct keeper *keeper, struct str site, struct failure *why);
/* Begins; does not wait. False: too many sites are waiting. */
MUST_USE bool flushing_site(struct keeper *keeper, struct str site, struct failure *why);

#endif
