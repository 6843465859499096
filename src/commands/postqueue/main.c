/* SPDX-License-Identifier: Apache-2.0 */
/* postqueue - set-gid: shows the queue to everybody, and asks for deliveries now. */

#include "config/directory.h"
#include "config/main_cf.h"
#include "config/shared_settings.h"
#include "daemon/command_log.h"
#include "listing/files.h"
#include "listing/service.h"
#include "log/log.h"
#include "mail/domain.h"
#include "os/environment.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/privilege.h"
#include "os/signals.h"
#include "os/user.h"
#include "postqueue/print.h"
#include "postqueue/settings.h"
#include "protocol/queue_client.h"
#include "table/match_list.h"

#include <errno.h>
#include <stdio.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum action { ACTION_NONE, ACTION_LIST, ACTION_LIST_JSON, ACTION_FLUSH, ACTION_FLUSH_ID, ACTION_FLUSH_SITE };

struct postqueue {
    struct arena *arena;
    const struct shared_settings *shared;
    const struct postqueue_settings *settings;
    enum action action;
    struct str argument;
};

static int usage(void)
{
    return log_fail(EX_UNAVAILABLE, "usage: postqueue -f | postqueue -i queueid | postqueue -j | postqueue -p | "
                                    "postqueue -s site");
}

static bool load(struct postqueue *postqueue, struct str option, struct failure *why)
{
    struct strlist rules;
    struct main_cf *cf;
    struct str directory;
    void *settings;

    if (!config_directory_find(option, postqueue->arena, &directory, why) ||
        !main_cf_load(directory, postqueue->arena, &cf, why))
        return false;
    main_cf_set_program(cf, STR("postqueue"), STR_EMPTY);
    if (!shared_settings_load(cf, postqueue->arena, &postqueue->shared, why) ||
        !settings_load(&postqueue_settings_table, cf, STR_EMPTY, postqueue->arena, &settings, why))
        return false;
    postqueue->settings = settings;
    rules = main_cf_words(postqueue->shared->import_environment, postqueue->arena);
    if (config_directory_is_set_gid() && !environment_import(&rules, why))
        return false;
    if (chdir(arena_c(postqueue->arena, postqueue->shared->queue_directory)) != 0)
        return failure_system(why, errno, "chdir %.*s", STR_ARG(postqueue->shared->queue_directory));
    return true;
}

/* Root, and who owns the queue, need no permission and may look at the files themselves. */
static bool owns_queue(void)
{
    struct failure ignored;
    struct stat status;

    if (getuid() == 0)
        return true;
    return file_stat("active", &status, &ignored) && status.st_uid == getuid();
}

static bool is_authorized(const struct postqueue *postqueue, const char *parameter, struct str pattern,
                          struct failure *why)
{
    struct table_set_options options = {
        .proxymap_path =
            arena_printf(postqueue->arena, "private/%.*s", STR_ARG(postqueue->shared->proxymap_service_name)).data,
    };
    struct user_account user = { .name = STR("unknown") };
    struct table_set *tables;
    enum table_result result;

    if (str_equal(pattern, STR("static:anyone")) || owns_queue())
        return true;
    if (user_by_uid(postqueue->arena, getuid(), &user, why) == USER_UNKNOWN)
        return false;
    tables = table_set_create(&options);
    result =
        match_list_has(match_list_open(tables, str_from_c(parameter), pattern, MATCH_STRINGS, false), user.name, why);
    table_set_destroy(&tables);
    if (result == TABLE_ABSENT)
        return failure_set(why, FAILURE_PERMANENT, 0, "User %.*s(%ld) is not allowed", STR_ARG(user.name),
                           (long) getuid());
    return result == TABLE_FOUND;
}

static int refuse(const struct failure *why, const char *to_do)
{
    if (why->kind != FAILURE_PERMANENT)
        return log_fail(EX_TEMPFAIL, "%s", why->text);
    return log_fail(EX_UNAVAILABLE, "%s %s", why->text, to_do);
}

static int list_with(const struct postqueue *postqueue, const struct showq_sink *sink)
{
    CLEANUP(fd_close) int fd = -1;
    struct failure why;

    if (listing_connect(postqueue->shared, postqueue->arena, &fd, &why)) {
        /* EPIPE: whoever reads what we write has seen enough (postqueue -p | head). */
        if (listing_from_service(fd, sink, stdout, &why) || why.error == EPIPE)
            return EX_OK;
        return log_fail(EX_UNAVAILABLE, "Queue report unavailable - %s", why.text);
    }
    if (!queue_client_is_down(&why) || !owns_queue())
        return log_fail(EX_UNAVAILABLE, "Queue report unavailable - mail system is down (%s)", why.text);
    log_warning("Mail system is down -- accessing queue directly (%s)", why.text);
    if (!listing_from_files(postqueue->shared, sink, &why))
        return log_fail(EX_TEMPFAIL, "%s", why.text);
    return EX_OK;
}

