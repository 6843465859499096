/* SPDX-License-Identifier: Apache-2.0 */
#include "log/log.h"

#include "base/check.h"
#include "os/fd.h"
#include "os/system_socket.h"
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static char captured[LOG_LINE_MAX + 1];

static void capture(enum log_level level, struct str line, void *context)
{
    (void) level;
    (void) context;
    snprintf(captured, sizeof captured, "%.*s", STR_ARG(line));
}

TEST(a_line_has_the_prefix_of_its_level)
{
    log_set_sink(capture, NULL);
    log_info("connect from %s", "unknown[192.0.2.1]");
    EXPECT_TEXT(captured, "connect from unknown[192.0.2.1]");
    log_warning("a");
    EXPECT_TEXT(captured, "warning: a");
    log_error("b");
    EXPECT_TEXT(captured, "error: b");
    log_fatal("c");
    EXPECT_TEXT(captured, "fatal: c");
    log_panic("d");
    EXPECT_TEXT(captured, "panic: d");
    log_set_sink(NULL, NULL);
}

TEST(verbose_lines_are_written_only_when_asked_for)
{
    captured[0] = '\0';
    log_set_sink(capture, NULL);
    log_debug("quiet");
    EXPECT_TEXT(captured, "");
    log_set_verbose(1);
    log_debug("loud");
    EXPECT_TEXT(captured, "loud");
    log_set_verbose(0);
    log_set_sink(NULL, NULL);
}

TEST(what_cannot_be_printed_becomes_a_question_mark)
{
    log_set_sink(capture, NULL);
    log_text(LOG_LEVEL_INFO, STR("a\r\nb\0c\x7f\xff"));
    EXPECT_TEXT(captured, "a??b?c??");
    log_text(LOG_LEVEL_INFO, STR("p\xc3\xa9p\xc3 \xc2\x85 \xf4\x90\x80\x80 \xed\xa0\x80"));
    EXPECT_TEXT(captured, "p\xc3\xa9p? ?? ???? ???");
    log_set_sink(NULL, NULL);
}

static int open_sink(char *path, size_t size)
{
    const struct system_socket_access access = { 0600, (uid_t) -1, (gid_t) -1 };
    int fd = -1;

    snprintf(path, size, "%s/postlog", unit_directory());
    EXPECT(system_socket_bind_datagram(path, &access, &fd, NULL));
    return fd;
}

TEST(the_lines_of_one_turn_reach_postlogd_in_one_datagram)
{
    char path[200], data[4096], expected[200];
    int fd = open_sink(path, sizeof path);
    const struct log_options options = { .name = "merpati/smtpd", .facility = "mail", .postlog_path = path };
    ssize_t len;

    EXPECT(log_open(&options, NULL));
    log_info("first");
    log_warning("second");
    EXPECT(log_has_pending());
    EXPECT(log_flush());
    EXPECT_FALSE(log_has_pending());
    len = read(fd, data, sizeof data);
    EXPECT(len > 16);
    snprintf(expected, sizeof expected, "merpati/smtpd[%d]: first\n", (int) getpid());
    EXPECT(str_starts_with(str_from(str_make(data, (size_t) len), 16), str_from_c(expected)));
    snprintf(expected, sizeof expected, "merpati/smtpd[%d]: warning: second\n", (int) getpid());
    EXPECT(str_ends_with(str_make(data, (size_t) len), str_from_c(expected)));
    log_close();
    fd_close(&fd);
}

TEST(a_log_that_does_not_take_lines_costs_lines_and_not_the_service)
{
    char path[200], data[65536];
    int fd = open_sink(path, sizeof path);
    const struct log_options options = { .name = "merpati/smtpd", .facility = "mail", .postlog_path = path };
    bool is_reported = false;

    EXPECT(log_open(&options, NULL));
    for (int i = 0; i < 100000 && log_lost() == 0; i++) {
        log_info("line %d of many that nobody reads, long enough to fill what the kernel keeps", i);
        (void) log_flush();
    }
    EXPECT(log_lost() > 0);
    for (;;) {
        bool is_empty = log_flush();
        ssize_t len = read(fd, data, sizeof data);

        if (len > 0 && str_find(str_make(data, (size_t) len), STR("log lines were lost")) != STR_NOT_FOUND)
            is_reported = true;
        if (is_empty && len <= 0)
            break;
    }
    EXPECT(is_reported);
    log_close();
    fd_close(&fd);
}

/* The end of a child whose log is open there, with a line that waits. */
static int fail_in_child(const char *path, bool holds)
{
    const struct log_options options = { .name = "merpati/smtpd", .facility = "mail", .postlog_path = path };
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        struct rlimit no_core = { 0, 0 };

        (void) setrlimit(RLIMIT_CORE, &no_core);
        (void) signal(SIGABRT, SIG_DFL);
        if (!log_open(&options, NULL))
            _exit(7);
        log_info("waits");
        CHECK(holds);
        _exit(8);
    }
    EXPECT(waitpid(pid, &status, 0) == pid);
    return status;
}

TEST(what_ends_a_process_at_once_is_in_the_log_behind_the_lines_that_waited)
{
    char path[200], data[4096];
    int fd = open_sink(path, sizeof path);
    int status = fail_in_child(path, false);
    struct str first, second;
    ssize_t len;

    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    len = read(fd, data, sizeof data / 2);
    EXPECT(len > 0);
    first = str_make(data, len < 0 ? 0 : (size_t) len);
    EXPECT(str_ends_with(first, STR(": waits\n")));
    len = read(fd, data + sizeof data / 2, sizeof data / 2);
    EXPECT(len > 0);
    second = str_make(data + sizeof data / 2, len < 0 ? 0 : (size_t) len);
    EXPECT(str_find(second, STR(" merpati/smtpd[")) != STR_NOT_FOUND);
    EXPECT(str_find(second, STR("]: panic: ")) != STR_NOT_FOUND);
    EXPECT(str_find(second, STR("log_test.c:")) != STR_NOT_FOUND);
    EXPECT(str_ends_with(second, STR(": check failed: holds\n")));
    fd_close(&fd);
}

TEST(an_unknown_facility_is_refused)
{
    const struct log_options options = { .name = "merpati/smtpd", .facility = "post" };
    struct failure why;

    EXPECT_FALSE(log_open(&options, &why));
    EXPECT_INT(why.kind, FAILURE_CONFIGURATION);
}

TEST(without_postlogd_lines_go_to_the_file)
{
    char path[200], file[200];
    struct log_options options = { .name = "merpati/x", .facility = "mail" };

    snprintf(path, sizeof path, "%s/nobody", unit_directory());
    snprintf(file, sizeof file, "%s/file", unit_directory());
    options.postlog_path = path;
    options.fallback_path = file;
    EXPECT(log_open(&options, NULL));
    log_info("kept");
    log_close();
    EXPECT(access(file, F_OK) == 0);
}
