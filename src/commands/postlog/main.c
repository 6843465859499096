/* SPDX-License-Identifier: Apache-2.0 */
/* postlog - puts a script's words into the mail log, in the form that the mail system itself uses. */

#include "base/strbuf.h"
#include "config/directory.h"
#include "config/main_cf.h"
#include "config/shared_settings.h"
#include "log/log.h"
#include "os/fd.h"
#include "os/signals.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct request {
    struct arena *arena;
    struct str config_directory;
    const char *tag; /* NULL: ours */
    enum log_level level;
};

static const struct {
    const char *name;
    enum log_level level;
} priorities[] = {
    { "info", LOG_LEVEL_INFO },   { "warn", LOG_LEVEL_WARNING }, { "warning", LOG_LEVEL_WARNING },
    { "error", LOG_LEVEL_ERROR }, { "err", LOG_LEVEL_ERROR },    { "fatal", LOG_LEVEL_FATAL },
    { "crit", LOG_LEVEL_FATAL },  { "panic", LOG_LEVEL_PANIC },
};

static bool find_priority(const char *name, enum log_level *level_out)
{
    for (size_t i = 0; i < ARRAY_COUNT(priorities); i++) {
        if (str_equal_nocase(str_from_c(priorities[i].name), str_from_c(name))) {
            *level_out = priorities[i].level;
            return true;
        }
    }
    return false;
}

static bool open_log(const struct request *request, struct failure *why)
{
    const struct shared_settings *shared;
    struct arena *arena = request->arena;
    struct main_cf *main_cf;
    struct str directory;
    struct log_options options = { .to_stderr = isatty(STDERR_FILENO) != 0 };

    if (!config_directory_find(request->config_directory, arena, &directory, why) ||
        !main_cf_load(directory, arena, &main_cf, why))
        return false;
    main_cf_set_program(main_cf, STR("postlog"), STR("postlog"));
    if (!shared_settings_load(main_cf, arena, &shared, why))
        return false;
    options.name = request->tag != NULL
                       ? request->tag
                       : arena_c(arena, arena_printf(arena, "%.*s/postlog", STR_ARG(shared->syslog_name)));
    options.facility = arena_c(arena, shared->syslog_facility);
    if (shared->maillog_file.len > 0) {
        options.postlog_path = arena_c(arena, arena_printf(arena, "%.*s/public/%.*s", STR_ARG(shared->queue_directory),
                                                           STR_ARG(shared->postlog_service_name)));
        options.fallback_path = arena_c(arena, shared->maillog_file);
        options.fallback_mode = shared_settings_maillog_mode(shared);
    }
    return log_open(&options, why);
}

static void log_arguments(enum log_level level, char **words, int count)
{
    struct strbuf text;

    strbuf_init(&text, LOG_LINE_MAX);
    for (int i = 0; i < count; i++) {
        struct str word = str_from_c(words[i]);

        if (i > 0)
            (void) strbuf_append_char(&text, ' ');
        (void) strbuf_append(&text, str_part(word, 0, LOG_LINE_MAX - text.len));
    }
    log_text(level, strbuf_str(&text));
    strbuf_done(&text);
}

/* A line that is longer than a log line goes on in the next. */
static void log_input(enum log_level level)
{
    char line[LOG_LINE_MAX];

    while (fgets(line, sizeof line, stdin) != NULL) {
        log_text(level, str_trim_right(str_from_c(line)));
        (void) log_flush();
    }
}

static int usage(void)
{
    return log_fail(EXIT_FAILURE, "usage: postlog [-iv] [-c config_dir] [-p priority] [-t tag] [text...]");
}

int main(int argc, char **argv)
{
    struct request request = { .arena = arena_create(), .level = LOG_LEVEL_INFO };
    struct failure why;
    int letter;

    signals_init();
    while ((letter = getopt(argc, argv, "+c:ip:t:v")) != -1) {
        if (letter == 'c')
            request.config_directory = str_from_c(optarg);
        else if (letter == 't')
            request.tag = optarg;
        else if ((letter == 'p' && !find_priority(optarg, &request.level)) || letter == '?')
            return usage();
    }
    if (!fd_guard_standard(&why) || !open_log(&request, &why))
        return log_fail(EXIT_FAILURE, "%s", why.text);
    if (optind < argc)
        log_arguments(request.level, argv + optind, argc - optind);
    else
        log_input(request.level);
    log_close();
    arena_destroy(&request.arena);
    return 0;
}
