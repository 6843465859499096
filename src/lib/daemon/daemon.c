/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a service's process. */
#include "daemon/daemon.h"

#include "config/directory.h"
#include "config/main_cf.h"
#include "daemon/daemon_private.h"
#include "daemon/debugger.h"
#include "daemon/describe.h"
#include "daemon/jail.h"
#include "daemon/master_protocol.h"
#include "log/log.h"
#include "os/environment.h"
#include "os/fd.h"
#include "os/signals.h"
#include "os/watchdog.h"
#include "run/loop.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    REPORTS_PAUSE_MS = 250,
    LAST_FIBERS_MS = 2000,
    FEEDS = 4, /* of the watchdog in its time */
    LAST_WORD_SECONDS = 5,
};

void daemon_wait(struct daemon *daemon, struct event *event)
{
    /* Time that ran out is no failure here. */
    bool is_woken = event_wait(daemon->loop, event, seconds(60), NULL);

    (void) is_woken;
}

/* ---- what master hears ---- */

/* A caller that has died takes no room any more: whoever comes in its place asks for what is still in hand. */
bool daemon_is_full(const struct daemon *daemon)
{
    return daemon->connection_count - daemon->channels.deserted >= daemon->limit;
}

static void note_deserted(void *context)
{
    struct daemon *daemon = context;

    event_wake_all(&daemon->slot_free);
    event_wake_all(&daemon->all_done);
    daemon_note_change(daemon);
}

static void report_state(struct daemon *daemon)
{
    enum master_record_kind kind = daemon->has_yielded      ? MASTER_YIELDED
                                   : daemon->is_draining    ? MASTER_RETIRING
                                   : daemon_is_full(daemon) ? MASTER_BUSY
                                                            : MASTER_AVAILABLE;

    daemon->told_full = daemon_is_full(daemon);
    daemon->told_count = daemon->connection_count;
    master_link_send(daemon->master, kind, (uint32_t) daemon->connection_count);
}

/* Mere numbers are told a few times a second. */
static void keep_reporting(void *context)
{
    struct daemon *daemon = context;

    while (!daemon->is_over) {
        daemon_wait(daemon, &daemon->changed);
        while (!daemon->is_over &&
               (daemon->told_count != daemon->connection_count || master_link_has_pending(daemon->master))) {
            report_state(daemon);
            fiber_sleep(daemon->loop, milliseconds(REPORTS_PAUSE_MS));
        }
    }
}

static void hear_master(void *context, char word)
{
    struct daemon *daemon = context;

    if (word == MASTER_WORD_STRESS || word == MASTER_WORD_CALM)
        daemon->is_stressed = word == MASTER_WORD_STRESS;
    if (word != MASTER_WORD_END || daemon->has_heard_stop)
        return;
    daemon->has_heard_stop = true;
    if (daemon->program->system_stops != NULL)
        fiber_start(daemon->loop, daemon->program->system_stops, daemon->context);
}

static void keep_watching_master(void *context)
{
    struct daemon *daemon = context;

    if (!master_link_wait_gone(daemon->master, daemon->loop, hear_master, daemon))
        return;
    daemon->is_orphaned = true;
    daemon_drain(daemon, true);
}

/* ---- the end ---- */

void daemon_note_change(struct daemon *daemon)
{
    daemon->last_active = loop_now(daemon->loop);
    event_wake_all(&daemon->changed);
    /* Being full, and being so no more, is told at once. */
    if (daemon_is_full(daemon) != daemon->told_full)
        report_state(daemon);
    if (daemon->connection_count == 0)
        event_wake_all(&daemon->all_done);
}

void daemon_drain(struct daemon *daemon, bool is_stopping)
{
    if (is_stopping && !daemon->is_stopping) {
        daemon->is_stopping = true;
        event_wake_all(&daemon->all_done);
        daemon_interrupt_idle(daemon);
    }
    if (daemon->is_draining)
        return;
    daemon->is_draining = true;
    daemon_stop_listening(daemon);
    channel_set_drain(&daemon->channels);
    event_wake_all(&daemon->drain_begun);
    report_state(daemon);
}

