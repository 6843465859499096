/* SPDX-License-Identifier: Apache-2.0 */
#include "explore.h"

#include "base/check.h"
#include "base/memory.h"
#include "recovery.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_SECONDS = 60, SEEN_SIZE = 1 << 20, PATH_SIZE = 300, PENDING_MAXIMUM = 512 };

struct run {
    const struct exploration *exploration;
    struct disk disk;
    size_t point;
    size_t marks; /* promises up to here */
    uint64_t *seen;
    unsigned running;
    size_t number;
    unsigned seconds; /* recoveries that were cut */
    uint64_t random;
};

struct tally *tally_create(void)
{
    void *room = mmap(NULL, sizeof(struct tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    CHECK(room != MAP_FAILED);
    return room;
}

static void complain(const struct run *run, const char *what)
{
    struct tally *tally = run->exploration->tally;
    size_t place = atomic_fetch_add(&tally->complaints, 1);

    if (place < COMPLAINTS_KEPT)
        snprintf(tally->complaint[place], sizeof(tally->complaint[place]), "%s: point %zu of %zu%s: %s",
                 run->exploration->name, run->point, run->exploration->trace->count,
                 run->exploration->depth > 0 ? " of a recovery" : "", what);
}

static uint64_t draw(struct run *run)
{
    run->random = run->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return run->random >> 33;
}

/* ---- one disk, in a process of its own ---- */

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void) status;
    (void) kind;
    (void) place;
    return remove(path);
}

static void path_of(const struct run *run, pid_t pid, char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%s/%d", run->exploration->base, (int) pid);
}

/* The recovery that was recorded is cut in its turn. */
static void explore_recovery(const struct run *run, const struct trace *trace, size_t begin, const struct book *book)
{
    struct exploration second = *run->exploration;

    second.trace = trace;
    second.book = book;
    second.from = begin;
    second.depth = 1;
    second.limits.exhaustive = 0;
    second.limits.plain = 3;
    second.limits.drawn = 1;
    second.limits.second_every = 0;
    second.limits.kills = 0;
    second.limits.seed += run->number;
    second.limits.jobs = 1;
    second.spoil = NULL;
    explore(&second);
}

static void copy_marks(const struct trace *from, size_t count, struct trace *to)
{
    for (size_t i = 0; i < count; i++) {
        if (from->ops[i].kind == TRACE_MARK)
            trace_add(to, TRACE_MARK)->mark = from->ops[i].mark;
    }
}

/*
 * After a power cut the trace begins anew with what was left. After a kill it goes on: what was pending still is, and
 * stands in the page cache.
 */
static void begin_trace(const struct run *run, const struct disk_image *image, bool is_kill, struct trace *trace)
{
    const struct trace *before = run->exploration->trace;

    trace_init(trace);
    if (is_kill) {
        *trace = *before;
        trace_cut(trace, run->point);
    } else {
        disk_image_retell(image, before, trace);
        copy_marks(before, run->point, trace);
        trace_cut(trace, trace->count);
    }
}

static void look_at(const struct run *run, const struct disk_image *image, bool is_kill, bool is_second)
{
    struct book *book = memory_alloc(sizeof(*book));
    struct recovery recovery = { .spool = run->exploration->spool, .book = book };
    struct trace trace;
    size_t begin;
    char path[PATH_SIZE];

    path_of(run, getpid(), path);
    CHECK(mkdir(path, 0700) == 0 && chdir(path) == 0);
    *book = *run->exploration->book;
    begin_trace(run, image, is_kill, &trace);
    begin = trace.count;
    disk_image_write(image, run->exploration->trace);
    recovery.trace = &trace;
    /* Wrong clocks are common after a power cut. */
    recovery.clock_is_back = run->number % 5 == 4;
    recovery.cuts = run->exploration->depth + 1;
    recovery.expects_damage = run->exploration->spoil != NULL;
    recover(&recovery);
    atomic_fetch_add(&run->exploration->tally->duplicates, recovery.verdict.duplicates);
    if (recovery.complaint[0] != '\0')
        complain(run, recovery.complaint);
    CHECK(chdir("/") == 0);
    (void) nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    if (is_second && recovery.complaint[0] == '\0')
        explore_recovery(run, &trace, begin, book);
}

