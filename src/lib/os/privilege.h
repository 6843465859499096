/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OS_PRIVILEGE_H
#define OS_PRIVILEGE_H

#include "base/failure.h"

#include <sys/types.h>

/*
 * privilege - giving up rights for good, or for a while.
 *
 * Every call that drops checks afterwards that the old rights cannot be had back.
 */

/* True when the effective user is root. */
bool privilege_is_root(void);
/* Set-user-id, set-group-id or with file capabilities: the caller's environment is not to be trusted. */
bool privilege_is_set_id(void);

/*
 * Becomes uid and gid for good, with no other groups, no capabilities, and none to be had from an exec.
 * Needs root unless already so.
 */
MUST_USE bool privilege_drop(uid_t uid, gid_t gid, struct failure *why);

/* The groups of a service's user: what an administrator has put it into, to let it reach what others have made. */
struct privilege_groups {
    gid_t items[64];
    size_t count;
};

/*
 * Those of the group database, gid first, without root's and those of never: a service has none of these whatever
 * stands there. More than fit are left out. Before the jail: it has no group database.
 */
void privilege_find_groups(const char *name, gid_t gid, const gid_t *never, size_t never_count,
                           struct privilege_groups *groups_out);
/* As privilege_drop, with these groups. */
MUST_USE bool privilege_drop_to_groups(uid_t uid, gid_t gid, const struct privilege_groups *groups,
                                       struct failure *why);

/* The same, with the user's groups (initgroups). */
MUST_USE bool privilege_drop_with_groups(const char *name, uid_t uid, gid_t gid, struct failure *why);
/* As privilege_drop, with the user's groups (initgroups): for what runs a user's own commands. */
MUST_USE bool privilege_drop_to_user(const char *name, uid_t uid, gid_t gid, struct failure *why);

/*
 * The calling thread becomes uid and gid for the moment, effective ids and groups only, until _restore, which gives
 * root's ids back and leaves gid among the groups, where it adds nothing. Root only.
 */
MUST_USE bool privilege_borrow(uid_t uid, gid_t gid, struct failure *why);
/* The same, with these groups. */
MUST_USE bool privilege_borrow_groups(uid_t uid, gid_t gid, const struct privilege_groups *groups, struct failure *why);
MUST_USE bool privilege_restore(struct failure *why);

/* chroot and chdir to path. */
MUST_USE bool privilege_enter_root(const char *path, struct failure *why);

/* No exec of this process or its children gains rights any more. */
MUST_USE bool privilege_forbid_new(struct failure *why);

/* Root's own group is the only one left of those that who started us had. Root only. */
MUST_USE bool privilege_leave_groups(struct failure *why);
/*
 * Keeps of root's capabilities only those in keep (CAP_... numbers), also for what this process starts. Those that
 * the process never had, in a container for example, it does not get.
 */
MUST_USE bool privilege_limit_capabilities(const int *keep, size_t count, struct failure *why);

#endif
