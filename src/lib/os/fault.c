/* SPDX-License-Identifier: Apache-2.0 */
#include "os/fault.h"

#include "base/str.h"
#include "os/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PLAN_MAX = 16, EXIT_STATUS = 70, ENDS_PROCESS = -1, ENDS_AFTER = -2 };

struct planned_fault {
    enum fault_operation operation;
    uint64_t at;
    bool is_lasting;
    bool is_single;
    int error; /* or ENDS_PROCESS, ENDS_AFTER */
};

static struct planned_fault plan[PLAN_MAX];
static size_t plan_count;
/* Of the call that this thread makes just now. */
static _Thread_local bool ends_after;
static atomic_uint_least64_t seen[FAULT_OPERATIONS];
static const char *log_path;
static fault_hook *_Atomic hook;
static void *hook_context;
static fault_listener *_Atomic listener;
static void *listener_context;
static pthread_once_t is_planned = PTHREAD_ONCE_INIT;
/* False is the whole cost of the seam in production. */
static atomic_bool is_armed = true;

static const char *const names[FAULT_OPERATIONS] = {
    [FAULT_OPEN] = "open", [FAULT_WRITE] = "write",   [FAULT_SYNC] = "sync",     [FAULT_RENAME] = "rename",
    [FAULT_LINK] = "link", [FAULT_UNLINK] = "unlink", [FAULT_CREATE] = "create", [FAULT_TRUNCATE] = "truncate",
    [FAULT_MODE] = "mode", [FAULT_READ] = "read",     [FAULT_MAP] = "map",       [FAULT_WRITE_BACK] = "writeback",
};

static const struct {
    const char *name;
    int error;
} errors[] = {
    { "exit", ENDS_PROCESS },   { "exit-after", ENDS_AFTER }, { "EIO", EIO },
    { "ENOSPC", ENOSPC },       { "EDQUOT", EDQUOT },         { "EMFILE", EMFILE },
    { "ENFILE", ENFILE },       { "EACCES", EACCES },         { "EROFS", EROFS },
    { "EFBIG", EFBIG },         { "EINTR", EINTR },           { "EEXIST", EEXIST },
    { "ENOENT", ENOENT },       { "ENOMEM", ENOMEM },         { "EPERM", EPERM },
    { "ETIMEDOUT", ETIMEDOUT }, { "short", FAULT_SHORT },     { "none", 0 },
};

const char *fault_operation_name(enum fault_operation operation)
{
    return operation < FAULT_OPERATIONS ? names[operation] : "unknown";
}

static bool find_operation(struct str name, enum fault_operation *operation_out)
{
    for (int i = 0; i < FAULT_OPERATIONS; i++) {
        if (str_equal(name, str_from_c(names[i]))) {
            *operation_out = (enum fault_operation) i;
            return true;
        }
    }
    return false;
}

static bool find_error(struct str name, int *error_out)
{
    for (size_t i = 0; i < ARRAY_COUNT(errors); i++) {
        if (str_equal(name, str_from_c(errors[i].name))) {
            *error_out = errors[i].error;
            return true;
        }
    }
    return false;
}

/* "[program/]operation:n[+!]:error". A word that cannot be read is left out: a test that names one sees no fault. */
static void add_to_plan(struct str word)
{
    struct planned_fault *fault = &plan[plan_count];
    struct str program, operation, count, error, rest;

    if (str_cut(word, '/', &program, &rest)) {
        if (!str_equal(program, str_from_c(program_invocation_short_name)))
            return;
        word = rest;
    }
    if (plan_count == PLAN_MAX || !str_cut(word, ':', &operation, &rest) || !str_cut(rest, ':', &count, &error))
        return;
    fault->is_lasting = str_ends_with(count, STR("+"));
    fault->is_single = str_ends_with(count, STR("!"));
    if (fault->is_lasting || fault->is_single)
        count.len--;
    if (find_operation(operation, &fault->operation) && str_to_uint64(count, &fault->at) &&
        find_error(error, &fault->error) && (fault->error != FAULT_SHORT || fault->operation == FAULT_WRITE))
        plan_count++;
}

static void arm(void)
{
    atomic_store(&is_armed, plan_count > 0 || atomic_load(&hook) != NULL || atomic_load(&listener) != NULL);
}

static void read_plan(void)
{
    struct str rest = str_from_c(privilege_is_set_id() ? NULL : getenv("MERPATI_FAULTS"));
    struct str word;

    while (str_next_word(&rest, " ,", &word))
        add_to_plan(word);
    log_path = getenv("MERPATI_FAULTS_LOG");
    arm();
}

void fault_set_hook(fault_hook *new_hook, void *context)
{
    (void) pthread_once(&is_planned, read_plan);
    hook_context = context;
    atomic_store(&hook, new_hook);
    arm();
}

void fault_set_listener(fault_listener *new_listener, void *context)
{
    (void) pthread_once(&is_planned, read_plan);
    listener_context = context;
    atomic_store(&listener, new_listener);
    arm();
}

/* The log's descriptor, locked until it is closed, so that of many processes one strikes at a time. */
static int open_log(void)
{
    int fd = log_path == NULL ? -1 : open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);

    if (fd >= 0)
        (void) flock(fd, LOCK_EX);
    return fd;
}

static bool is_empty(int fd)
{
    struct stat status;

    return fd < 0 || fstat(fd, &status) < 0 || status.st_size == 0;
}

static void tell(int fd, const struct planned_fault *fault, const struct fault_event *event)
{
    char line[500];
    int len = snprintf(line, sizeof line, "%s[%d] %s:%llu %s\n", program_invocation_short_name, (int) getpid(),
                       names[fault->operation], (unsigned long long) fault->at, event->path == NULL ? "" : event->path);

    if (len >= (int) sizeof line)
        len = (int) sizeof line - 1;
    (void) !write(fd, line, (size_t) len);
}

static bool strikes(const struct planned_fault *fault, const struct fault_event *event)
{
    int fd = open_log();
    bool is_due = !fault->is_single || is_empty(fd);

    if (is_due && fd >= 0)
        tell(fd, fault, event);
    if (fd >= 0)
        (void) close(fd);
    return is_due;
}

static int planned_verdict(const struct fault_event *event)
{
    uint64_t now = atomic_fetch_add(&seen[event->operation], 1) + 1;

    for (size_t i = 0; i < plan_count; i++) {
        const struct planned_fault *fault = &plan[i];

        if (fault->operation != event->operation || now < fault->at || (now > fault->at && !fault->is_lasting))
            continue;
        if (!strikes(fault, event) || fault->error == 0)
            continue;
        if (fault->error == ENDS_PROCESS)
            _exit(EXIT_STATUS);
        ends_after = fault->error == ENDS_AFTER;
        return ends_after ? 0 : fault->error;
    }
    return 0;
}

int fault_point(const struct fault_event *event)
{
    fault_hook *function;
    int verdict;

    if (!atomic_load_explicit(&is_armed, memory_order_relaxed))
        return 0;
    (void) pthread_once(&is_planned, read_plan);
    function = atomic_load(&hook);
    verdict = function == NULL ? 0 : function(event, hook_context);
    return verdict != 0 || plan_count == 0 ? verdict : planned_verdict(event);
}

void fault_done(const struct fault_event *event, int error)
{
    fault_listener *function;

    if (!atomic_load_explicit(&is_armed, memory_order_relaxed))
        return;
    function = atomic_load(&listener);
    if (function != NULL)
        function(event, error, listener_context);
    if (ends_after)
        _exit(EXIT_STATUS);
}
