/* SPDX-License-Identifier: Apache-2.0 */
/* postsuper - the superuser's hand in the queue: delete, hold, release, requeue, put right. */

#include "config/directory.h"
#include "config/layout.h"
#include "config/main_cf.h"
#include "config/shared_settings.h"
#include "daemon/command_log.h"
#include "log/log.h"
#include "os/environment.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/lock.h"
#include "os/privilege.h"
#include "os/signals.h"
#include "os/system_socket.h"
#include "postsuper/log_lines.h"
#include "postsuper/ownership.h"
#include "postsuper/spool_change.h"
#include "protocol/queue_client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static const char lock_path[] = "pid/master.pid";

enum { ACTIONS_MAXIMUM = 5, LINE_MAXIMUM = 4096, ANSWER_HOURS = 12 };

/* What one option letter does, in the order of the summary. */
struct action {
    char letter;
    enum queue_operation operation;
    const char *each;    /* of one message */
    const char *summary; /* of all */
};

static const struct action actions[ACTIONS_MAXIMUM] = {
    { 'r', QUEUE_REQUEUE, "requeued", "Requeued" },
    { 'd', QUEUE_DELETE, "removed", "Deleted" },
    { 'e', QUEUE_EXPIRE, "expired", "Force-expired" },
    { 'h', QUEUE_HOLD, "placed on hold", "Placed on hold" },
    { 'H', QUEUE_RELEASE, "released from hold", "Released from hold" },
};

/* What was asked of one action. */
struct task {
    const struct action *action;
    struct strlist ids;
    bool is_all;
    bool is_asked;
    uint64_t count;
    bool tells_each; /* ids were named; ALL only counts */
};

struct postsuper {
    struct arena *arena;
    const struct shared_settings *shared;
    struct spool_settings spool;
    struct task tasks[ACTIONS_MAXIMUM];
    struct strlist queues; /* empty: those that the action concerns */
    bool mends;
    bool purges;
    bool is_down;
    int lock_fd;
    struct strlist bad_ids; /* told when there is a log */
};

static int usage(void)
{
    return log_fail(1, "usage: postsuper [-c config_dir] [-d queue_id (delete)] [-e queue_id (expire)] [-f queue_id "
                       "(expire and/or un-hold)] [-h queue_id (hold)] [-H queue_id (un-hold)] "
                       "[-p (purge temporary files)] [-r queue_id (requeue)] [-s (structure fix)] [-S (redundant "
                       "structure fix)][-v (verbose)] [queue...]");
}

static bool is_id_text(struct str text)
{
    size_t i;

    for (i = 0; i < text.len; i++)
        if (!char_is_alnum(text.data[i]))
            return false;
    return text.len > 0;
}

static void add_id(struct postsuper *postsuper, struct task *task, struct str id)
{
    task->is_asked = true;
    if (str_equal(id, STR("ALL")))
        task->is_all = true;
    else if (!is_id_text(id))
        strlist_add(&postsuper->bad_ids, postsuper->arena, id);
    else
        strlist_add(&task->ids, postsuper->arena, id);
}

/* "-": one id a line from standard input; an empty list is fine. */
static bool add_from_input(struct postsuper *postsuper, struct task *task)
{
    char line[LINE_MAXIMUM];

    task->is_asked = true;
    while (fgets(line, sizeof line, stdin) != NULL)
        if (str_trim(str_from_c(line)).len > 0)
            add_id(postsuper, task, str_trim(str_from_c(line)));
    return ferror(stdin) == 0;
}

static struct task *task_of(struct postsuper *postsuper, int letter)
{
    size_t i;

    for (i = 0; i < ACTIONS_MAXIMUM; i++)
        if (actions[i].letter == letter)
            return &postsuper->tasks[i];
    return NULL;
}

static bool add_argument(struct postsuper *postsuper, int letter)
{
    struct task *task = task_of(postsuper, letter);

    if (strcmp(optarg, "-") == 0)
        return add_from_input(postsuper, task);
    add_id(postsuper, task, str_from_c(optarg));
    return true;
}

