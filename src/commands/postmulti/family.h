/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTMULTI_FAMILY_H
#define POSTMULTI_FAMILY_H

#include "config/main_cf.h"
#include "config/multi_instance.h"
#include "config/shared_settings.h"

/*
 * family - the primary instance and those that its multi_instance_directories lists, in that order: what
 * each one's main.cf says of it. Everything lives in the arena.
 */
struct member {
    struct str directory; /* of its configuration */
    const struct main_cf *main_cf;
    const struct shared_settings *shared;
    const struct multi_instance_settings *settings;
    bool is_primary;
};

struct family {
    struct arena *arena;
    struct member *members; /* the primary is first */
    size_t count;
};

/* directory: the primary's. False if any of them cannot be read, or two share a name or a directory. */
MUST_USE bool family_load(struct family *family, struct arena *arena, struct str directory, struct failure *why);
/* One more, not yet in anybody's list. */
MUST_USE bool family_load_member(struct arena *arena, struct str directory, struct member *member_out,
                                 struct failure *why);
/* False, with the reason, if it has name, configuration, queue or data in common with one of the family. */
MUST_USE bool family_has_room(const struct family *family, const struct member *newcomer, struct failure *why);

/* By its name, the directory of its configuration, or "-" for the primary; NULL if there is none. */
const struct member *family_find(const struct family *family, struct str name);

#endif
