/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTSCREEN_ACCESS_H
#define POSTSCREEN_ACCESS_H

#include "table/match_list.h"

/* access - postscreen_access_list: who is let through, or refused, by address alone. */
struct access_rule {
    struct str name;
    struct match_list *networks; /* permit_mynetworks */
    struct table *table;
};

struct access_list {
    struct access_rule *rules;
    size_t count;
};

enum access_verdict {
    ACCESS_UNDECIDED,
    ACCESS_PERMIT,
    ACCESS_REJECT,
};

/* Words that are none are told of, and what follows them has no effect. Memory is the arena's. */
void access_list_open(struct access_list *list, struct table_set *tables, struct str value, struct str mynetworks,
                      bool parents_match, struct arena *arena);
/* The first rule that knows the client decides; one that cannot be asked decides nothing, and ends the search. */
enum access_verdict access_list_judge(const struct access_list *list, struct str address, struct arena *arena);

#endif