static void reap(struct run *run)
{
    int status;
    pid_t pid = wait(&status);
    char path[PATH_SIZE];
    char text[80];

    CHECK(pid > 0);
    run->running--;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    snprintf(text, sizeof(text), "the recovery died (%s %d)", WIFSIGNALED(status) ? "signal" : "status",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    complain(run, text);
    path_of(run, pid, path);
    (void) nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void start(struct run *run, const struct disk_image *image, bool is_kill, bool is_second)
{
    pid_t pid;

    while (run->running >= run->exploration->limits.jobs)
        reap(run);
    atomic_fetch_add(&run->exploration->tally->states, 1);
    if (run->exploration->depth > 0)
        atomic_fetch_add(&run->exploration->tally->second_states, 1);
    run->number++;
    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        (void) alarm(is_second ? PATIENCE_SECONDS * 5 : PATIENCE_SECONDS);
        look_at(run, image, is_kill, is_second);
        _exit(0);
    }
    run->running++;
}

/* ---- which disks ---- */

static bool is_new(struct run *run, uint64_t digest)
{
    uint64_t key = (digest ^ run->marks * UINT64_C(0x9e3779b97f4a7c15)) | 1;

    for (size_t at = key % SEEN_SIZE;; at = (at + 1) % SEEN_SIZE) {
        if (run->seen[at] == key)
            return false;
        if (run->seen[at] == 0) {
            run->seen[at] = key;
            return true;
        }
    }
}

static void try_disk(struct run *run, const unsigned char *came, bool is_kill)
{
    const struct exploration *exploration = run->exploration;
    unsigned every = exploration->limits.second_every;
    bool is_second = every > 0 && run->number % every == every - 1 && run->seconds < exploration->limits.seconds;
    struct disk_image image;

    if (atomic_load(&exploration->tally->complaints) >= exploration->limits.complaints)
        return;
    disk_image_make(&run->disk, came, &image);
    if ((exploration->spoil == NULL || exploration->spoil(&image, exploration->trace)) &&
        (is_new(run, disk_image_digest(&image, exploration->trace)) || is_kill)) {
        start(run, &image, is_kill, is_second || is_kill);
        run->seconds += is_second;
    }
    disk_image_done(&image);
}

static size_t count_all(const struct disk *disk)
{
    size_t count = 1;

    for (size_t i = 0; i < disk->pending_count && count < SEEN_SIZE; i++)
        count *= disk_outcomes(&disk->pending[i]);
    return count;
}

static void try_all(struct run *run, size_t count)
{
    unsigned char came[PENDING_MAXIMUM];

    for (size_t number = 0; number < count; number++) {
        size_t rest = number;

        for (size_t i = 0; i < run->disk.pending_count; i++) {
            unsigned outcomes = disk_outcomes(&run->disk.pending[i]);

            came[i] = (unsigned char) (rest % outcomes);
            rest /= outcomes;
        }
        try_disk(run, came, false);
    }
}

/* The newest first: what the older ones do was looked at when they were new. */
static void try_each(struct run *run, unsigned char others, size_t *left)
{
    size_t count = run->disk.pending_count;
    unsigned char came[PENDING_MAXIMUM];

    for (size_t i = count; i > 0; i--) {
        for (unsigned outcome = 0; outcome < disk_outcomes(&run->disk.pending[i - 1]); outcome++) {
            if (outcome == others || *left == 0)
                continue;
            memset(came, others, sizeof(came));
            came[i - 1] = (unsigned char) outcome;
            (*left)--;
            try_disk(run, came, false);
        }
    }
}

static void try_some(struct run *run)
{
    unsigned char came[PENDING_MAXIMUM];
    size_t left = run->exploration->limits.plain;

    memset(came, CAME_NOT, sizeof(came));
    try_disk(run, came, false);
    memset(came, CAME_WHOLE, sizeof(came));
    try_disk(run, came, false);
    try_each(run, CAME_WHOLE, &left);
    left += run->exploration->limits.plain / 2;
    try_each(run, CAME_NOT, &left);
    for (unsigned i = 0; i < run->exploration->limits.drawn; i++) {
        for (size_t j = 0; j < run->disk.pending_count; j++)
            came[j] = (unsigned char) (draw(run) % 3 == 0 ? CAME_RANDOM + draw(run) % 200 : draw(run) % 2);
        try_disk(run, came, false);
    }
}

/* Whether this point is one of so many, spread evenly over the trace. */
static bool is_turn(const struct run *run, unsigned turns)
{
    const struct exploration *exploration = run->exploration;
    size_t points = exploration->trace->count + 1 - exploration->from;
    size_t every = turns == 0 ? 0 : (points + turns - 1) / turns;

    return every > 0 && (run->point - exploration->from) % every == (exploration->limits.seed + every / 2) % every;
}

static bool is_looked_at(const struct run *run)
{
    unsigned points =
        run->exploration->depth == 0 ? run->exploration->limits.points : run->exploration->limits.second_points;

    return points == 0 || is_turn(run, points);
}

/* Everything is in the page cache, nothing more of it on disk than before. */
static void try_kill(struct run *run)
{
    unsigned char came[PENDING_MAXIMUM];

    if (!is_turn(run, run->exploration->limits.kills))
        return;
    memset(came, CAME_WHOLE, sizeof(came));
    try_disk(run, came, true);
}

static void cut_here(struct run *run)
{
    size_t count = count_all(&run->disk);

    CHECK(run->disk.pending_count < PENDING_MAXIMUM);
    if (count <= run->exploration->limits.exhaustive)
        try_all(run, count);
    else
        try_some(run);
    try_kill(run);
}

void explore(const struct exploration *exploration)
{
    struct run run = { .exploration = exploration, .random = exploration->limits.seed * 2 + 1 };
    const struct trace *trace = exploration->trace;

    run.seen = memory_alloc_array(SEEN_SIZE, sizeof(*run.seen));
    disk_init(&run.disk, trace);
    for (size_t i = 0; i <= trace->count; i++) {
        run.point = i;
        if (i >= exploration->from && is_looked_at(&run))
            cut_here(&run);
        if (i == trace->count)
            break;
        disk_apply(&run.disk, &trace->ops[i]);
        run.marks += trace->ops[i].kind == TRACE_MARK;
    }
    while (run.running > 0)
        reap(&run);
    disk_done(&run.disk);
    memory_free(run.seen);
}
