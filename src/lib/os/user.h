/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OS_USER_H
#define OS_USER_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/str.h"

#include <sys/types.h>

/*
 * user - the system's users and groups (NSS, so it may block: offload it in a daemon's loop).
 * A lookup answers found, absent or unknown; unknown always defers.
 */
enum user_answer {
    USER_FOUND,
    USER_ABSENT,
    USER_UNKNOWN, /* the lookup failed: *why is set */
};

struct user_account {
    struct str name;
    struct str full_name; /* the GECOS field's first part */
    struct str home;      /* "" when there is none */
    struct str shell;
    uid_t uid;
    gid_t gid;
};

struct user_group {
    struct str name;
    gid_t gid;
};

/* The strings live in arena. */
MUST_USE enum user_answer user_by_name(struct arena *arena, struct str name, struct user_account *user_out,
                                       struct failure *why);
MUST_USE enum user_answer user_by_uid(struct arena *arena, uid_t uid, struct user_account *user_out,
                                      struct failure *why);
MUST_USE enum user_answer user_group_by_name(struct arena *arena, struct str name, struct user_group *group_out,
                                             struct failure *why);
MUST_USE enum user_answer user_group_by_gid(struct arena *arena, gid_t gid, struct user_group *group_out,
                                            struct failure *why);

#endif
