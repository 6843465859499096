/* SPDX-License-Identifier: Apache-2.0 */
/* sendmail - the command that programs know: submits mail, and runs the commands behind mailq and newaliases. */

#include "config/directory.h"
#include "config/main_cf.h"
#include "config/shared_settings.h"
#include "daemon/command_log.h"
#include "log/log.h"
#include "mail/verp.h"
#include "os/environment.h"
#include "os/fd.h"
#include "os/process.h"
#include "os/signals.h"
#include "sendmail/options.h"
#include "sendmail/settings.h"
#include "sendmail/submit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

struct sendmail {
    struct arena *arena;
    struct sendmail_options options;
    struct str config_directory;
    const struct shared_settings *shared;
    const struct sendmail_settings *settings;
};

/* As Postfix's: whatever the reason, the caller may try again. */
static int fail(const struct failure *why)
{
    log_fatal("%s", why->text);
    log_flush();
    return EX_TEMPFAIL;
}

static bool load(struct sendmail *sendmail, struct failure *why)
{
    struct main_cf *cf;
    void *settings;

    if (!config_directory_find(sendmail->options.config_directory, sendmail->arena, &sendmail->config_directory, why) ||
        !main_cf_load(sendmail->config_directory, sendmail->arena, &cf, why))
        return false;
    main_cf_set_program(cf, STR("sendmail"), STR_EMPTY);
    if (!shared_settings_load(cf, sendmail->arena, &sendmail->shared, why) ||
        !settings_load(&sendmail_settings_table, cf, STR_EMPTY, sendmail->arena, &settings, why))
        return false;
    sendmail->settings = settings;
    return true;
}

/* Becomes another program of the system; words end with an empty one. */
static int become(struct sendmail *sendmail, struct str folder, const struct str *words)
{
    struct arena *arena = sendmail->arena;
    char *arguments[64];
    const char *path = arena_printf(arena, "%.*s/%.*s", STR_ARG(folder), STR_ARG(words[0])).data;
    struct failure why;
    size_t count = 0;

    for (; words[count].len > 0 && count < ARRAY_COUNT(arguments) - 1; count++)
        arguments[count] = arena_c(arena, words[count]);
    arguments[count] = NULL;
    if (!environment_set("MAIL_CONFIG", arena_c(arena, sendmail->config_directory), &why))
        return fail(&why);
    execv(path, arguments);
    (void) failure_system(&why, errno, "execute %s", path);
    return fail(&why);
}

/* Sets the delimiters that are not given. */
static bool check_verp(struct sendmail *sendmail, struct failure *why)
{
    struct sendmail_options *options = &sendmail->options;
    struct str filter = sendmail->shared->verp_delimiter_filter;

    if (!options->wants_verp)
        return true;
    if (str_is_empty(options->verp_delimiters))
        options->verp_delimiters = sendmail->shared->default_verp_delimiters;
    if (!verp_delimiters_are_good(options->verp_delimiters, filter))
        return failure_set(why, FAILURE_PROTOCOL, 0, "-V requires two characters from %.*s", STR_ARG(filter));
    return true;
}

static int run_deliver(struct sendmail *sendmail)
{
    const struct submit_settings settings = { sendmail->config_directory, sendmail->shared->command_directory,
                                              (enum input_line_endings) sendmail->settings->line_endings };
    struct failure why;
    struct str sender;

    if (!check_verp(sendmail, &why))
        return fail(&why);
    if (!submit_message(&sendmail->options, &settings, sendmail->arena, &sender, &why))
        return fail(&why);
    if (sendmail->options.verbosity == 1 || sendmail->options.wants_verify_report)
        printf("Mail Delivery Status Report will be mailed to <%.*s>.\n", STR_ARG(sender));
    log_flush();
    return EX_OK;
}

static int run_smtp(struct sendmail *sendmail)
{
    const struct str words[] = { STR("smtpd"), STR("-S"), STR_EMPTY };

    return become(sendmail, sendmail->shared->daemon_directory, words);
}

/*
 * What comes of it is for the log and, if somebody watches, for the terminal: scripts from the days of sendmail ask for
 * the daemon whether or not it runs, and want 0.
 */
