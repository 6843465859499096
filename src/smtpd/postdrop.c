/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/postdrop.h"

#include "config/shared_settings.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/process.h"

#include <unistd.h>

static bool start_process(struct postdrop *postdrop, const struct shared_settings *shared, struct arena *arena,
                          struct failure *why)
{
    char *arguments[] = { arena_c(arena, STR("postdrop")), arena_c(arena, STR("-c")),
                          arena_c(arena, shared->config_directory), NULL };
    int ends[2] = { -1, -1 };
    bool is_started;

    if (!fd_pipe(ends, why))
        return false;

    const struct process_fd fds[] = { { ends[0], STDIN_FILENO }, { STDERR_FILENO, STDERR_FILENO } };
    const struct process_start start = {
        .path = arena_printf(arena, "%.*s/postdrop", STR_ARG(shared->command_directory)).data,
        .arguments = arguments,
        .fds = fds,
        .fd_count = ARRAY_COUNT(fds),
    };

    is_started = process_start(&start, &postdrop->pid, why);
    fd_close(&ends[0]);
    if (is_started)
        postdrop->pipe = ends[1];
    else
        fd_close(&ends[1]);
    return is_started;
}

static bool write_piece(struct postdrop *postdrop, struct str bytes, struct failure *why)
{
    unsigned char head[4];

    submission_put_length(head, bytes.len);
    return file_write(postdrop->pipe, "postdrop", str_make((const char *) head, sizeof(head)), why) &&
           file_write(postdrop->pipe, "postdrop", bytes, why);
}

static bool write_wishes(struct postdrop *postdrop, const struct submission *submission, struct failure *why)
{
    struct strbuf bytes;
    bool is_good;
    int fd;

    strbuf_init(&bytes, SUBMISSION_WISHES_MAXIMUM);
    is_good = message_encode(&submission_message, submission, &bytes, &fd, why) &&
              write_piece(postdrop, strbuf_str(&bytes), why);
    strbuf_done(&bytes);
    return is_good;
}

bool postdrop_start(struct postdrop *postdrop, const struct shared_settings *shared,
                    const struct submission *submission, struct arena *arena, struct failure *why)
{
    if (!start_process(postdrop, shared, arena, why))
        return false;
    if (write_wishes(postdrop, submission, why))
        return true;
    postdrop_abandon(postdrop);
    return false;
}

bool postdrop_write(struct postdrop *postdrop, struct str bytes, struct failure *why)
{
    while (bytes.len > 0) {
        struct str piece = str_part(bytes, 0, SUBMISSION_PIECE_MAXIMUM);

        if (!write_piece(postdrop, piece, why))
            return false;
        bytes = str_from(bytes, piece.len);
    }
    return true;
}

static bool wait_for_end(struct postdrop *postdrop, struct failure *why)
{
    pid_t pid = postdrop->pid;
    char text[100];
    int status;

    fd_close(&postdrop->pipe);
    postdrop->pid = 0;
    if (!process_wait(pid, &status, why))
        return false;
    if (status == 0)
        return true;
    process_status_text(status, text, sizeof(text));
    return failure_set(why, FAILURE_RETRY, 0, "postdrop: %s", text);
}

bool postdrop_finish(struct postdrop *postdrop, struct failure *why)
{
    if (write_piece(postdrop, STR_EMPTY, why))
        return wait_for_end(postdrop, why);
    postdrop_abandon(postdrop);
    return false;
}

void postdrop_abandon(struct postdrop *postdrop)
{
    struct failure why;

    if (postdrop->pid == 0)
        return;
    /* It sees an input without end, and throws it away. */
    if (!wait_for_end(postdrop, &why))
        return;
}
