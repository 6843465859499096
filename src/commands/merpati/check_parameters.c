/* SPDX-License-Identifier: Apache-2.0 */
#include "log/log.h"
#include "merpati/check.h"
#include "merpati/log_lines.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/process.h"

#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT_MAXIMUM = 4 << 20 };

static bool take_prefix(struct str *text, const char *prefix)
{
    const bool has = str_starts_with(*text, str_from_c(prefix));

    if (has)
        *text = str_from(*text, strlen(prefix));
    return has;
}

/* "postconf: warning: text" */
static void relay_line(struct str line)
{
    (void) take_prefix(&line, "postconf: ");
    if (take_prefix(&line, "warning: "))
        log_warning("%.*s", STR_ARG(line));
    else if (take_prefix(&line, "error: ") || take_prefix(&line, "fatal: "))
        log_error("%.*s", STR_ARG(line));
    else
        log_told(line);
}

static void relay(int fd)
{
    struct strbuf text;
    struct failure why;
    struct str rest;
    struct str line;

    strbuf_init(&text, OUTPUT_MAXIMUM);
    if (!file_load_fd(fd, "what postconf says", &text, &why))
        log_warning("%s", why.text);
    rest = strbuf_str(&text);
    while (!str_is_empty(rest)) {
        (void) str_cut(rest, '\n', &line, &rest);
        if (!str_is_empty(line))
            relay_line(line);
    }
    strbuf_done(&text);
}

/* The reading end of what it says; -1 with why. */
static int start_postconf(const struct instance *instance, pid_t *pid_out, struct failure *why)
{
    char *arguments[] = { "postconf", "-c", arena_c(instance->arena, instance->directory), "-W", NULL };
    int ends[2];
    bool is_started;

    if (!fd_pipe(ends, why))
        return -1;
    const struct process_fd fds[] = { { ends[1], STDERR_FILENO } };
    const struct process_start start = {
        .path = instance_command(instance, "postconf"), .arguments = arguments, .fds = fds, .fd_count = ARRAY_COUNT(fds)
    };

    is_started = process_start(&start, pid_out, why);
    close(ends[1]);
    if (is_started)
        return ends[0];
    close(ends[0]);
    return -1;
}

bool check_parameters(const struct instance *instance)
{
    struct failure why;
    pid_t pid;
    int status;
    const int fd = start_postconf(instance, &pid, &why);

    if (fd < 0) {
        log_warning("parameters are not checked: %s", why.text);
        return true;
    }
    relay(fd);
    close(fd);
    if (!process_wait(pid, &status, &why)) {
        log_warning("parameters are not checked: %s", why.text);
        return true;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
