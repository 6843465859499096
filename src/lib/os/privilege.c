/* SPDX-License-Identifier: Apache-2.0 */
#include "os/privilege.h"

#include "base/compiler.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <sys/auxv.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

bool privilege_is_root(void)
{
    return geteuid() == 0;
}

bool privilege_is_set_id(void)
{
    return getauxval(AT_SECURE) != 0 || geteuid() != getuid() || getegid() != getgid();
}

static bool is_kept(const int *keep, size_t count, int capability)
{
    for (size_t i = 0; i < count; i++) {
        if (keep[i] == capability)
            return true;
    }
    return false;
}

/* Also what an exec could bring back. A container may have taken the right to do so, with most of the rest. */
static bool limit_bounding_set(const int *keep, size_t count, struct failure *why)
{
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++) {
        if (!is_kept(keep, count, capability) && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
            return errno == EPERM || failure_system(why, errno, "drop capability %d", capability);
    }
    return true;
}

static bool clear_capabilities(struct failure *why)
{
    cap_t none = cap_init();
    bool is_done = none != NULL && cap_set_proc(none) == 0;
    int error = errno;

    if (none != NULL)
        cap_free(none);
    return is_done || failure_system(why, error, "give up capabilities");
}

/* Trust nothing: ask the kernel what we are now, and try to get root back. */
static bool check_dropped(uid_t uid, gid_t gid, struct failure *why)
{
    uid_t real_uid, effective_uid, saved_uid;
    gid_t real_gid, effective_gid, saved_gid;

    if (getresuid(&real_uid, &effective_uid, &saved_uid) < 0 || getresgid(&real_gid, &effective_gid, &saved_gid) < 0)
        return failure_system(why, errno, "look at the user of this process");
    if (real_uid != uid || effective_uid != uid || saved_uid != uid || real_gid != gid || effective_gid != gid ||
        saved_gid != gid)
        return failure_set(why, FAILURE_PERMANENT, 0, "giving up privileges did not make us user %u, group %u",
                           (unsigned) uid, (unsigned) gid);
    if (uid != 0 && (setuid(0) == 0 || seteuid(0) == 0))
        return failure_set(why, FAILURE_PERMANENT, 0, "privileges given up could be had back");
    return true;
}

static bool become(uid_t uid, gid_t gid, struct failure *why)
{
    if (setresgid(gid, gid, gid) < 0)
        return failure_system(why, errno, "become group %u", (unsigned) gid);
    if (setresuid(uid, uid, uid) < 0)
        return failure_system(why, errno, "become user %u", (unsigned) uid);
    if (uid != 0 && !clear_capabilities(why))
        return false;
    return check_dropped(uid, gid, why);
}

bool privilege_drop(uid_t uid, gid_t gid, struct failure *why)
{
    if (!privilege_is_root())
        return check_dropped(uid, gid, why);
    if (setgroups(1, &gid) < 0)
        return failure_system(why, errno, "give up groups");
    return (uid == 0 || limit_bounding_set(NULL, 0, why)) && become(uid, gid, why);
}

static bool is_among(gid_t gid, const gid_t *groups, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (groups[i] == gid)
            return true;
    }
    return false;
}

void privilege_find_groups(const char *name, gid_t gid, const gid_t *never, size_t never_count,
                           struct privilege_groups *groups_out)
{
    gid_t found[ARRAY_COUNT(groups_out->items)];
    int count = (int) ARRAY_COUNT(found);

    groups_out->items[0] = gid;
    groups_out->count = 1;
    /* With too many it gives those that fit. */
    if (getgrouplist(name, gid, found, &count) < 0)
        count = (int) ARRAY_COUNT(found);
    for (int i = 0; i < count; i++) {
        if (found[i] != 0 && !is_among(found[i], never, never_count) &&
            !is_among(found[i], groups_out->items, groups_out->count))
            groups_out->items[groups_out->count++] = found[i];
    }
}

bool privilege_drop_to_groups(uid_t uid, gid_t gid, const struct privilege_groups *groups, struct failure *why)
{
    if (!privilege_is_root())
        return check_dropped(uid, gid, why);
    if (setgroups(groups->count, groups->items) < 0)
        return failure_system(why, errno, "take %zu groups", groups->count);
    return (uid == 0 || limit_bounding_set(NULL, 0, why)) && become(uid, gid, why);
}

