/* SPDX-License-Identifier: Apache-2.0 */
/* qshape - how the queue divides among domains and ages. */

#include "config/directory.h"
#include "config/main_cf.h"
#include "config/shared_settings.h"
#include "listing/files.h"
#include "listing/service.h"
#include "log/log.h"
#include "os/fd.h"
#include "os/signals.h"
#include "protocol/queue_client.h"
#include "qshape/shape.h"
#include "qshape/table.h"

#include <errno.h>
#include <stdio.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { BATCH_DEFAULT = 1000, TOP_DEFAULT = 20, CHILDREN_DEFAULT = 5, BUCKETS_DEFAULT = 10, MINUTES_DEFAULT = 5 };

struct qshape {
    struct arena *arena;
    const struct shared_settings *shared;
    struct shape_settings buckets;
    struct table_settings table;
    bool is_by_sender;
    bool has_parents;
    unsigned least_children;
    uint64_t batch;
    uint64_t top;
    struct str directory; /* of main.cf */
    struct strlist queues;

    struct shape *shape;
    uint64_t messages;
    const struct strlist *wanted; /* of the listing that is read */
    unsigned weight;              /* how often the message's queue is wanted */
    int64_t arrival_seconds;
};

static int usage(void)
{
    return log_fail(
        EX_USAGE,
        "usage: qshape [-s] [-p] [-m min_subdomains] [-b bucket_count (1 to %d)] [-t bucket_time (minutes)] "
        "[-l] [-w terminal_width] [-N batch_msg_count] [-n batch_top_domains] [-c config_directory] "
        "[queue_name ...]",
        SHAPE_BUCKETS_MAXIMUM);
}

/* ---- counting ---- */

static void add(const struct qshape *qshape, struct str address)
{
    for (unsigned i = 0; i < qshape->weight; i++)
        shape_add(qshape->shape, address, qshape->arrival_seconds);
}

static void take_message(void *context, const struct showq_message *message)
{
    struct qshape *qshape = context;

    qshape->weight = 0;
    for (size_t i = 0; i < qshape->wanted->count; i++)
        qshape->weight += str_equal(qshape->wanted->items[i], message->queue_name);
    qshape->arrival_seconds = message->arrival_seconds;
    if (qshape->is_by_sender)
        add(qshape, message->sender);
}

static void take_recipient(void *context, const struct showq_recipient *recipient)
{
    const struct qshape *qshape = context;

    if (!qshape->is_by_sender)
        add(qshape, recipient->address);
}

static void take_message_end(void *context)
{
    struct qshape *qshape = context;

    if (qshape->weight == 0 || ++qshape->messages % qshape->batch != 0 || !qshape->table.is_on_terminal)
        return;
    table_print(stdout, &qshape->table, &qshape->buckets, qshape->shape);
    (void) fflush(stdout);
}

static struct showq_sink counting(struct qshape *qshape)
{
    return (struct showq_sink){ take_message, take_recipient, take_message_end, qshape };
}

/* ---- which queues ---- */

static bool is_queue(struct str name)
{
    static const char *const names[] = { "maildrop", "incoming", "active", "deferred", "hold" };

    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        if (str_equal(name, str_from_c(names[i])))
            return true;
    return false;
}

/* "/copy/deferred": the listing of the queue in /copy. */
static bool count_copy(struct qshape *qshape, struct str directory, struct str name, struct failure *why)
{
    const struct showq_sink sink = counting(qshape);
    struct strlist wanted = { 0 };

    strlist_add(&wanted, qshape->arena, name);
    qshape->wanted = &wanted;
    if (chdir(arena_c(qshape->arena, directory)) != 0)
        return failure_system(why, errno, "chdir %.*s", STR_ARG(directory));
    return listing_from_files(qshape->shared, &sink, why);
}

static bool count_own(struct qshape *qshape, const struct strlist *names, struct failure *why)
{
    const struct showq_sink sink = counting(qshape);
    CLEANUP(fd_close) int fd = -1;
    struct str directory = qshape->shared->queue_directory;

    qshape->wanted = names;
    if (chdir(arena_c(qshape->arena, directory)) != 0)
        return failure_system(why, errno, "chdir %.*s", STR_ARG(directory));
    if (listing_connect(qshape->shared, qshape->arena, &fd, why))
        return listing_from_service(fd, &sink, stdout, why);
    return queue_client_is_down(why) && listing_from_files(qshape->shared, &sink, why);
}

static struct str without_slashes(struct str path)
{
    while (path.len > 1 && path.data[path.len - 1] == '/')
        path.len--;
    return path;
}

