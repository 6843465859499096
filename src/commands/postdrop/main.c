/* SPDX-License-Identifier: Apache-2.0 */
/* postdrop - set-gid: puts one message from standard input into maildrop/, where the user could not write. */

#include "config/directory.h"
#include "config/main_cf.h"
#include "config/shared_settings.h"
#include "daemon/command_log.h"
#include "log/log.h"
#include "os/directory.h"
#include "os/environment.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/signals.h"
#include "os/system_socket.h"
#include "os/user.h"
#include "postdrop/drop.h"
#include "postdrop/login_sender.h"
#include "postdrop/settings.h"
#include "table/match_list.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

struct postdrop {
    struct arena *arena;
    const struct shared_settings *shared;
    const struct postdrop_settings *settings;
    int refusal; /* exit status of what is not allowed; 0: nothing was refused */
};

/*
 * The user's interrupt ends sendmail, and with it our input; then the file is thrown away. Ending on the signal
 * itself would leave half of a file behind.
 */
static void ignore_signals(void)
{
    static const int ignored[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP };

    signals_init();
    for (size_t i = 0; i < ARRAY_COUNT(ignored); i++)
        signal(ignored[i], SIG_IGN);
}

static bool load(struct postdrop *postdrop, struct str option, struct failure *why)
{
    struct main_cf *cf;
    struct str directory;
    void *settings;

    if (!config_directory_find(option, postdrop->arena, &directory, why) ||
        !main_cf_load(directory, postdrop->arena, &cf, why))
        return false;
    main_cf_set_program(cf, STR("postdrop"), STR_EMPTY);
    if (!shared_settings_load(cf, postdrop->arena, &postdrop->shared, why) ||
        !settings_load(&postdrop_settings_table, cf, STR_EMPTY, postdrop->arena, &settings, why))
        return false;
    postdrop->settings = settings;
    return true;
}

/* The login name of who runs this; "uid:123" and an unknown user are refused where not everybody may submit. */
static bool may_submit(struct postdrop *postdrop, struct failure *why)
{
    struct str pattern = postdrop->settings->authorized_submit_users;
    struct table_set_options options = {
        .proxymap_path =
            arena_printf(postdrop->arena, "private/%.*s", STR_ARG(postdrop->shared->proxymap_service_name)).data,
    };
    struct user_account user = { .name = STR("unknown") };
    struct table_set *tables;
    enum table_result result;

    if (str_equal(pattern, STR("static:anyone")))
        return true;
    if (user_by_uid(postdrop->arena, getuid(), &user, why) == USER_UNKNOWN)
        return false;
    tables = table_set_create(&options);
    result = match_list_has(match_list_open(tables, STR("authorized_submit_users"), pattern, MATCH_STRINGS, false),
                            user.name, why);
    table_set_destroy(&tables);
    if (result != TABLE_ABSENT)
        return result == TABLE_FOUND;
    postdrop->refusal = EX_NOPERM;
    return failure_set(why, FAILURE_PERMANENT, 0, "User %.*s(%ld) is not allowed to submit mail", STR_ARG(user.name),
                       (long) getuid());
}

/* Where there is no name for the user: "uid:123". */
static bool find_login(const struct postdrop *postdrop, struct str *login_out, struct failure *why)
{
    struct user_account user;

    switch (user_by_uid(postdrop->arena, getuid(), &user, why)) {
    case USER_FOUND:
        *login_out = user.name;
        return true;
    case USER_ABSENT:
        *login_out = arena_printf(postdrop->arena, "uid:%ld", (long) getuid());
        return true;
    case USER_UNKNOWN:
        break;
    }
    return false;
}

