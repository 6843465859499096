/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTMULTI_LIFE_H
#define POSTMULTI_LIFE_H

#include "postmulti/family.h"

/*
 * life - how instances come, go and change: "postmulti -e". Every check comes before the first change, and what is
 * made is in the primary's list last, taken out of it first: an interrupted command leaves a family that works.
 */
struct life_request {
    struct family *family;
    const struct member *member; /* -i, but for create and import; NULL if it was not given */
    struct str before_group;     /* -g, -i, -a: where the new one stands in the list */
    struct str before_name;
    bool is_first;
    struct str name;            /* -I: "-" is none; empty: not given */
    struct str group;           /* -G, likewise */
    struct strlist assignments; /* name=value words */
};

/* NULL for a word that is none of init, create, import, destroy, deport, enable, disable and assign. */
struct life_kind;
const struct life_kind *life_find(const char *word);
MUST_USE bool life_run(const struct life_kind *kind, const struct life_request *request, struct failure *why);

#endif