void daemon_begin_drain(struct daemon *daemon)
{
    daemon_drain(daemon, false);
}

void daemon_fail(struct daemon *daemon)
{
    daemon->status = EXIT_FAILURE;
    daemon_drain(daemon, false);
}

static void told_to_stop(void *context)
{
    daemon_drain(context, true);
}

static void told_to_retire(void *context)
{
    daemon_drain(context, false);
}

void daemon_count_use(struct daemon *daemon)
{
    if (daemon->uses_left == UINT64_MAX || daemon->uses_left == 0)
        return;
    if (--daemon->uses_left == 0)
        daemon_drain(daemon, false);
}

static bool is_idle(const struct daemon *daemon)
{
    size_t sessions = daemon->program->session != NULL ? daemon->connection_count : daemon->calls_running;

    return sessions == 0;
}

/* Services that keep a state of the whole system stay; the others come back on demand. */
static void keep_counting_idle_time(void *context)
{
    struct daemon *daemon = context;
    struct duration most = daemon->shared->max_idle;

    if (daemon->program->is_singleton || most.us <= 0)
        return;
    while (!daemon->is_draining) {
        struct instant end = instant_add(daemon->last_active, most);
        struct duration left = instant_since(end, loop_now(daemon->loop));

        if (is_idle(daemon) && left.us <= 0)
            daemon_drain(daemon, false);
        else if (!event_wait(daemon->loop, &daemon->drain_begun, left.us > 0 ? left : most, NULL))
            continue;
    }
}

/* ---- what hangs is ended ---- */

/* As a signal handler. What the log cannot do then is lost; the process ends all the same. */
static void end_hung(int signal)
{
    (void) signal;
    watchdog_feed(seconds(LAST_WORD_SECONDS));
    log_fatal("watchdog timeout");
    (void) log_flush();
    _exit(EXIT_FAILURE);
}

static void keep_feeding_watchdog(void *context)
{
    struct daemon *daemon = context;

    while (!daemon->is_over) {
        bool is_woken;

        watchdog_feed(daemon->patience);
        is_woken = event_wait(daemon->loop, &daemon->fed, (struct duration){ daemon->patience.us / FEEDS }, NULL);
        (void) is_woken;
    }
}

void daemon_set_patience(struct daemon *daemon, struct duration time)
{
    daemon->patience = time;
    watchdog_feed(time);
}

/* ---- the beginning ---- */

static bool load_configuration(struct daemon *daemon, struct failure *why)
{
    const struct daemon_program *program = daemon->program;
    struct str directory;

    if (!config_directory_find(STR_EMPTY, daemon->arena, &directory, why) ||
        !main_cf_load(directory, daemon->arena, &daemon->cf, why))
        return false;
    main_cf_set_program(daemon->cf, str_from_c(program->name), str_from_c(daemon->arguments.service));
    for (size_t i = 0; i < daemon->arguments.overrides.count; i++) {
        if (!main_cf_override(daemon->cf, daemon->arguments.overrides.items[i], why))
            return false;
    }
    if (program->settings != NULL)
        settings_announce(program->settings, daemon->cf);
    if (!shared_settings_load(daemon->cf, daemon->arena, &daemon->shared, why))
        return false;
    return program->settings == NULL ||
           settings_load(program->settings, daemon->cf, str_from_c(daemon->arguments.service), daemon->arena,
                         &daemon->settings, why);
}

const char *daemon_service_path(struct daemon *daemon, const char *folder, struct str name)
{
    return arena_printf(daemon->arena, "%s/%.*s", folder, STR_ARG(name)).data;
}

static bool enter_queue_directory(struct daemon *daemon, struct failure *why)
{
    const char *path = arena_c(daemon->arena, daemon->shared->queue_directory);

    return chdir(path) == 0 || failure_system(why, errno, "queue_directory %s", path);
}

