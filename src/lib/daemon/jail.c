/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/jail.h"

#include "config/layout.h"
#include "os/privilege.h"
#include "os/seccomp.h"
#include "os/user.h"

#include <sys/capability.h>

#if defined(__SANITIZE_ADDRESS__)
#define JAIL_HAS_SANITIZER true
#elif defined(__has_feature)
#define JAIL_HAS_SANITIZER __has_feature(address_sanitizer)
#else
#define JAIL_HAS_SANITIZER false
#endif

/* What acting as a mail user takes: becoming somebody, reaching and owning their files; last, what few may. */
static const int kept_capabilities[] = {
    CAP_SETUID, CAP_SETGID, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_CHOWN, CAP_FOWNER, CAP_KILL, CAP_SYS_CHROOT,
};

/* Only the service that needs it looks for it: who has Dovecot need not have such a user. */
static bool become_sasl_owner(const struct shared_settings *settings, const struct layout_identity *identity,
                              struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct user_account user;

    switch (user_by_name(arena, settings->sasl_owner, &user, why)) {
    case USER_FOUND:
        break;
    case USER_ABSENT:
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "sasl_owner = %.*s: there is no such user; make it: useradd -r -M -s /usr/sbin/nologin %.*s",
                           STR_ARG(settings->sasl_owner), STR_ARG(settings->sasl_owner));
    default:
        return false;
    }
    if (user.uid == 0 || user.uid == identity->mail_uid || user.uid == identity->net_uid ||
        user.uid == identity->map_uid)
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "sasl_owner = %.*s: it must be another user than root, mail_owner, net_owner and map_owner",
                           STR_ARG(settings->sasl_owner));
    return privilege_drop_with_groups(arena_c(arena, settings->sasl_owner), user.uid, user.gid, why);
}

static bool drop_user(const struct daemon_program *program, const struct shared_settings *settings,
                      const struct layout_identity *identity, const struct privilege_groups *groups,
                      struct failure *why)
{
    switch (program->user) {
    case DAEMON_AS_MAIL_OWNER:
        return privilege_drop(identity->mail_uid, identity->mail_gid, why);
    case DAEMON_AS_NET_OWNER:
        return privilege_drop_to_groups(identity->net_uid, identity->net_gid, groups, why);
    case DAEMON_AS_MAP_OWNER:
        return privilege_drop_to_groups(identity->map_uid, identity->map_gid, groups, why);
    case DAEMON_AS_SASL_OWNER:
        return become_sasl_owner(settings, identity, why);
    case DAEMON_AS_ROOT:
        return privilege_limit_capabilities(kept_capabilities,
                                            ARRAY_COUNT(kept_capabilities) - (program->may_chroot ? 0 : 1), why);
    }
    return failure_set(why, FAILURE_PERMANENT, 0, "no user is named for %s", program->name);
}

bool jail_has_root(const struct daemon_program *program, const struct daemon_arguments *arguments)
{
    return privilege_is_root() && ((program->user == DAEMON_AS_NET_OWNER && !program->heeds_chroot) ||
                                   (arguments->is_chrooted && program->user != DAEMON_AS_ROOT));
}

static bool drop_rights(const struct daemon_program *program, const struct daemon_arguments *arguments,
                        const struct shared_settings *settings, struct failure *why)
{
    struct layout_identity identity;
    struct privilege_groups groups;

    if (!layout_identity_find(settings, &identity, why))
        return false;
    /* In the jail nobody knows who is in which group. */
    layout_service_groups(&identity, program->user == DAEMON_AS_NET_OWNER ? settings->net_owner : settings->map_owner,
                          program->user == DAEMON_AS_NET_OWNER ? identity.net_gid : identity.map_gid, &groups);
    if (jail_has_root(program, arguments) && !privilege_enter_root(".", why))
        return false;
    return drop_user(program, settings, &identity, &groups, why);
}

bool jail_enter(const struct daemon_program *program, const struct daemon_arguments *arguments,
                const struct shared_settings *settings, struct failure *why)
{
    bool is_filtered;

    if (privilege_is_root() && !drop_rights(program, arguments, settings, why))
        return false;
    if (program->seccomp == NULL)
        return true;
    /* The sanitizers' own threads and reports need calls that no service makes. */
    return privilege_forbid_new(why) && (JAIL_HAS_SANITIZER || seccomp_enter(program->seccomp, &is_filtered, why));
}
