/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/command_run.h"

#include "os/fd.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/stream.h"

#include <signal.h>

struct feeding {
    const struct command_feed *feed;
    struct stream *input;
    pid_t pid;
    bool has_failed;
    struct failure why;
};

static void feed_command(void *context)
{
    struct feeding *feeding = context;

    /* A fiber starts when its starter waits: the command runs, or never will. */
    feeding->has_failed = !feeding->feed->write(feeding->input, feeding->feed->context, &feeding->why);
    /* Its input ends only when it can draw no conclusion from that any more. */
    if (feeding->has_failed && feeding->pid > 0)
        (void) kill(-feeding->pid, SIGKILL);
    else if (!feeding->has_failed)
        (void) !stream_flush(feeding->input, NULL);
    stream_destroy(&feeding->input);
}

bool command_run(struct loop *loop, struct child_command *command, const struct command_feed *feed, struct arena *arena,
                 struct child_result *result_out, struct failure *why)
{
    struct feeding feeding = { .feed = feed };
    struct fiber_group feeder;
    int ends[2];
    bool has_run;

    if (!fd_pipe(ends, why))
        return false;
    if (!stream_create(loop, fd_take(&ends[1]), command->timeout, &feeding.input, why)) {
        fd_close(&ends[0]);
        return false;
    }
    stream_set_deadline(feeding.input, instant_add(loop_now(loop), command->timeout));
    command->input_fd = ends[0];
    command->input_is_fd = true;
    command->pid = &feeding.pid;
    fiber_group_init(&feeder, loop);
    fiber_group_start(&feeder, feed_command, &feeding);
    has_run = child_run(loop, command, arena, result_out, why);
    /* Closes our reading end, so that the feeder cannot wait for a reader that is gone. */
    fd_close(&ends[0]);
    (void) !fiber_group_wait(&feeder, DURATION_FOREVER, NULL);
    if (has_run && feeding.has_failed) {
        *why = feeding.why;
        return false;
    }
    return has_run;
}