static int run_daemon(struct sendmail *sendmail)
{
    const char *path = arena_printf(sendmail->arena, "%.*s/merpati", STR_ARG(sendmail->shared->command_directory)).data;
    char command[] = "merpati", word[] = "start";
    char *arguments[] = { command, word, NULL };
    const struct process_fd terminal = { STDERR_FILENO, STDERR_FILENO };
    const struct process_start start = {
        .path = path,
        .arguments = arguments,
        .fds = &terminal,
        .fd_count = isatty(STDERR_FILENO) ? 1 : 0,
    };
    struct failure why;
    pid_t pid;
    int status;

    if (!environment_set("MAIL_CONFIG", arena_c(sendmail->arena, sendmail->config_directory), &why) ||
        !process_start(&start, &pid, &why) || !process_wait(pid, &status, &why))
        return fail(&why);
    return EX_OK;
}

static int run_list(struct sendmail *sendmail)
{
    const struct str words[] = { STR("postqueue"), STR("-p"), STR_EMPTY };

    return become(sendmail, sendmail->shared->command_directory, words);
}

static int run_flush(struct sendmail *sendmail)
{
    struct str site = sendmail->options.flush_site;
    struct str id = sendmail->options.flush_id;
    const struct str words[] = {
        STR("postqueue"),
        site.len > 0 ? STR("-s")
        : id.len > 0 ? STR("-i")
                     : STR("-f"),
        site.len > 0 ? site : id,
        STR_EMPTY,
    };

    return become(sendmail, sendmail->shared->command_directory, words);
}

static int run_aliases(struct sendmail *sendmail)
{
    struct str asked = sendmail->options.alias_database;
    struct strlist files = main_cf_fields(asked.len > 0 ? asked : sendmail->shared->alias_database, sendmail->arena);
    struct str words[60] = { STR("postalias"), STR("--") };
    size_t count = 2;

    if (files.count == 0)
        return EX_OK;
    for (size_t i = 0; i < files.count && count < ARRAY_COUNT(words) - 1; i++)
        words[count++] = files.items[i];
    words[count] = STR_EMPTY;
    return become(sendmail, sendmail->shared->command_directory, words);
}

static int run_ignore(struct sendmail *sendmail)
{
    (void) sendmail;
    return EX_OK;
}

static bool begin(struct sendmail *sendmail, struct failure *why)
{
    return load(sendmail, why) && command_log_open(sendmail->shared, "sendmail", 0, sendmail->arena, why);
}

static int run(struct sendmail *sendmail)
{
    static int (*const modes[])(struct sendmail *) = {
        [SENDMAIL_DELIVER] = run_deliver, [SENDMAIL_SMTP] = run_smtp,   [SENDMAIL_DAEMON] = run_daemon,
        [SENDMAIL_LIST] = run_list,       [SENDMAIL_FLUSH] = run_flush, [SENDMAIL_ALIASES] = run_aliases,
        [SENDMAIL_IGNORE] = run_ignore,
    };
    struct failure why;

    if (!begin(sendmail, &why))
        return fail(&why);
    for (size_t i = 0; i < sendmail->options.warnings.count; i++)
        log_warning("%.*s", STR_ARG(sendmail->options.warnings.items[i]));
    return modes[sendmail->options.mode](sendmail);
}

/* A program that is called so again and again is found by the log. */
static int fail_in_log(struct sendmail *sendmail, const struct failure *why)
{
    struct failure ignored;

    if (sendmail->options.complaint.len > 0)
        fprintf(stderr, "sendmail: %.*s\n", STR_ARG(sendmail->options.complaint));
    (void) !begin(sendmail, &ignored);
    return fail(why);
}

int main(int argc, char **argv)
{
    struct sendmail sendmail = { 0 };
    struct failure why;
    int status;

    signals_init();
    if (!fd_guard_standard(&why))
        return EX_OSERR;
    sendmail.arena = arena_create();
    if (sendmail_options_parse(&sendmail.options, sendmail.arena, str_from_c(process_name()), argc, argv, &why))
        status = run(&sendmail);
    else
        status = fail_in_log(&sendmail, &why);
    arena_destroy(&sendmail.arena);
    return status;
}
