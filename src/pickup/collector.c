/* SPDX-License-Identifier: Apache-2.0 */
#include "pickup/collector.h"

#include "base/memory.h"
#include "base/strlist.h"
#include "log/log.h"
#include "os/directory.h"
#include "run/fiber.h"

#include <fcntl.h>

/* So many files a walk; with more, the next walk follows at once. */
enum { WORKERS = 20, NAMES_MAXIMUM = 10000, AGAIN_SECONDS = 5 };

struct collector {
    struct submission_ways ways;
    struct fiber_group fibers;
    struct event woken;
    bool is_woken;
    bool is_stopping;
    /* one walk */
    struct strlist names;
    size_t next;
    bool has_left;
};

static void read_names(struct collector *collector, struct arena *arena)
{
    struct directory *directory;
    unsigned char type;
    const char *name;
    struct failure why;

    collector->names = (struct strlist){ 0 };
    collector->next = 0;
    collector->has_left = false;
    if (!directory_open(AT_FDCWD, "maildrop", &directory, &why)) {
        log_warning("%s", why.text);
        return;
    }
    while (collector->names.count < NAMES_MAXIMUM && directory_next(directory, &name, &type))
        if (name[0] != '.')
            strlist_add_view(&collector->names, arena, arena_printf(arena, "maildrop/%s", name));
    if (collector->names.count == NAMES_MAXIMUM)
        collector->is_woken = true;
    if (!directory_close(&directory, &why))
        log_warning("%s", why.text);
}

static void work(void *context)
{
    struct collector *collector = context;

    while (!collector->is_stopping && !collector->has_left && collector->next < collector->names.count) {
        const char *path = collector->names.items[collector->next++].data;

        if (submission_take(&collector->ways, path) == SUBMISSION_LATER)
            collector->has_left = true;
    }
}

static void walk(struct collector *collector)
{
    struct arena *arena = arena_create();
    struct fiber_group workers;
    struct failure why;

    read_names(collector, arena);
    fiber_group_init(&workers, collector->ways.loop);
    for (size_t i = 0; i < WORKERS && i < collector->names.count; i++)
        fiber_group_start(&workers, work, collector);
    while (!fiber_group_wait(&workers, DURATION_FOREVER, &why))
        continue;
    arena_destroy(&arena);
}

static void run(void *context)
{
    struct collector *collector = context;
    struct failure why;

    while (!collector->is_stopping) {
        if (!collector->is_woken && !event_wait(collector->ways.loop, &collector->woken,
                                                collector->has_left ? seconds(AGAIN_SECONDS) : DURATION_FOREVER, &why))
            collector->is_woken = true;
        if (collector->is_stopping)
            break;
        collector->is_woken = false;
        walk(collector);
    }
}

struct collector *collector_start(const struct submission_ways *ways)
{
    struct collector *collector = memory_alloc(sizeof *collector);

    collector->ways = *ways;
    collector->is_woken = true;
    event_init(&collector->woken);
    fiber_group_init(&collector->fibers, ways->loop);
    fiber_group_start(&collector->fibers, run, collector);
    return collector;
}

void collector_wake(struct collector *collector)
{
    collector->is_woken = true;
    event_wake_all(&collector->woken);
}

void collector_stop(struct collector **collector)
{
    struct failure why;

    if (*collector == NULL)
        return;
    (*collector)->is_stopping = true;
    event_wake_all(&(*collector)->woken);
    while (!fiber_group_wait(&(*collector)->fibers, DURATION_FOREVER, &why))
        continue;
    memory_free(*collector);
    *collector = NULL;
}