/* A process that serves many at once stands for a thousand of those that serve one after the other. */
static uint64_t most_uses(const struct daemon *daemon)
{
    uint64_t most = daemon->shared->max_use > 0 ? (uint64_t) daemon->shared->max_use : 0;

    if (daemon->program->is_singleton || most == 0)
        return UINT64_MAX;
    return daemon->program->shape == DAEMON_SEQUENTIAL ? most : most * 1000;
}

static void begin_loop(struct daemon *daemon)
{
    daemon->loop = loop_create();
    event_init(&daemon->slot_free);
    event_init(&daemon->turn_free);
    event_init(&daemon->changed);
    event_init(&daemon->drain_begun);
    event_init(&daemon->fed);
    event_init(&daemon->all_done);
    list_init(&daemon->connections);
    channel_set_init(&daemon->channels);
    daemon->channels.has_deserted = note_deserted;
    daemon->channels.context = daemon;
    daemon->tracer.trace = daemon_log_message;
    if (log_verbose() > 0)
        daemon->channels.tracer = &daemon->tracer;
    fiber_group_init(&daemon->acceptors, daemon->loop);
    fiber_group_init(&daemon->keepers, daemon->loop);
    daemon->endpoints = map_create();
    daemon->last_active = loop_now(daemon->loop);
    daemon->limit = daemon_session_limit(daemon);
    daemon->uses_left = most_uses(daemon);
    loop_add_hook(daemon->loop, daemon_flush_log, daemon);
    log_set_pacer(daemon_flush_log, daemon);
}

/* Buffers for a whole group of messages come and go: their pages are kept, not asked for again each time. */
static void keep_heap(void)
{
#ifdef __GLIBC__
    (void) mallopt(M_MMAP_THRESHOLD, 1 << 20);
    (void) mallopt(M_TRIM_THRESHOLD, 4 << 20);
#endif
}

static bool prepare(struct daemon *daemon, int argc, char **argv, struct failure *why)
{
    const struct daemon_program *program = daemon->program;

    signals_init();
    keep_heap();
    /* Ctrl-C at the terminal is master's to hear. */
    signal(SIGINT, SIG_IGN);
    /* More than libuv's four, so that back ends with limits of their own do not meet this one. */
    if (!fd_guard_standard(why) || !environment_set("UV_THREADPOOL_SIZE", "16", why))
        return false;
    if (!daemon_arguments_parse(argc, argv, program->name, daemon->arena, &daemon->arguments, why) ||
        !load_configuration(daemon, why) || !enter_queue_directory(daemon, why) || !daemon_open_log(daemon, why))
        return false;
    daemon->patience = daemon->shared->daemon_timeout;
    watchdog_start(daemon->patience, end_hung);
    if (daemon->arguments.is_debugged || environment_get("MAIL_DEBUG") != NULL)
        debugger_run(daemon->shared);
    daemon->master = master_link_create(daemon->arguments.is_standalone ? -1 : MASTER_STATUS_FD);
    begin_loop(daemon);
    return (program->open == NULL || program->open(daemon, why)) &&
           (daemon->arguments.is_standalone || jail_enter(program, &daemon->arguments, daemon->shared, why));
}

/* ---- in the loop ---- */

static bool may_leave_calls(const struct daemon *daemon)
{
    return daemon->is_stopping && daemon->program->leaves_calls;
}

