/* SPDX-License-Identifier: Apache-2.0 */
#include "recovery.h"

#include "house.h"
#include "log/log.h"
#include "os/directory.h"
#include "run/loop.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

enum { DAY_SECONDS = 24 * 3600 };

static void swallow(enum log_level level, struct str line, void *context)
{
    (void) context;
    (void) level;
    if (getenv("CRASH_VERBOSE") != NULL)
        fprintf(stderr, "%.*s\n", STR_ARG(line));
}

/* What was held is looked at by letting it go; the marks say so, in case this recovery is cut. */
static void release_held(struct house *house)
{
    for (unsigned i = 0; i < house->book->count; i++)
        trace_mark(house->trace, MARK_RELEASE_ASKED, i, 0);
    (void) house_control(house, QUEUE_RELEASE, NULL, 0);
    house_settle(house);
}

static void live(void *context)
{
    struct house *house = context;

    house_open(house);
    (void) house_accept(house, book_add(house->book, 300, 1), 0);
    house_pick_up(house);
    house_settle(house);
    house_flush(house);
    house_tick(house);
    release_held(house);
    house_flush(house);
    house_tick(house);
}

static bool is_anything_saved(void)
{
    struct directory *directory;
    struct failure why;
    unsigned char type;
    const char *name;
    bool is_saved;

    if (!directory_open(AT_FDCWD, "corrupt", &directory, &why))
        return false;
    is_saved = directory_next(directory, &name, &type);
    directory_discard(&directory);
    return is_saved;
}

void recover(struct recovery *recovery)
{
    struct house house = { .trace = recovery->trace, .book = recovery->book, .spool = recovery->spool };
    size_t begin = recovery->trace->count;

    log_set_sink(swallow, NULL);
    house_clock_set_back(recovery->clock_is_back ? DAY_SECONDS : 0);
    house.loop = loop_create();
    trace_start(recovery->trace);
    fiber_run(house.loop, live, &house);
    trace_stop();
    if (recovery->expects_damage && !is_anything_saved())
        house_complain(&house, "nothing was saved in corrupt/");
    verdict_give(recovery->trace, begin, recovery->book, recovery->cuts, &recovery->verdict);
    snprintf(recovery->complaint, sizeof(recovery->complaint), "%s",
             house.complaint[0] != '\0' ? house.complaint : recovery->verdict.complaint);
}
