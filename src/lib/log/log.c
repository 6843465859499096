/* SPDX-License-Identifier: Apache-2.0 */
#include "log/log.h"

#include "base/last_words.h"
#include "base/strbuf.h"
#include "base/time.h"
#include "log/text.h"
#include "log/transport.h"
#include "os/process.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define SYSLOG_NAMES
#include <syslog.h>

enum { PENDING_MAX = 4 * 1024 * 1024, NAME_MAX_LEN = 128, CLOSE_TRIES = 5, CLOSE_WAIT_MS = 200 };

/* The program's one mutable global: a log line may be born anywhere. */
static struct log_state {
    struct log_transport *transport;
    struct strbuf pending; /* finished lines, LF after each */
    uint64_t sent;         /* bytes */
    uint64_t lost;
    uint64_t lost_reported;
    char name[NAME_MAX_LEN];
    int facility;
    int pid;
    unsigned verbose;
    bool has_plain_addresses;
    bool is_ascii;
    bool is_syslog;
    bool to_stderr;
    bool has_whole_name;
    time_t stamp_second;
    char prefix[NAME_MAX_LEN + 64]; /* "Nov 22 01:02:03 name[pid]: ", made once a second */
    size_t prefix_len;
    log_sink *sink;
    void *sink_context;
    void (*pacer)(void *context);
    void *pacer_context;
} state = { .to_stderr = true };

static const struct {
    const char *prefix;
    int priority;
} levels[] = {
    [LOG_LEVEL_DEBUG] = { "", LOG_INFO },
    [LOG_LEVEL_INFO] = { "", LOG_INFO },
    [LOG_LEVEL_WARNING] = { "warning: ", LOG_WARNING },
    [LOG_LEVEL_ERROR] = { "error: ", LOG_ERR },
    [LOG_LEVEL_FATAL] = { "fatal: ", LOG_CRIT },
    [LOG_LEVEL_PANIC] = { "panic: ", LOG_CRIT },
};

static int facility_by_name(const char *name)
{
    for (const CODE *code = facilitynames; code->c_name != NULL; code++) {
        if (name != NULL && strcmp(code->c_name, name) == 0)
            return code->c_val;
    }
    return -1;
}

static struct str prefix_now(void)
{
    time_t now = time(NULL);
    struct tm parts;
    char stamp[32];

    if (now != state.stamp_second || state.prefix_len == 0) {
        state.stamp_second = now;
        strftime(stamp, sizeof stamp, "%b %e %H:%M:%S", localtime_r(&now, &parts));
        snprintf(state.prefix, sizeof state.prefix, "%s %s[%d]: ", stamp, state.name, state.pid);
        state.prefix_len = strlen(state.prefix);
    }
    return str_make(state.prefix, state.prefix_len);
}

/* Whatever is broken, the line is sent as it is, without memory and behind those that wait already. */
static void take_last_words(const char *text)
{
    char space[LOG_LINE_MAX + NAME_MAX_LEN + 100];
    struct strbuf line = { .data = space, .capacity = sizeof space, .maximum = sizeof space - 1 };
    bool is_main_thread = gettid() == getpid();

    if (state.transport == NULL)
        return;
    if (is_main_thread && !log_flush())
        log_transport_wait(state.transport, CLOSE_WAIT_MS);
    if (is_main_thread)
        (void) log_flush();
    if (state.is_syslog)
        strbuf_printf(&line, "<%d>", state.facility | levels[LOG_LEVEL_PANIC].priority);
    strbuf_append(&line, prefix_now());
    log_text_neuter(&line, str_from_c(text), LOG_LINE_MAX, true);
    strbuf_append_char(&line, '\n');
    for (int i = 0; i < CLOSE_TRIES && log_transport_send(state.transport, strbuf_str(&line)) == 0; i++)
        log_transport_wait(state.transport, CLOSE_WAIT_MS);
}

bool log_open(const struct log_options *options, struct failure *why)
{
    int facility = facility_by_name(options->facility);

    if (options->postlog_path == NULL && !options->only_stderr && facility < 0)
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "syslog_facility = %s: there is no such facility; mail, daemon or local0 to local7 would do",
                           options->facility == NULL ? "" : options->facility);
    log_close();
    /* The time zone's file cannot be read in a jail. */
    tzset();
    snprintf(state.name, sizeof state.name, "%s", options->name);
    state.facility = facility;
    state.pid = getpid();
    state.prefix_len = 0;
    state.to_stderr = options->to_stderr || options->only_stderr;
    state.has_whole_name = options->has_whole_name;
    state.is_syslog = options->postlog_path == NULL;
    strbuf_init(&state.pending, PENDING_MAX);
    if (!options->only_stderr)
        state.transport =
            log_transport_create(state.is_syslog ? LOG_TRANSPORT_SYSLOG : LOG_TRANSPORT_POSTLOG,
                                 state.is_syslog ? "/dev/log" : options->postlog_path, options->fallback_path,
                                 options->fallback_mode == 0 ? 0600 : options->fallback_mode);
    last_words_listen(take_last_words);
    return true;
}