/* -f is -e, and -H for what is held. */
static bool add_expired_and_released(struct postsuper *postsuper)
{
    struct task *expired = task_of(postsuper, 'e');
    struct task *released = task_of(postsuper, 'H');
    size_t before = expired->ids.count;

    if (!add_argument(postsuper, 'e'))
        return false;
    for (size_t i = before; i < expired->ids.count; i++)
        strlist_add(&released->ids, postsuper->arena, expired->ids.items[i]);
    released->is_all = released->is_all || expired->is_all;
    released->is_asked = true;
    return true;
}

static bool parse_arguments(struct postsuper *postsuper, int argc, char **argv, struct str *directory_out)
{
    int letter;

    while ((letter = getopt(argc, argv, "+c:d:e:f:h:H:pr:sSv")) != -1) {
        if (task_of(postsuper, letter) != NULL) {
            if (!add_argument(postsuper, letter))
                return false;
        } else if (letter == 'f') {
            if (!add_expired_and_released(postsuper))
                return false;
        } else if (letter == 'c') {
            *directory_out = str_from_c(optarg);
        } else if (letter == 'p') {
            postsuper->purges = true;
        } else if (letter == 's' || letter == 'S') {
            postsuper->mends = true;
        } else if (letter != 'v') {
            return false;
        }
    }
    for (; optind < argc; optind++)
        strlist_add(&postsuper->queues, postsuper->arena, str_from_c(argv[optind]));
    return true;
}

static bool has_task(const struct postsuper *postsuper)
{
    size_t i;

    for (i = 0; i < ACTIONS_MAXIMUM; i++)
        if (postsuper->tasks[i].is_asked)
            return true;
    return false;
}

static const char *bad_queue(const struct postsuper *postsuper)
{
    size_t i;

    for (i = 0; i < postsuper->queues.count; i++) {
        enum spool_queue queue;

        if (!str_equal(postsuper->queues.items[i], STR("maildrop")) &&
            !spool_queue_parse(postsuper->queues.items[i], &queue))
            return arena_c(postsuper->arena, postsuper->queues.items[i]);
    }
    return NULL;
}

/* Files made here must belong to who owns the queue. */
static bool become_owner(const struct postsuper *postsuper, struct failure *why)
{
    struct layout_identity identity;

    if (!layout_identity_find(postsuper->shared, &identity, why))
        return false;
    if (!identity.is_root)
        return true;
    if (postsuper->mends && !ownership_mend(identity.mail_uid, identity.mail_gid, why))
        return false;
    return privilege_drop(identity.mail_uid, identity.mail_gid, why);
}

static bool load(struct postsuper *postsuper, struct str option, struct failure *why)
{
    const struct shared_settings *shared;
    struct main_cf *cf;
    struct str directory;

    if (!config_directory_find(option, postsuper->arena, &directory, why) ||
        !main_cf_load(directory, postsuper->arena, &cf, why))
        return false;
    main_cf_set_program(cf, STR("postsuper"), STR_EMPTY);
    if (!shared_settings_load(cf, postsuper->arena, &shared, why))
        return false;
    postsuper->shared = shared;
    postsuper->spool = spool_settings_make(shared->hash_queue_names, shared->hash_queue_depth);
    if (chdir(arena_c(postsuper->arena, shared->queue_directory)) != 0)
        return failure_system(why, errno, "chdir %.*s", STR_ARG(shared->queue_directory));
    return true;
}

static void told_of(void *context, struct str queue_id)
{
    struct task *task = context;

    task->count++;
    if (task->tells_each)
        log_changed(queue_id, task->action->each);
}

/* Nobody else may change the queue while the system is down: the lock is the one that master takes. */
static bool take_lock(struct postsuper *postsuper, struct failure *why)
{
    if (postsuper->is_down)
        return true;
    if (postsuper->lock_fd < 0)
        return failure_set(
            why, FAILURE_RETRY, 0,
            "%s cannot be opened: no mail system was started on this queue yet; \"merpati start\" puts it right",
            lock_path);
    if (lock_try(postsuper->lock_fd, lock_path, LOCK_STYLE_DESCRIPTION, LOCK_EXCLUSIVE, why)) {
        postsuper->is_down = true;
        return true;
    }
    return failure_set(why, FAILURE_RETRY, 0,
                       "the mail system runs, but its queue manager does not answer: try again, or see the log");
}

