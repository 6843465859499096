/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash-states - builds the disks that a power cut may leave, at every point of what the queue does, lets the mail
 * system recover on each, and says whether a promise was broken. docs/crash-states.md says how and why.
 */

#include "base/check.h"
#include "base/memory.h"
#include "explore.h"
#include "log/log.h"
#include "planted.h"
#include "run/loop.h"
#include "scenarios.h"

#include <ftw.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 200, HEAP_BLOCK = 512 * 1024 * 1024 };

struct options {
    struct limits limits;
    const char *scenario; /* NULL: all */
    bool shows;           /* the trace alone */
    bool is_planted_alone;
};

static const struct limits smoke = { .exhaustive = 5,
                                     .drawn = 1,
                                     .plain = 3,
                                     .second_every = 60,
                                     .seconds = 2,
                                     .kills = 2,
                                     .second_points = 30,
                                     .jobs = 2,
                                     .complaints = 10 };
static const struct limits whole = { .exhaustive = 300,
                                     .drawn = 20,
                                     .plain = 100,
                                     .second_every = 30,
                                     .seconds = 40,
                                     .kills = 90,
                                     .second_points = 60,
                                     .jobs = 2,
                                     .complaints = 50 };

static const struct limits taste = {
    .points = 25, .exhaustive = 1, .drawn = 1, .kills = 1, .second_points = 5, .jobs = 2, .complaints = 10
};

static char base[PATH_SIZE];

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void) status;
    (void) kind;
    (void) place;
    return remove(path);
}