static void serve(struct daemon *daemon)
{
    struct failure why;

    if (daemon->status != EXIT_SUCCESS)
        return;
    if (!daemon_listen(daemon, &why)) {
        log_fatal("%s", why.text);
        daemon->status = EXIT_FAILURE;
        return;
    }
    master_link_send(daemon->master, MASTER_READY, 0);
    fiber_group_start(&daemon->keepers, keep_reporting, daemon);
    fiber_group_start(&daemon->keepers, keep_watching_master, daemon);
    fiber_group_start(&daemon->keepers, keep_counting_idle_time, daemon);
    while (!daemon->is_draining)
        daemon_wait(daemon, &daemon->drain_begun);
    while (!fiber_group_wait(&daemon->acceptors, seconds(60), NULL))
        continue;
    /* Sessions may go on for long; the port shall be free for who comes in our place. */
    daemon_close_listeners(daemon);
    if (daemon->program->drain != NULL)
        daemon->program->drain(daemon->context);
    while (daemon->connection_count > (may_leave_calls(daemon) ? daemon->channels.deserted : 0))
        daemon_wait(daemon, &daemon->all_done);
}

static void close_endpoints(struct daemon *daemon)
{
    for (struct map_entry *entry = map_first(daemon->endpoints); entry != NULL; entry = map_next(entry)) {
        struct endpoint *endpoint = map_entry_value(entry);

        endpoint_destroy(&endpoint);
    }
    map_destroy(&daemon->endpoints);
}

static bool may_wait_for_last_fibers(const struct daemon *daemon)
{
    return !daemon->arguments.is_standalone && fiber_count(daemon->loop) > 1 && daemon->connection_count == 0;
}

static void run_life(void *context)
{
    struct daemon *daemon = context;
    const struct daemon_program *program = daemon->program;

    fiber_group_start(&daemon->keepers, keep_feeding_watchdog, daemon);
    if (program->start != NULL)
        daemon->context = program->start(daemon);
    if (daemon->arguments.is_standalone)
        daemon_serve_standalone(daemon);
    else
        serve(daemon);
    if (program->stop != NULL)
        program->stop(daemon->context);
    daemon->is_over = true;
    close_endpoints(daemon);
    event_wake_all(&daemon->changed);
    event_wake_all(&daemon->drain_begun);
    event_wake_all(&daemon->fed);
    master_link_abort(daemon->master);
    /* What others still have in the loop gets a moment to end by itself. */
    for (int waited = 0; may_wait_for_last_fibers(daemon) && waited < LAST_FIBERS_MS; waited++)
        fiber_sleep(daemon->loop, milliseconds(1));
    daemon_close_listeners(daemon);
}

static int finish(struct daemon *daemon)
{
    int status = daemon->status;
    struct arena *arena = daemon->arena; /* which holds the daemon itself */
    bool has_work = loop_has_work(daemon->loop);

    if (fiber_count(daemon->loop) == 0)
        master_link_destroy(&daemon->master);
    /* A queue manager that goes with deliveries in hand leaves what it was doing as it is. */
    if (loop_is_unused(daemon->loop)) {
        loop_destroy(&daemon->loop);
        arena_destroy(&arena);
    }
    log_close();
    /* The end of a program waits for its threads; one whose server hangs is not waited for. */
    if (has_work)
        _exit(status);
    return status;
}