static bool is_listed_sender(struct postdrop *postdrop, struct str login, struct str sender, struct failure *why)
{
    const struct postdrop_settings *settings = postdrop->settings;
    struct table_set_options options = {
        .proxymap_path =
            arena_printf(postdrop->arena, "private/%.*s", STR_ARG(postdrop->shared->proxymap_service_name)).data,
    };
    struct table_set *tables = table_set_create(&options);
    const struct login_sender_rules rules = {
        .maps = table_list_open(tables, STR("local_login_sender_maps"), settings->local_login_sender_maps, 0),
        .empty_key = settings->empty_address_key,
        .recipient_delimiter = postdrop->shared->recipient_delimiter,
    };
    enum table_result result = login_sender_is_allowed(&rules, login, sender, postdrop->arena, why);

    table_set_destroy(&tables);
    if (result != TABLE_ABSENT)
        return result == TABLE_FOUND;
    postdrop->refusal = EX_NOUSER;
    return failure_set(why, FAILURE_PERMANENT, 0, "%.*s(%ld): not authorized to use sender='%.*s'", STR_ARG(login),
                       (long) getuid(), STR_ARG(sender));
}

static bool may_send_as(void *context, struct str sender, struct failure *why)
{
    struct postdrop *postdrop = context;
    struct str login;

    if (str_equal(postdrop->settings->local_login_sender_maps, STR("static:*")))
        return true;
    return find_login(postdrop, &login, why) && is_listed_sender(postdrop, login, sender, why);
}

/* pickup looks every minute anyway, and at its start: a system that is down is no trouble. */
static void wake_pickup(const struct postdrop *postdrop)
{
    const char *path =
        arena_printf(postdrop->arena, "public/%.*s", STR_ARG(postdrop->shared->pickup_service_name)).data;
    struct failure why;

    if (!system_socket_wake(path, STR("W"), &why))
        log_debug("%s", why.text);
}

static int fail(const struct postdrop *postdrop, const struct failure *why)
{
    bool is_final = why->error == EFBIG || postdrop->refusal != 0;

    log_text(is_final ? LOG_LEVEL_FATAL : LOG_LEVEL_WARNING, str_from_c(why->text));
    log_flush();
    if (postdrop->refusal != 0)
        return postdrop->refusal;
    return why->error == EFBIG || why->kind == FAILURE_PROTOCOL ? EX_DATAERR : EX_TEMPFAIL;
}

static int run(struct postdrop *postdrop, struct str option)
{
    const char *queue_directory;
    struct failure why;

    if (!load(postdrop, option, &why))
        return fail(postdrop, &why);
    if (config_directory_is_set_gid() && !environment_import(&(struct strlist){ 0 }, &why))
        return fail(postdrop, &why);
    queue_directory = arena_c(postdrop->arena, postdrop->shared->queue_directory);
    if (chdir(queue_directory) != 0) {
        (void) failure_system(&why, errno, "change directory to %s", queue_directory);
        return fail(postdrop, &why);
    }
    if (!command_log_open(postdrop->shared, "postdrop", COMMAND_LOG_IN_QUEUE, postdrop->arena, &why) ||
        !may_submit(postdrop, &why) ||
        !drop_message(STDIN_FILENO, postdrop->shared->message_size_limit, may_send_as, postdrop, &why))
        return fail(postdrop, &why);
    wake_pickup(postdrop);
    log_flush();
    return 0;
}

int main(int argc, char **argv)
{
    struct postdrop postdrop = { 0 };
    struct str option = STR_EMPTY;
    struct failure why;
    int letter, status;

    ignore_signals();
    umask(077);
    if (!fd_guard_standard(&why))
        return EX_OSERR;
    while ((letter = getopt(argc, argv, "c:rv")) != -1) {
        if (letter == 'c') {
            option = str_from_c(optarg);
        } else if (letter == '?') {
            fprintf(stderr, "usage: postdrop [-c config_dir] [-v]\n");
            return EX_USAGE;
        }
    }
    postdrop.arena = arena_create();
    status = run(&postdrop, option);
    arena_destroy(&postdrop.arena);
    return status;
}
