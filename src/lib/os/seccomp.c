/* SPDX-License-Identifier: Apache-2.0 */
#include "os/seccomp.h"

#include "base/str.h"
#include "os/environment.h"

#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* What every service needs: memory, time, waiting, its descriptors (which it can write, it can cut off), its threads,
 * its own end. */
static const char common_calls[] =
    "brk mmap munmap mremap madvise mprotect futex futex_waitv membarrier rseq set_robust_list "
    "get_robust_list set_tid_address gettid getpid getppid getuid geteuid getgid getegid getresuid "
    "getresgid getgroups getrandom getcpu sched_yield sched_getaffinity sched_getparam "
    "sched_getscheduler sysinfo uname getrlimit prlimit64 getrusage times clock_gettime clock_getres "
    "clock_nanosleep nanosleep gettimeofday time alarm setitimer getitimer timerfd_create "
    "timerfd_settime timerfd_gettime rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending "
    "rt_sigtimedwait sigaltstack signalfd4 tgkill tkill restart_syscall exit exit_group clone clone3 "
    "prctl arch_prctl close close_range dup dup2 dup3 pipe pipe2 eventfd2 fcntl ioctl poll ppoll select "
    "pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 read readv ftruncate "
    "pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2 lseek fstat newfstatat stat lstat "
    "statx access faccessat faccessat2 readlink readlinkat getcwd chdir fchdir umask open openat "
    "getdents getdents64 statfs fstatfs flock fadvise64 getsockname getpeername getsockopt setsockopt "
    "socketpair connect bind accept accept4 sendto sendmsg sendmmsg recvfrom recvmsg recvmmsg shutdown";

/* What changes a disk. Jailed network services have none of these but a table's lock. */
static const char disk_calls[] =
    "truncate fallocate fsync fdatasync syncfs sync_file_range rename renameat renameat2 link "
    "linkat symlink symlinkat unlink unlinkat mkdir mkdirat rmdir chmod fchmod fchmodat chown fchown "
    "lchown fchownat utime utimes utimensat futimesat copy_file_range sendfile splice msync mlock "
    "munlock inotify_init1 inotify_add_watch inotify_rm_watch";

/* What acting as a user of this host takes. */
static const char user_calls[] = "setresuid setresgid setgroups setuid setgid seteuid setegid setreuid setregid";

struct profile {
    const char *name;
    bool may_change_disk;
    bool may_use_internet;
    bool may_act_as_users;
};

static const struct profile profiles[] = {
    { "network", false, true, false },
    { "queue", true, false, false },
    { "lookup", true, true, false },
    { "mailbox", true, true, true },
};

static const struct profile *find_profile(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(profiles); i++) {
        if (strcmp(profiles[i].name, name) == 0)
            return &profiles[i];
    }
    return NULL;
}

/* A name that this machine's kernel interface does not have (aarch64 has no open) is left out. */
static int allow(scmp_filter_ctx filter, const char *names)
{
    struct str rest = str_from_c(names), word;
    char name[64];

    while (str_next_word(&rest, " ", &word)) {
        int number, result;

        snprintf(name, sizeof name, "%.*s", STR_ARG(word));
        number = seccomp_syscall_resolve_name(name);
        result = number < 0 ? 0 : seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
        if (result < 0)
            return result;
    }
    return 0;
}

static int allow_sockets(scmp_filter_ctx filter, bool may_use_internet)
{
    static const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };
    size_t count = may_use_internet ? ARRAY_COUNT(families) : 1;

    for (size_t i = 0; i < count; i++) {
        struct scmp_arg_cmp family = { .arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t) families[i] };
        int result = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, &family);

        if (result < 0)
            return result;
    }
    return 0;
}

static int build(scmp_filter_ctx filter, const struct profile *profile)
{
    int result = allow(filter, common_calls);

    if (result >= 0 && profile->may_change_disk)
        result = allow(filter, disk_calls);
    if (result >= 0 && profile->may_act_as_users)
        result = allow(filter, user_calls);
    if (result >= 0)
        result = allow_sockets(filter, profile->may_use_internet);
    /* Threads begun later (libuv's pool) get the filter too. */
    if (result >= 0)
        result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    /* The kernel's audit log tells of what was refused. */
    if (result >= 0)
        result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
    if (result >= 0)
        result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
    return result < 0 ? result : seccomp_load(filter);
}

static uint32_t refusal(void)
{
    const char *wish = environment_get("MERPATI_SECCOMP");

    return wish != NULL && strcmp(wish, "kill") == 0 ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(EPERM);
}

bool seccomp_enter(const char *name, bool *is_active_out, struct failure *why)
{
    const struct profile *profile = find_profile(name);
    scmp_filter_ctx filter;
    int result;

    if (profile == NULL)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "there is no seccomp profile \"%s\"", name);
    if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0 && errno == EINVAL) {
        *is_active_out = false;
        return true;
    }
    filter = seccomp_init(refusal());
    if (filter == NULL)
        return failure_set(why, FAILURE_RETRY, ENOMEM, "make a seccomp filter");
    result = build(filter, profile);
    seccomp_release(filter);
    if (result < 0)
        return failure_system(why, -result, "enter the seccomp profile \"%s\"", name);
    *is_active_out = true;
    return true;
}