static bool ask_queue_manager(struct postsuper *postsuper, const struct queue_control *request,
                              const struct queue_controlled **reply_out, struct failure *why)
{
    const char *path = arena_c(postsuper->arena, arena_printf(postsuper->arena, "public/%.*s",
                                                              STR_ARG(postsuper->shared->queue_service_name)));

    return queue_client_control(path, request, postsuper->arena, seconds(ANSWER_HOURS * 3600), reply_out, why);
}

static bool count_reply(struct task *task, const struct queue_controlled *reply, struct failure *why)
{
    uint64_t before = task->count;
    size_t i;

    for (i = 0; i < reply->done.count; i++)
        told_of(task, reply->done.items[i]);
    task->count = before + reply->count;
    if (reply->failure.len > 0)
        return failure_set(why, FAILURE_RETRY, 0, "%.*s", STR_ARG(reply->failure));
    return true;
}

static bool change_directly(struct postsuper *postsuper, struct task *task, const struct queue_control *request,
                            struct failure *why)
{
    const struct spool_change change = {
        .spool = postsuper->spool,
        .operation = task->action->operation,
        .arena = postsuper->arena,
        .changed = told_of,
        .context = task,
    };
    size_t i;

    if (!take_lock(postsuper, why))
        return false;
    if (request->is_all)
        return spool_change_all(&change, request->queue_name, why);
    for (i = 0; i < request->queue_ids.count; i++)
        if (!spool_change_one(&change, request->queue_ids.items[i], why))
            return false;
    return true;
}

static bool change(struct postsuper *postsuper, struct task *task, const struct queue_control *request,
                   struct failure *why)
{
    const struct queue_controlled *reply;

    if (!postsuper->is_down && ask_queue_manager(postsuper, request, &reply, why))
        return count_reply(task, reply, why);
    if (!postsuper->is_down && !queue_client_is_down(why))
        return false;
    return change_directly(postsuper, task, request, why);
}

/* What the queue manager does not keep is always changed here. */
static bool change_outside(const struct postsuper *postsuper, struct task *task, struct str queue, struct str id,
                           struct failure *why)
{
    const struct spool_change outside = {
        .spool = postsuper->spool,
        .operation = task->action->operation,
        .arena = postsuper->arena,
        .changed = told_of,
        .context = task,
    };

    if (str_equal(queue, STR("maildrop")))
        return spool_change_maildrop(&outside, id, why);
    if (str_equal(queue, STR("corrupt")))
        return spool_change_corrupt(&outside, why);
    return true;
}

static bool is_outside(struct str queue)
{
    return str_equal(queue, STR("maildrop")) || str_equal(queue, STR("corrupt"));
}

static bool run_all(struct postsuper *postsuper, struct task *task, struct failure *why)
{
    struct queue_control request = { .operation = task->action->operation, .is_all = true };
    size_t i;

    task->tells_each = false;
    if (postsuper->queues.count == 0)
        return change_outside(postsuper, task, STR("maildrop"), STR_EMPTY, why) &&
               change(postsuper, task, &request, why);
    for (i = 0; i < postsuper->queues.count; i++) {
        request.queue_name = postsuper->queues.items[i];
        if (is_outside(request.queue_name) ? !change_outside(postsuper, task, request.queue_name, STR_EMPTY, why)
                                           : !change(postsuper, task, &request, why))
            return false;
    }
    return true;
}

static bool run_named(struct postsuper *postsuper, struct task *task, struct failure *why)
{
    const struct queue_control request = { .operation = task->action->operation, .queue_ids = task->ids };
    size_t i;

    task->tells_each = true;
    for (i = 0; i < task->ids.count; i++)
        if (!change_outside(postsuper, task, STR("maildrop"), task->ids.items[i], why))
            return false;
    return task->ids.count == 0 || change(postsuper, task, &request, why);
}