bool privilege_drop_with_groups(const char *name, uid_t uid, gid_t gid, struct failure *why)
{
    if (!privilege_is_root())
        return check_dropped(uid, gid, why);
    if (initgroups(name, gid) < 0)
        return failure_system(why, errno, "take the groups of %s", name);
    return (uid == 0 || limit_bounding_set(NULL, 0, why)) && become(uid, gid, why);
}

bool privilege_drop_to_user(const char *name, uid_t uid, gid_t gid, struct failure *why)
{
    if (!privilege_is_root())
        return check_dropped(uid, gid, why);
    if (initgroups(name, gid) < 0)
        return failure_system(why, errno, "take the groups of %s", name);
    return become(uid, gid, why);
}

/*
 * The kernel keeps these for each thread, and only libc makes all threads change together. A thread that works beside
 * must neither lose its rights while this one acts as somebody, nor be stopped for it.
 */
static bool act_as_user(uid_t uid, struct failure *why)
{
    return syscall(SYS_setresuid, (uid_t) -1, uid, (uid_t) -1) == 0 ||
           failure_system(why, errno, "act as user %u", (unsigned) uid);
}

static bool act_as_group(gid_t gid, struct failure *why)
{
    return syscall(SYS_setresgid, (gid_t) -1, gid, (gid_t) -1) == 0 ||
           failure_system(why, errno, "act as group %u", (unsigned) gid);
}

bool privilege_borrow_groups(uid_t uid, gid_t gid, const struct privilege_groups *groups, struct failure *why)
{
    if (syscall(SYS_setgroups, groups->count, groups->items) < 0)
        return failure_system(why, errno, "give up groups");
    return act_as_group(gid, why) && act_as_user(uid, why);
}

bool privilege_borrow(uid_t uid, gid_t gid, struct failure *why)
{
    return privilege_borrow_groups(uid, gid, &(struct privilege_groups){ .items = { gid }, .count = 1 }, why);
}

bool privilege_leave_groups(struct failure *why)
{
    gid_t root_group = 0;

    return setgroups(1, &root_group) == 0 || failure_system(why, errno, "take root's group alone");
}

/* The other groups of what was borrowed stay until the next borrowing: they add nothing to root's rights. */
bool privilege_restore(struct failure *why)
{
    return act_as_user(0, why) && act_as_group(0, why);
}

bool privilege_enter_root(const char *path, struct failure *why)
{
    if (chroot(path) < 0)
        return failure_system(why, errno, "chroot to %s", path);
    if (chdir("/") < 0)
        return failure_system(why, errno, "enter the root at %s", path);
    return true;
}

bool privilege_forbid_new(struct failure *why)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return failure_system(why, errno, "forbid new privileges");
    return true;
}

static bool is_permitted(cap_t now, int capability)
{
    cap_flag_value_t value = CAP_CLEAR;

    return cap_get_flag(now, capability, CAP_PERMITTED, &value) == 0 && value == CAP_SET;
}

/* Nobody can keep what a container or the service manager has taken before. */
static bool keep_permitted(cap_t now, cap_t wanted, const int *keep, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_permitted(now, keep[i]) && (cap_set_flag(wanted, CAP_PERMITTED, 1, &keep[i], CAP_SET) < 0 ||
                                           cap_set_flag(wanted, CAP_EFFECTIVE, 1, &keep[i], CAP_SET) < 0))
            return false;
    }
    return cap_set_proc(wanted) == 0;
}

bool privilege_limit_capabilities(const int *keep, size_t count, struct failure *why)
{
    cap_t now, wanted;
    bool is_done;
    int error;

    if (!limit_bounding_set(keep, count, why))
        return false;
    now = cap_get_proc();
    wanted = cap_init();
    is_done = now != NULL && wanted != NULL && keep_permitted(now, wanted, keep, count);
    error = errno;
    if (now != NULL)
        cap_free(now);
    if (wanted != NULL)
        cap_free(wanted);
    return is_done || failure_system(why, error, "limit capabilities");
}
