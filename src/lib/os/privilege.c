/* SPDX-License-Identifier: Apache-2.0 */
#include "os/privilege.h"

#include "base/compiler.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <sys/auxv.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

bool privilege_is_root(void)
{
    return geteuid() == 0;
}

bool privilege_is_set_id(void)
{
    return getauxval(AT_SECURE) != 0 || geteuid() != getuid() || getegid() != getgid();
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
    return become(uid, gid, why);
}

bool privilege_drop_to_user(const char *name, uid_t uid, gid_t gid, struct failure *why)
{
    if (!privilege_is_root())
        return check_dropped(uid, gid, why);
    if (initgroups(name, gid) < 0)
        return failure_system(why, errno, "take the groups of %s", name);
    return become(uid, gid, why);
}

bool privilege_borrow(uid_t uid, gid_t gid, struct failure *why)
{
    if (setgroups(1, &gid) < 0)
        return failure_system(why, errno, "give up groups");
    if (setegid(gid) < 0)
        return failure_system(why, errno, "act as group %u", (unsigned) gid);
    if (seteuid(uid) < 0)
        return failure_system(why, errno, "act as user %u", (unsigned) uid);
    return true;
}

bool privilege_restore(struct failure *why)
{
    gid_t root_group = 0;

    if (seteuid(0) < 0 || setegid(0) < 0)
        return failure_system(why, errno, "act as root again");
    if (setgroups(1, &root_group) < 0)
        return failure_system(why, errno, "take root's group again");
    return true;
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

static bool is_kept(const int *keep, size_t count, int capability)
{
    for (size_t i = 0; i < count; i++) {
        if (keep[i] == capability)
            return true;
    }
    return false;
}

bool privilege_limit_capabilities(const int *keep, size_t count, struct failure *why)
{
    cap_t wanted;
    bool is_done;
    int error;

    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++) {
        if (!is_kept(keep, count, capability) && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
            return failure_system(why, errno, "drop capability %d", capability);
    }
    wanted = cap_init();
    is_done = wanted != NULL && cap_set_flag(wanted, CAP_PERMITTED, (int) count, keep, CAP_SET) == 0 &&
              cap_set_flag(wanted, CAP_EFFECTIVE, (int) count, keep, CAP_SET) == 0 && cap_set_proc(wanted) == 0;
    error = errno;
    if (wanted != NULL)
        cap_free(wanted);
    return is_done || failure_system(why, error, "limit capabilities");
}