static bool run_task(struct postsuper *postsuper, struct task *task, struct failure *why)
{
    if (!run_named(postsuper, task, why))
        return false;
    return !task->is_all || run_all(postsuper, task, why);
}

/* With the system up its manager walks the folders; else this command puts them right itself. */
static bool mend(struct postsuper *postsuper, struct failure *why)
{
    const struct queue_control request = { .operation = QUEUE_RESCAN, .is_all = true };
    const struct queue_controlled *reply;

    if (ask_queue_manager(postsuper, &request, &reply, why))
        return true;
    if (!queue_client_is_down(why))
        return false;
    return take_lock(postsuper, why) && spool_change_structure(&postsuper->spool, why);
}

/* pickup looks every minute anyway; a system that is down is no trouble. */
static void wake_pickup(const struct postsuper *postsuper)
{
    const char *path = arena_c(postsuper->arena, arena_printf(postsuper->arena, "public/%.*s",
                                                              STR_ARG(postsuper->shared->pickup_service_name)));
    struct failure why;

    if (!system_socket_wake(path, STR("W"), &why))
        log_debug("%s", why.text);
}

static void summarize(const struct postsuper *postsuper)
{
    size_t i;

    for (i = 0; i < ACTIONS_MAXIMUM; i++) {
        const struct task *task = &postsuper->tasks[i];

        if (task->is_asked)
            log_summary(task->action->summary, (size_t) task->count);
    }
}

static int run(struct postsuper *postsuper)
{
    struct failure why;
    bool is_good = true;
    size_t i;

    if (postsuper->purges)
        is_good = spool_change_purge(&why);
    if (is_good && postsuper->mends)
        is_good = mend(postsuper, &why);
    for (i = 0; is_good && i < ACTIONS_MAXIMUM; i++)
        if (postsuper->tasks[i].is_asked)
            is_good = run_task(postsuper, &postsuper->tasks[i], &why);
    if (task_of(postsuper, 'r')->count > 0)
        wake_pickup(postsuper);
    summarize(postsuper);
    log_flush();
    fd_close(&postsuper->lock_fd);
    return is_good ? 0 : log_fail(1, "%s", why.text);
}

/* As an ordinary user only the owner of the queue gets further than this. */
static bool may_use(void)
{
    struct failure ignored;
    struct stat status;

    return getuid() == 0 || (file_stat("active", &status, &ignored) && status.st_uid == getuid());
}

int main(int argc, char **argv)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct postsuper postsuper = { .arena = arena, .lock_fd = -1 };
    const struct log_options early = { .name = "postsuper", .facility = "mail", .only_stderr = true };
    struct str directory = STR_EMPTY;
    struct failure why;
    size_t i;

    for (i = 0; i < ACTIONS_MAXIMUM; i++)
        postsuper.tasks[i].action = &actions[i];
    argv[0] = "postsuper"; /* in getopt's messages */
    signals_init();
    if (!fd_guard_standard(&why) || !log_open(&early, &why))
        return 1;
    if (!parse_arguments(&postsuper, argc, argv, &directory))
        return usage();
    if (!load(&postsuper, directory, &why))
        return log_fail(1, "%s", why.text);
    if (!may_use())
        return log_fail(1, "use of this command is reserved for the superuser");
    if (!has_task(&postsuper) && !postsuper.purges && !postsuper.mends) {
        postsuper.purges = true;
        postsuper.mends = true;
    }
    log_close();
    /* The lock's file is root's: it is opened while we are root, and locked only if the system is down. */
    if (!file_open(lock_path, O_RDWR, 0, &postsuper.lock_fd, &why))
        postsuper.lock_fd = -1;
    if (!command_log_open(postsuper.shared, "postsuper", COMMAND_LOG_IN_QUEUE, arena, &why) ||
        !become_owner(&postsuper, &why))
        return log_fail(1, "%s", why.text);
    if (bad_queue(&postsuper) != NULL)
        return log_fail(1, "invalid directory name: %s", bad_queue(&postsuper));
    for (i = 0; i < postsuper.bad_ids.count; i++)
        log_warning("invalid mail queue id: %.*s", STR_ARG(postsuper.bad_ids.items[i]));
    return run(&postsuper);
}
