/* SPDX-License-Identifier: Apache-2.0 */
#include "os/fault.h"

#include "os/fd.h"
#include "os/file.h"
#include "os/process.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct plan {
    enum fault_operation operation;
    unsigned fail_at;
    unsigned seen;
    int error;
};

static int strike(const struct fault_event *event, void *context)
{
    struct plan *plan = context;

    return event->operation == plan->operation && ++plan->seen == plan->fail_at ? plan->error : 0;
}

static const char *path_of(const char *name)
{
    static char path[300];

    snprintf(path, sizeof path, "%s/%s", unit_directory(), name);
    return path;
}

TEST(the_nth_call_fails_with_the_error_that_was_planned)
{
    struct plan plan = { FAULT_WRITE, 2, 0, ENOSPC };
    struct failure why;
    int fd = -1;

    fault_set_hook(strike, &plan);
    EXPECT(file_open(path_of("nth"), O_WRONLY | O_CREAT, 0600, &fd, &why));
    EXPECT(file_write(fd, "nth", STR("a"), &why));
    EXPECT_FALSE(file_write(fd, "nth", STR("b"), &why));
    EXPECT_INT(why.kind, FAILURE_NO_SPACE);
    EXPECT_INT(why.error, ENOSPC);
    EXPECT(file_write(fd, "nth", STR("c"), &why));
    fault_set_hook(NULL, NULL);
    fd_close(&fd);
}

/* Whatever step fails, the old content is whole and no temporary file stays. */
TEST(a_replacement_that_fails_leaves_the_old_file)
{
    static const enum fault_operation steps[] = { FAULT_CREATE, FAULT_WRITE, FAULT_SYNC, FAULT_RENAME };
    const char *path = path_of("replaced");
    struct strbuf text;
    struct failure why;

    strbuf_init(&text, 100);
    EXPECT(file_replace(path, STR("old"), 0600, &why));
    for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
        struct plan plan = { steps[i], 1, 0, EIO };

        fault_set_hook(strike, &plan);
        EXPECT_FALSE(file_replace(path, STR("new"), 0600, &why));
        fault_set_hook(NULL, NULL);
        strbuf_clear(&text);
        EXPECT(file_load(path, &text, &why));
        EXPECT_STR(strbuf_str(&text), STR("old"));
    }
    strbuf_done(&text);
}

struct heard {
    char lines[400];
    size_t len;
};

static void hear(const struct fault_event *event, int error, void *context)
{
    struct heard *heard = context;

    heard->len += (size_t) snprintf(heard->lines + heard->len, sizeof heard->lines - heard->len, "%s %d %s\n",
                                    fault_operation_name(event->operation), error, event->fd < 0 ? "path" : "open");
}

struct flagless {
    enum fault_operation failing;
    int error;
};

/* A filesystem whose rename knows no flags. */
static int know_no_flags(const struct fault_event *event, void *context)
{
    const struct flagless *flagless = context;

    if (event->operation == FAULT_RENAME)
        return EINVAL;
    return event->operation == flagless->failing ? flagless->error : 0;
}

TEST(a_file_that_moves_by_a_link_always_has_a_name)
{
    static const struct flagless troubles[] = {
        { FAULT_LINK, EIO }, { FAULT_LINK, ENOSPC }, { FAULT_LINK, EDQUOT }, { FAULT_UNLINK, EIO }, { FAULT_MODE, EIO },
    };

    for (size_t i = 0; i < ARRAY_COUNT(troubles); i++) {
        struct flagless trouble = troubles[i];
        bool is_good = trouble.failing == FAULT_MODE; /* which no move needs */
        char from[300], to[300];
        struct failure why;
        int fd;

        snprintf(from, sizeof from, "%s/from-%zu", unit_directory(), i);
        snprintf(to, sizeof to, "%s/to-%zu", unit_directory(), i);
        EXPECT(file_open(from, O_RDWR | O_CREAT, 0600, &fd, NULL));
        fd_close(&fd);
        fault_set_hook(know_no_flags, &trouble);
        EXPECT(file_rename_new_at(AT_FDCWD, from, AT_FDCWD, to, &why) == is_good);
        fault_set_hook(NULL, NULL);
        EXPECT(is_good || why.error == trouble.error);
        EXPECT((access(from, F_OK) == 0) == !is_good);
        EXPECT((access(to, F_OK) == 0) == (trouble.failing != FAULT_LINK));
    }
}

