/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_DEBUG_PEERS_H
#define TABLE_DEBUG_PEERS_H

#include "table/match_list.h"

/*
 * debug_peers - whose dialogue goes to the log: with "-v" everybody's, and always that of the hosts in
 * debug_peer_list.
 */
struct shared_settings;

struct debug_peers {
    struct match_list *list;
    unsigned level; /* debug_peer_level */
};

/* The list belongs to the set. */
void debug_peers_open(struct debug_peers *peers, struct table_set *set, const struct shared_settings *shared);

/*
 * How much of the dialogue with this host is logged: the number of "-v", and debug_peer_level if it is listed; 0:
 * nothing. address is one, or what stands for it.
 */
unsigned debug_peers_level_of(const struct debug_peers *peers, struct str name, struct str address);

#endif