static int list(const struct postqueue *postqueue)
{
    struct print print;
    struct failure why;
    struct showq_sink sink;
    int status;

    if (!is_authorized(postqueue, "authorized_mailq_users", postqueue->settings->authorized_mailq_users, &why))
        return refuse(&why, "to view the mail queue");
    tzset();
    print_init(&print, stdout, postqueue->shared->enable_long_queue_ids);
    sink = postqueue->action == ACTION_LIST_JSON ? print_json(&print) : print_table(&print);
    status = list_with(postqueue, &sink);
    if (status == EX_OK && postqueue->action == ACTION_LIST)
        print_table_end(&print);
    print_done(&print);
    if (fflush(stdout) != 0 && errno != EPIPE)
        return log_fail(EX_IOERR, "write the listing: %m");
    return status;
}

static bool is_id_text(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!char_is_alnum(text.data[i]))
            return false;
    }
    return text.len > 0;
}

static int flush(const struct postqueue *postqueue)
{
    struct queue_control request = { .operation = QUEUE_FLUSH, .is_all = postqueue->action == ACTION_FLUSH };
    struct str site = postqueue->argument;
    const struct queue_controlled *reply;
    const char *path = arena_c(postqueue->arena, arena_printf(postqueue->arena, "public/%.*s",
                                                              STR_ARG(postqueue->shared->queue_service_name)));
    struct failure why;

    if (!is_authorized(postqueue, "authorized_flush_users", postqueue->settings->authorized_flush_users, &why))
        return refuse(&why, "to flush the mail queue");
    if (postqueue->action == ACTION_FLUSH_ID) {
        if (!is_id_text(postqueue->argument))
            return log_fail(EX_UNAVAILABLE, "Cannot flush queue ID - invalid name: \"%.*s\"",
                            STR_ARG(postqueue->argument));
        strlist_add(&request.queue_ids, postqueue->arena, postqueue->argument);
    }
    if (postqueue->action == ACTION_FLUSH_SITE) {
        if (site.len > QUEUE_SITE_MAXIMUM || !domain_is_site(site))
            return log_fail(EX_UNAVAILABLE, "Cannot flush mail queue - invalid destination: \"%.*s\"", STR_ARG(site));
        request.site = site;
    }
    if (!queue_client_control(path, &request, postqueue->arena, postqueue->shared->ipc_timeout, &reply, &why)) {
        if (queue_client_is_down(&why))
            return log_fail(EX_UNAVAILABLE, "Cannot flush mail queue - mail system is down");
        return log_fail(EX_UNAVAILABLE, "Cannot flush mail queue - %s", why.text);
    }
    if (reply->is_denied)
        return log_fail(EX_UNAVAILABLE, "Flush service is not configured for destination \"%.*s\"", STR_ARG(site));
    if (reply->failure.len > 0)
        return log_fail(EX_TEMPFAIL, "Cannot flush mail queue - %.*s", STR_ARG(reply->failure));
    return EX_OK;
}

static int act(const struct postqueue *postqueue)
{
    switch (postqueue->action) {
    case ACTION_LIST:
    case ACTION_LIST_JSON:
        return list(postqueue);
    case ACTION_FLUSH:
    case ACTION_FLUSH_ID:
    case ACTION_FLUSH_SITE:
        return flush(postqueue);
    case ACTION_NONE:
        break;
    }
    return usage();
}

static enum action action_of(int letter)
{
    static const struct {
        char letter;
        enum action action;
    } actions[] = { { 'p', ACTION_LIST },
                    { 'j', ACTION_LIST_JSON },
                    { 'f', ACTION_FLUSH },
                    { 'i', ACTION_FLUSH_ID },
                    { 's', ACTION_FLUSH_SITE } };
    size_t i;

    for (i = 0; i < ARRAY_COUNT(actions); i++)
        if (actions[i].letter == letter)
            return actions[i].action;
    return ACTION_NONE;
}

/* False if the words do not ask for exactly one thing. */
static bool parse_arguments(struct postqueue *postqueue, int argc, char **argv, struct str *directory_out)
{
    int letter;

    while ((letter = getopt(argc, argv, "+c:fi:jps:v")) != -1) {
        if (letter == 'c') {
            *directory_out = str_from_c(optarg);
        } else if (letter == 'v') {
            log_set_verbose(log_verbose() + 1);
        } else {
            if (action_of(letter) == ACTION_NONE || postqueue->action != ACTION_NONE)
                return false;
            postqueue->action = action_of(letter);
            postqueue->argument = str_from_c(optarg);
        }
    }
    return postqueue->action != ACTION_NONE && optind == argc;
}

int main(int argc, char **argv)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct postqueue postqueue = { .arena = arena };
    struct log_options options = { .name = "postqueue", .facility = "mail", .only_stderr = true };
    struct str directory = STR_EMPTY;
    struct failure why;

    argv[0] = "postqueue"; /* in getopt's messages */
    signals_init();
    if (!fd_guard_standard(&why) || !log_open(&options, &why))
        return EX_OSERR;
    if (!parse_arguments(&postqueue, argc, argv, &directory))
        return usage();
    if (!load(&postqueue, directory, &why))
        return log_fail(EX_CONFIG, "%s", why.text);
    log_close();
    if (!command_log_open(postqueue.shared, "postqueue", COMMAND_LOG_IN_QUEUE, arena, &why))
        return log_fail(EX_OSERR, "%s", why.text);
    return act(&postqueue);
}