/* The mail system's own queue is read once, however many folders of it are asked for. */
static bool count(struct qshape *qshape, struct failure *why)
{
    struct strlist own = { 0 };

    for (size_t i = 0; i < qshape->queues.count; i++) {
        struct str path = without_slashes(qshape->queues.items[i]);
        size_t slash = str_find_last_char(path, '/');
        struct str directory = slash < path.len ? str_part(path, 0, slash > 0 ? slash : 1) : STR_EMPTY;
        struct str name = slash < path.len ? str_from(path, slash + 1) : path;

        if (!is_queue(name) || (directory.len > 0 && directory.data[0] != '/'))
            return failure_set(why, FAILURE_PERMANENT, ENOENT,
                               "%.*s is no queue (maildrop, incoming, active, deferred and hold are)", STR_ARG(path));
        if (directory.len == 0 || str_equal(directory, qshape->shared->queue_directory))
            strlist_add(&own, qshape->arena, name);
        else if (!count_copy(qshape, directory, name, why))
            return false;
    }
    return own.count == 0 || count_own(qshape, &own, why);
}

/* ---- start ---- */

static bool load(struct qshape *qshape, struct failure *why)
{
    struct main_cf *cf;
    struct str directory;

    if (!config_directory_find(qshape->directory, qshape->arena, &directory, why) ||
        !main_cf_load(directory, qshape->arena, &cf, why))
        return false;
    main_cf_set_program(cf, STR("qshape"), STR_EMPTY);
    return shared_settings_load(cf, qshape->arena, &qshape->shared, why);
}

/* 0 stands for the default. */
static bool take_number(uint64_t maximum, uint64_t *number)
{
    uint64_t given;

    if (!str_to_uint64(str_from_c(optarg), &given) || given > maximum)
        return false;
    if (given > 0)
        *number = given;
    return true;
}

static bool take_option(struct qshape *qshape, int letter)
{
    uint64_t number = 0;

    switch (letter) {
    case 's':
        return qshape->is_by_sender = true;
    case 'p':
        return qshape->has_parents = true;
    case 'l':
        return qshape->buckets.is_linear = true;
    case 'v':
        log_set_verbose(log_verbose() + 1);
        return true;
    case 'c':
        qshape->directory = str_from_c(optarg);
        return true;
    case 't':
        return take_number(SHAPE_MINUTES_MAXIMUM, &qshape->buckets.first_minutes);
    case 'N':
        return take_number(UINT64_MAX, &qshape->batch);
    case 'n':
        return take_number(SIZE_MAX, &qshape->top);
    case 'b':
        if (!take_number(SHAPE_BUCKETS_MAXIMUM, &number))
            return false;
        qshape->buckets.buckets = number > 0 ? (unsigned) number : qshape->buckets.buckets;
        return true;
    case 'm':
        if (!take_number(UINT32_MAX, &number))
            return false;
        qshape->least_children = number > 0 ? (unsigned) number : qshape->least_children;
        return true;
    case 'w':
        if (!take_number(10000, &number))
            return false;
        qshape->table.width = (unsigned) number;
        return true;
    default:
        return false;
    }
}

static bool parse_arguments(struct qshape *qshape, int argc, char **argv)
{
    int letter;

    while ((letter = getopt(argc, argv, "+b:c:lm:N:n:pst:vw:")) != -1) {
        if (!take_option(qshape, letter))
            return false;
    }
    for (int i = optind; i < argc; i++)
        strlist_add(&qshape->queues, qshape->arena, str_from_c(argv[i]));
    if (qshape->queues.count == 0) {
        strlist_add(&qshape->queues, qshape->arena, STR("incoming"));
        strlist_add(&qshape->queues, qshape->arena, STR("active"));
    }
    qshape->table.is_on_terminal = isatty(STDOUT_FILENO) == 1;
    qshape->table.top = qshape->table.is_on_terminal ? (size_t) qshape->top : 0;
    qshape->table.least_children = qshape->has_parents ? qshape->least_children : 0;
    return true;
}

static int show(struct qshape *qshape)
{
    struct failure why;

    if (!count(qshape, &why)) {
        if (why.error == EPIPE)
            return EX_OK;
        return log_fail(why.error == ENOENT ? EX_NOINPUT : EX_UNAVAILABLE, "%s", why.text);
    }
    table_print(stdout, &qshape->table, &qshape->buckets, qshape->shape);
    if (fflush(stdout) != 0 && errno != EPIPE)
        return log_fail(EX_IOERR, "write the table: %m");
    return EX_OK;
}

int main(int argc, char **argv)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct qshape qshape = {
        .arena = arena,
        .buckets = { BUCKETS_DEFAULT, MINUTES_DEFAULT, false, time(NULL) },
        .least_children = CHILDREN_DEFAULT,
        .batch = BATCH_DEFAULT,
        .top = TOP_DEFAULT,
    };
    struct log_options options = { .name = "qshape", .facility = "mail", .only_stderr = true };
    struct failure why;
    int status;

    signals_init();
    if (!fd_guard_standard(&why) || !log_open(&options, &why))
        return EX_OSERR;
    if (!parse_arguments(&qshape, argc, argv))
        return usage();
    if (!load(&qshape, &why))
        return log_fail(EX_CONFIG, "%s", why.text);
    qshape.shape = shape_create(&qshape.buckets);
    status = show(&qshape);
    shape_destroy(&qshape.shape);
    return status;
}