TEST(a_listener_is_told_what_came_of_each_call)
{
    struct plan plan = { FAULT_SYNC, 1, 0, EIO };
    struct heard heard = { 0 };
    struct failure why;
    int fd = -1;

    (void) !file_unlink(path_of("heard"), &why);
    fault_set_listener(hear, &heard);
    fault_set_hook(strike, &plan);
    EXPECT(file_open(path_of("heard"), O_WRONLY | O_CREAT | O_EXCL, 0600, &fd, &why));
    EXPECT(file_write(fd, "heard", STR("a"), &why));
    EXPECT_FALSE(file_sync(fd, "heard", &why));
    EXPECT(file_sync(fd, "heard", &why));
    EXPECT(file_set_mode(fd, "heard", 0640, &why));
    EXPECT(file_unlink(path_of("heard"), &why));
    EXPECT_FALSE(file_unlink(path_of("heard"), &why));
    fault_set_hook(NULL, NULL);
    fault_set_listener(NULL, NULL);
    fd_close(&fd);
    EXPECT_TEXT(heard.lines, "create 0 open\nwrite 0 open\nsync 5 open\nsync 0 open\nmode 0 open\nunlink 0 path\n"
                             "unlink 2 path\n");
}

TEST(a_short_write_leaves_half_and_fails_for_want_of_space)
{
    struct iovec parts[] = { { "ab", 2 }, { "cdef", 4 }, { "gh", 2 } };
    struct plan plan = { FAULT_WRITE, 1, 0, FAULT_SHORT };
    struct strbuf text;
    struct failure why;
    int fd = -1;

    strbuf_init(&text, 100);
    fault_set_hook(strike, &plan);
    EXPECT(file_open(path_of("short"), O_RDWR | O_CREAT | O_TRUNC, 0600, &fd, &why));
    EXPECT_FALSE(file_write(fd, "short", STR("123456"), &why));
    EXPECT_INT(why.error, ENOSPC);
    plan.seen = 0;
    EXPECT_FALSE(file_write_parts_at(fd, "short", parts, ARRAY_COUNT(parts), 3, &why));
    EXPECT_INT(why.error, ENOSPC);
    EXPECT(file_load(path_of("short"), &text, &why));
    EXPECT_STR(strbuf_str(&text), STR("123abcd"));
    fault_set_hook(NULL, NULL);
    strbuf_done(&text);
    fd_close(&fd);
}

TEST(reading_and_mapping_can_fail_too)
{
    struct plan no_read = { FAULT_READ, 2, 0, EIO };
    struct plan no_map = { FAULT_MAP, 2, 0, ENOMEM };
    struct failure why;
    struct str bytes;
    char data[4];
    size_t count;
    int fd = -1;

    EXPECT(file_replace(path_of("read"), STR("text"), 0600, &why));
    EXPECT(file_open(path_of("read"), O_RDONLY, 0, &fd, &why));
    fault_set_hook(strike, &no_read);
    EXPECT(file_read_at(fd, "read", data, sizeof data, 0, &count, &why));
    EXPECT_FALSE(file_read_at(fd, "read", data, sizeof data, 0, &count, &why));
    EXPECT_INT(why.error, EIO);
    fault_set_hook(strike, &no_map);
    EXPECT(file_map(fd, "read", 4, &bytes, &why));
    EXPECT_STR(bytes, STR("text"));
    file_unmap(bytes);
    EXPECT_FALSE(file_map(fd, "read", 4, &bytes, &why));
    EXPECT_INT(why.error, ENOMEM);
    fault_set_hook(NULL, NULL);
    fd_close(&fd);
}

TEST(a_program_can_be_told_to_end_at_a_call)
{
    char *arguments[] = { "/proc/self/exe", "fault-child", NULL };
    char variable[] = "MERPATI_FAULTS=other/sync:1:EIO write:1:exit";
    char *environment[] = { variable, NULL };
    const struct process_start start = { .path = "/proc/self/exe", .arguments = arguments, .environment = environment };
    pid_t pid;
    int status;

    EXPECT(process_start(&start, &pid, NULL));
    EXPECT(process_wait(pid, &status, NULL));
    EXPECT(WIFEXITED(status));
    EXPECT_INT(WEXITSTATUS(status), 70);
}

TEST(a_program_can_be_told_to_end_right_behind_a_call)
{
    char *arguments[] = { "/proc/self/exe", "fault-child", NULL };
    char variable[] = "MERPATI_FAULTS=write:1:exit-after";
    char *environment[] = { variable, NULL };
    const char *path = path_of("behind");
    struct failure why;
    struct strbuf text;
    int status, fd;
    pid_t pid;

    strbuf_init(&text, 100);
    EXPECT(file_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600, &fd, &why));
    const struct process_fd fds[] = { { fd, STDERR_FILENO } };
    const struct process_start start = {
        .path = "/proc/self/exe", .arguments = arguments, .environment = environment, .fds = fds, .fd_count = 1
    };
    EXPECT(process_start(&start, &pid, &why));
    EXPECT(process_wait(pid, &status, &why));
    EXPECT(WIFEXITED(status));
    EXPECT_INT(WEXITSTATUS(status), 70);
    fd_close(&fd);
    EXPECT(file_load(path, &text, &why));
    EXPECT_STR(strbuf_str(&text), STR("done"));
    strbuf_done(&text);
}

/* What the child of the tests above does instead of tests; 3 says that no fault struck. */
__attribute__((constructor)) static void be_child(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "fault-child") != 0)
        return;
    if (!file_write(STDERR_FILENO, "standard error", STR("done"), NULL))
        _exit(4);
    _exit(3);
}
