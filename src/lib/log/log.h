/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_LOG_H
#define LOG_LOG_H

#include "base/compiler.h"
#include "base/failure.h"
#include "base/str.h"

/*
 * log - lines to syslog, to postlogd, to standard error or to a test.
 *
 * A call formats into a ring and returns; log_flush sends what gathered (the skeleton calls it once a turn
 * of the loop, and at the end; commands write at once). The ring never waits for a sink: when the sink is
 * slow or gone and the ring full, lines are dropped, counted, and the count is reported when there is room.
 * Text is neutered: what is not printable becomes '?', and a line is cut at LOG_LINE_MAX. Bytes of UTF-8 pass.
 *
 * The one mutable global of the program lives here. One thread only, but for log_flush's caller.
 */
#define LOG_LINE_MAX 2000

enum log_level {
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_INFO,
    LOG_LEVEL_WARNING, /* "warning: " */
    LOG_LEVEL_ERROR,   /* "error: " */
    LOG_LEVEL_FATAL,   /* "fatal: " */
    LOG_LEVEL_PANIC,   /* "panic: " */
};

/*
 * Before it is opened, lines go to standard error as "name: text". Opens its sink now, so that it works in a jail
 * later: name is the tag, "merpati/smtpd"; facility a syslog facility's name, "mail".
 */
struct log_options {
    const char *name;
    const char *facility;
    const char *postlog_path;  /* not NULL: postlogd's socket instead of syslog */
    const char *fallback_path; /* file to append to while postlogd's socket is not there; NULL: none */
    unsigned fallback_mode;    /* of that file, where it is made; 0: 0600 */
    bool to_stderr;            /* commands: also there, without tag and pid */
    bool has_whole_name;       /* there, too; without it what is before the slash is left out */
    bool only_stderr;          /* and nowhere else */
};

/* Strings are copied. A sink that cannot be reached is tried again at each flush; that is no failure. */
MUST_USE bool log_open(const struct log_options *options, struct failure *why);
/* Flushes and forgets; lines go to standard error again. */
void log_close(void);

PRINTF_LIKE(1, 2) void log_info(const char *format, ...);
PRINTF_LIKE(1, 2) void log_warning(const char *format, ...);
PRINTF_LIKE(1, 2) void log_error(const char *format, ...);
/* Only writes "fatal: " lines; ending the process is the caller's, who flushes first. */
PRINTF_LIKE(1, 2) void log_fatal(const char *format, ...);
/* For commands: the "fatal: " line goes out at once, behind what standard output was to get. Returns status, for main.
 */
PRINTF_LIKE(2, 3) int log_fail(int status, const char *format, ...);
PRINTF_LIKE(1, 2) void log_panic(const char *format, ...);
/* Nothing is written, and little spent, unless log_set_verbose was called with more than 0 ("-v"). */
PRINTF_LIKE(1, 2) void log_debug(const char *format, ...);
void log_set_verbose(unsigned level);
unsigned log_verbose(void);
/* Addresses stand in lines as they are stored, without the quotes of their external form; see log/address.h. */
void log_set_plain_addresses(bool is_plain);
bool log_has_plain_addresses(void);
/* Whether UTF-8 becomes question marks (smtputf8_enable is off). */
void log_set_ascii(bool is_ascii);
/* The general form, with the text as it is (no format); the level's prefix is added. */
void log_text(enum log_level level, struct str text);

/* Sends what the ring holds, without waiting. True when it is empty now. */
bool log_flush(void);
/*
 * The same as often as the process may: called before another process is told what it will log about itself, so that
 * lines stand in the order of events. Without a pacer (the skeleton's) it does nothing.
 */
void log_flush_paced(void);
void log_set_pacer(void (*flush)(void *context), void *context);
/* True when lines wait: the loop flushes at the end of its turn, or a few milliseconds later when it is busy. */
bool log_has_pending(void);
size_t log_pending_bytes(void);
/* What the log has taken since the start: while it grows the log lives. */
uint64_t log_sent_bytes(void);
/* Lines dropped since the start. */
uint64_t log_lost(void);

/* A test's own sink: gets each line (prefix included, no tag) at log time. NULL takes it away. */
typedef void log_sink(enum log_level level, struct str line, void *context);
void log_set_sink(log_sink *sink, void *context);

#endif