/* As long as the log takes some. */
static void flush_patiently(void)
{
    int futile = 0;

    while (futile < CLOSE_TRIES) {
        uint64_t before = state.sent;

        if (log_flush())
            return;
        futile = state.sent > before ? 0 : futile + 1;
        log_transport_wait(state.transport, CLOSE_WAIT_MS);
    }
}

void log_close(void)
{
    last_words_listen(NULL);
    if (state.transport != NULL) {
        flush_patiently();
        log_transport_destroy(&state.transport);
    }
    strbuf_done(&state.pending);
    state.to_stderr = true;
}

static void keep(enum log_level level, struct str line)
{
    size_t before = state.pending.len;

    if (state.is_syslog)
        strbuf_printf(&state.pending, "<%d>", state.facility | levels[level].priority);
    strbuf_append(&state.pending, prefix_now());
    strbuf_append(&state.pending, line);
    strbuf_append_char(&state.pending, '\n');
    if (state.pending.is_overflowed) {
        strbuf_truncate(&state.pending, before);
        state.pending.is_overflowed = false;
        state.lost++;
    }
}

/* Commands show the last part of the name alone: "postsuper: fatal: ...". */
static void show(struct str line)
{
    const char *slash = state.has_whole_name ? NULL : strrchr(state.name, '/');
    const char *name = state.name[0] == '\0' ? process_name() : slash == NULL ? state.name : slash + 1;

    fprintf(stderr, "%s: %.*s\n", name, STR_ARG(line));
}

void log_text(enum log_level level, struct str text)
{
    char space[LOG_LINE_MAX + 1];
    struct strbuf line = { .data = space, .capacity = sizeof space, .maximum = LOG_LINE_MAX };

    strbuf_append_c(&line, levels[level].prefix);
    log_text_neuter(&line, text, LOG_LINE_MAX - line.len, !state.is_ascii);
    if (state.sink != NULL) {
        state.sink(level, strbuf_str(&line), state.sink_context);
        return;
    }
    if (state.to_stderr)
        show(strbuf_str(&line));
    if (state.transport != NULL)
        keep(level, strbuf_str(&line));
}

PRINTF_LIKE(2, 0) static void log_format(enum log_level level, const char *format, va_list args)
{
    char text[LOG_LINE_MAX + 1];
    int len = vsnprintf(text, sizeof text, format, args);

    if (len < 0)
        return;
    log_text(level, str_make(text, len > LOG_LINE_MAX ? LOG_LINE_MAX : (size_t) len));
}

void log_info(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_format(LOG_LEVEL_INFO, format, args);
    va_end(args);
}

void log_warning(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_format(LOG_LEVEL_WARNING, format, args);
    va_end(args);
}

void log_error(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_format(LOG_LEVEL_ERROR, format, args);
    va_end(args);
}

void log_fatal(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_format(LOG_LEVEL_FATAL, format, args);
    va_end(args);
}

int log_fail(int status, const char *format, ...)
{
    va_list args;

    (void) fflush(stdout);
    va_start(args, format);
    log_format(LOG_LEVEL_FATAL, format, args);
    va_end(args);
    (void) log_flush();
    return status;
}

void log_panic(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_format(LOG_LEVEL_PANIC, format, args);
    va_end(args);
}

void log_debug(const char *format, ...)
{
    va_list args;

    if (state.verbose == 0)
        return;
    va_start(args, format);
    log_format(LOG_LEVEL_DEBUG, format, args);
    va_end(args);
}

void log_set_verbose(unsigned level)
{
    state.verbose = level;
}

unsigned log_verbose(void)
{
    return state.verbose;
}

void log_set_plain_addresses(bool is_plain)
{
    state.has_plain_addresses = is_plain;
}

void log_set_ascii(bool is_ascii)
{
    state.is_ascii = is_ascii;
}

bool log_has_plain_addresses(void)
{
    return state.has_plain_addresses;
}

bool log_flush(void)
{
    if (state.transport == NULL)
        return true;
    while (state.pending.len > 0) {
        size_t done = log_transport_send(state.transport, strbuf_str(&state.pending));

        if (done == 0)
            return false;
        strbuf_consume(&state.pending, done);
        state.sent += done;
        if (state.pending.len == 0 && state.lost > state.lost_reported) {
            uint64_t count = state.lost - state.lost_reported;

            state.lost_reported = state.lost;
            log_warning("%" PRIu64 " log lines were lost: the log did not take them in time", count);
        }
    }
    return true;
}

void log_set_pacer(void (*flush)(void *context), void *context)
{
    state.pacer = flush;
    state.pacer_context = context;
}

void log_flush_paced(void)
{
    if (state.pacer != NULL && state.pending.len > 0)
        state.pacer(state.pacer_context);
}

bool log_has_pending(void)
{
    return state.pending.len > 0;
}

size_t log_pending_bytes(void)
{
    return state.pending.len;
}

uint64_t log_sent_bytes(void)
{
    return state.sent;
}

uint64_t log_lost(void)
{
    return state.lost;
}

void log_set_sink(log_sink *sink, void *context)
{
    state.sink = sink;
    state.sink_context = context;
}