static void make_base(void)
{
    snprintf(base, sizeof(base), "%s/merpati-crash-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    CHECK(mkdtemp(base) != NULL);
}

/* ---- what was recorded, for a person ---- */

static void show_op(size_t number, const struct trace_op *op)
{
    static const char *const kinds[] = {
        [TRACE_LINK] = "link",   [TRACE_UNLINK] = "unlink",           [TRACE_RENAME] = "rename",
        [TRACE_WRITE] = "write", [TRACE_RESIZE] = "resize",           [TRACE_MODE] = "mode",
        [TRACE_SYNC] = "sync",   [TRACE_SYNC_FAILED] = "failed sync", [TRACE_SYNC_ALL] = "sync all",
        [TRACE_MARK] = "mark",
    };
    static const char *const marks[] = {
        [MARK_ACCEPTED] = "accepted",
        [MARK_REFUSED] = "refused",
        [MARK_SENT] = "sent",
        [MARK_RETURNED] = "returned",
        [MARK_DELETE_ASKED] = "delete asked",
        [MARK_DELETED] = "deleted",
        [MARK_HOLD_ASKED] = "hold asked",
        [MARK_HELD] = "held",
        [MARK_RELEASE_ASKED] = "release asked",
        [MARK_SUBMITTED] = "submitted",
        [MARK_TIME_PASSED] = "time passed",
        [MARK_STOPPED] = "stopped",
        [MARK_ID] = "id",
    };

    if (op->kind == TRACE_MARK)
        printf("%4zu ** %s: message %u, recipient %u\n", number, marks[op->mark.kind], op->mark.message,
               op->mark.recipient);
    else
        printf("%4zu %-11s node %u folder %u %s -> %u %s at %llu size %llu\n", number, kinds[op->kind], op->node,
               op->folder, op->name, op->folder2, op->name2, (unsigned long long) op->offset,
               (unsigned long long) op->size);
}

static void show(const struct trace *trace)
{
    for (size_t i = 0; i < trace->count; i++)
        show_op(i, &trace->ops[i]);
}

/* ---- one scenario ---- */

struct recording {
    const struct scenario *scenario;
    struct house house;
};

static void run_scenario(void *context)
{
    struct recording *recording = context;

    recording->scenario->run(&recording->house);
}

static void swallow(enum log_level level, struct str line, void *context)
{
    (void) context;
    if (level >= LOG_LEVEL_ERROR || getenv("CRASH_VERBOSE") != NULL)
        fprintf(stderr, "%.*s\n", STR_ARG(line));
}

static void record(const struct scenario *scenario, void (*prepare)(struct house *house), struct trace *trace,
                   struct book *book, struct recording *recording)
{
    char path[PATH_SIZE + 20];

    snprintf(path, sizeof(path), "%s/live", base);
    CHECK(mkdir(path, 0700) == 0 && chdir(path) == 0);
    *recording = (struct recording){ .scenario = scenario };
    recording->house.trace = trace;
    recording->house.book = book;
    recording->house.spool = spool_settings_make(STR("incoming active deferred hold"), (int) scenario->hash_depth);
    recording->house.loop = loop_create();
    if (prepare != NULL)
        prepare(&recording->house);
    trace_init(trace);
    trace_start(trace);
    fiber_run(recording->house.loop, run_scenario, recording);
    trace_stop();
    CHECK(chdir("/") == 0);
    (void) nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void explore_scenario(const struct scenario *scenario, const struct options *options, struct tally *tally)
{
    struct recording recording;
    struct book *book = memory_alloc(sizeof(*book));
    struct trace trace;
    struct exploration exploration = {
        .name = scenario->name, .trace = &trace, .book = book, .limits = options->limits, .tally = tally, .base = base
    };
    size_t states = atomic_load(&tally->states);

    record(scenario, NULL, &trace, book, &recording);
    exploration.spool = recording.house.spool;
    if (recording.house.complaint[0] != '\0') {
        printf("%s: while it was recorded: %s\n", scenario->name, recording.house.complaint);
        atomic_fetch_add(&tally->complaints, 1);
    }
    if (options->shows) {
        show(&trace);
        return;
    }
    explore(&exploration);
    printf("%-14s %5zu operations, %6zu states\n", scenario->name, trace.count, atomic_load(&tally->states) - states);
    (void) fflush(stdout);
}

/* A process for each, so that what one leaves in memory is not in the other's. */
static void explore_all(const struct options *options, struct tally *tally)
{
    for (size_t i = 0; i < scenario_count; i++) {
        if (options->scenario == NULL || strcmp(options->scenario, scenarios[i].name) == 0)
            explore_scenario(&scenarios[i], options, tally);
    }
}

/* ---- planted faults ---- */

/* How many of the complaints are not of the kind that is expected. */
static size_t count_others(const struct tally *tally, const char *expected)
{
    size_t others = 0;

    for (size_t i = 0; i < atomic_load(&tally->complaints) && i < COMPLAINTS_KEPT; i++)
        others += strstr(tally->complaint[i], expected) == NULL;
    return others;
}

static bool find_planted(const struct planted *planted, uint64_t seed)
{
    struct recording recording;
    struct book *book = memory_alloc(sizeof(*book));
    struct tally *tally = tally_create();
    struct trace trace;
    struct exploration exploration = {
        .name = planted->name,
        .trace = &trace,
        .book = book,
        .tally = tally,
        .base = base,
        .limits = { .exhaustive = 80, .plain = 10, .drawn = 2, .jobs = 2, .complaints = 1, .seed = seed },
        .spoil = planted->spoil
    };
    size_t complaints, others;

    record(scenario_find(planted->scenario), planted->prepare, &trace, book, &recording);
    exploration.spool = recording.house.spool;
    if (planted->change != NULL)
        planted->change(&trace);
    if (planted->is_last_alone)
        exploration.from = trace.count;
    explore(&exploration);
    complaints = atomic_load(&tally->complaints);
    others = count_others(tally, planted->expected);
    printf("planted: %-50s %s after %zu states\n", planted->name, complaints > others ? "found" : "NOT FOUND",
           atomic_load(&tally->states));
    for (size_t i = 0; others > 0 && i < complaints && i < COMPLAINTS_KEPT; i++)
        printf("  %s\n", tally->complaint[i]);
    return complaints > 0 && others == 0;
}

static bool find_all_planted(uint64_t seed)
{
    bool are_found = true;

    for (size_t i = 0; i < planted_count; i++)
        are_found = find_planted(&planted_faults[i], seed) && are_found;
    return are_found;
}

static int report(const struct tally *tally, uint64_t seed)
{
    size_t complaints = atomic_load(&tally->complaints);

    for (size_t i = 0; i < complaints && i < COMPLAINTS_KEPT; i++)
        printf("%s\n", tally->complaint[i]);
    printf("%zu crash states, %zu of them of a recovery: %zu broken promises, %zu duplicates (seed %llu)\n",
           atomic_load(&tally->states), atomic_load(&tally->second_states), complaints, atomic_load(&tally->duplicates),
           (unsigned long long) seed);
    return complaints == 0 ? 0 : 1;
}

static int usage(void)
{
    fprintf(stderr, "usage: crash-states [--taste | --whole | --show | --planted] [--seed NUMBER] [SCENARIO]\n");
    return 2;
}

static bool parse(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--whole") == 0)
            options->limits = whole;
        else if (strcmp(argv[i], "--taste") == 0)
            options->limits = taste;
        else if (strcmp(argv[i], "--planted") == 0)
            options->is_planted_alone = true;
        else if (strcmp(argv[i], "--show") == 0)
            options->shows = true;
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            (void) !str_to_uint64(str_from_c(argv[++i]), &options->limits.seed);
        else if (scenario_find(argv[i]) != NULL)
            options->scenario = argv[i];
        else
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct options options = { .limits = smoke };
    struct tally *tally = tally_create();
    int status;

    if (!parse(argc, argv, &options))
        return usage();
    /* Disks are made and thrown away by the thousand: no mapping for each file. */
    (void) mallopt(M_MMAP_THRESHOLD, HEAP_BLOCK);
    (void) mallopt(M_TRIM_THRESHOLD, HEAP_BLOCK);
    log_set_sink(swallow, NULL);
    make_base();
    if (!options.is_planted_alone)
        explore_all(&options, tally);
    status = options.shows ? 0 : report(tally, options.limits.seed);
    if (options.scenario == NULL && !options.shows && options.limits.points == 0 &&
        !find_all_planted(options.limits.seed))
        status = 1;
    (void) nftw(base, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    (void) fflush(stdout);
    /* Not by exit: the houses were left as a power cut leaves them, with all that they had in memory. */
    _exit(status);
}