static int print_description(const struct daemon_program *program)
{
    struct strbuf line;
    size_t written;

    strbuf_init(&line, STRBUF_UNLIMITED);
    describe_program(program, &line);
    written = fwrite(line.data, 1, line.len, stdout);
    strbuf_done(&line);
    return written > 0 && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* A bad "-o" in master.cf must not hide where the log is: that main.cf alone tells. */
static bool open_log_of_main_cf(struct daemon *daemon)
{
    struct str directory;

    if (daemon->shared == NULL && (!config_directory_find(STR_EMPTY, daemon->arena, &directory, NULL) ||
                                   !main_cf_load(directory, daemon->arena, &daemon->cf, NULL) ||
                                   !shared_settings_load(daemon->cf, daemon->arena, &daemon->shared, NULL)))
        return false;
    return enter_queue_directory(daemon, NULL) && daemon_open_log(daemon, NULL);
}

/* Where the log goes is not known before main.cf is read; then the system's log hears it. */
static int fail_start(struct daemon *daemon, const struct failure *why)
{
    struct str name = arena_printf(daemon->arena, "merpati/%s", daemon->program->name);
    struct log_options options = { .name = arena_c(daemon->arena, name), .facility = "mail", .to_stderr = true };

    if (!daemon->has_log && !daemon->program->logs_itself && !open_log_of_main_cf(daemon) && !log_open(&options, NULL))
        log_warning("the log cannot be reached");
    log_fatal("%s", why->text);
    log_close();
    return EXIT_FAILURE;
}

static int run_service(const struct daemon_program *program, int argc, char **argv)
{
    struct arena *arena = arena_create();
    struct daemon *daemon = arena_new(arena, struct daemon);
    struct failure why;

    daemon->program = program;
    daemon->arena = arena;
    if (!prepare(daemon, argc, argv, &why))
        return fail_start(daemon, &why);
    loop_on_signal(daemon->loop, SIGTERM, told_to_stop, daemon);
    loop_on_signal(daemon->loop, SIGHUP, told_to_retire, daemon);
    fiber_run(daemon->loop, run_life, daemon);
    return finish(daemon);
}

int daemon_run(const struct daemon_program *program, int argc, char **argv)
{
    if (argc == 2 && str_equal(str_from_c(argv[1]), STR("--describe")))
        return print_description(program);
    return run_service(program, argc, argv);
}

/* ---- what programs ask ---- */

void daemon_keep(struct daemon *daemon, void *opened)
{
    daemon->kept = opened;
}

void *daemon_kept(const struct daemon *daemon)
{
    return daemon->kept;
}

const void *daemon_settings(const struct daemon *daemon)
{
    return daemon->settings;
}

const struct shared_settings *daemon_shared(const struct daemon *daemon)
{
    return daemon->shared;
}

const struct daemon_program *daemon_program_of(const struct daemon *daemon)
{
    return daemon->program;
}

struct main_cf *daemon_main_cf(const struct daemon *daemon)
{
    return daemon->cf;
}

struct loop *daemon_loop(const struct daemon *daemon)
{
    return daemon->loop;
}

struct arena *daemon_arena(const struct daemon *daemon)
{
    return daemon->arena;
}

const char *daemon_service(const struct daemon *daemon)
{
    return daemon->arguments.service;
}

const struct strlist *daemon_arguments(const struct daemon *daemon)
{
    return &daemon->arguments.rest;
}

bool daemon_is_stressed(const struct daemon *daemon)
{
    return daemon->is_stressed;
}

bool daemon_is_draining(const struct daemon *daemon)
{
    return daemon->is_draining;
}

bool daemon_is_stopping(const struct daemon *daemon)
{
    return daemon->is_stopping;
}

bool daemon_is_orphaned(const struct daemon *daemon)
{
    return daemon->is_orphaned;
}

bool daemon_is_standalone(const struct daemon *daemon)
{
    return daemon->arguments.is_standalone;
}

bool daemon_has_own_root(const struct daemon *daemon)
{
    return jail_has_root(daemon->program, &daemon->arguments);
}

size_t daemon_sessions(const struct daemon *daemon)
{
    return daemon->connection_count;
}

void daemon_yield(struct daemon *daemon)
{
    daemon->has_yielded = true;
    report_state(daemon);
}

bool daemon_is_successor(const struct daemon *daemon)
{
    (void) daemon;
    return environment_get(MASTER_VARIABLE_SUCCESSOR) != NULL;
}

void daemon_watch_file(struct daemon *daemon, const char *path)
{
    master_link_watch(daemon->master, str_from_c(path));
}

struct endpoint *daemon_endpoint(struct daemon *daemon, const char *path, const struct protocol *protocol)
{
    struct endpoint *endpoint = map_get(daemon->endpoints, str_from_c(path));

    if (endpoint == NULL) {
        endpoint = endpoint_create(daemon->loop, path, protocol, daemon->shared->ipc_timeout);
        endpoint_set_tracer(endpoint, daemon->channels.tracer);
        map_set(daemon->endpoints, str_from_c(path), endpoint);
    }
    return endpoint;
}
