/* SPDX-License-Identifier: Apache-2.0 */
#include "local/command.h"

#include "config/shared_settings.h"
#include "delivery/command_end.h"
#include "delivery/command_environment.h"
#include "delivery/command_run.h"
#include "delivery/content.h"
#include "run/stream.h"

#include <paths.h>

enum { OUTPUT_MAX = 4096, ENVIRONMENT_MAX = 40, WORDS_MAX = 100 };

struct run {
    const struct scene *scene;
    struct arena *arena;
    struct str command;
    struct str head;
    struct command_environment environment;
    const char *program; /* NULL: the first of the arguments */
    const char **arguments;
};

/* ---- what the program is told ---- */

static void export(struct run *run, const char *name, struct str value)
{
    struct str filter = run->scene->attempt->local->settings->command_expansion_filter;
    struct str clean = template_filter(run->arena, value, filter);

    command_environment_set(&run->environment, name, clean);
}

static void export_attributes(struct run *run)
{
    static const struct {
        const char *variable;
        struct str attribute;
    } rows[] = {
        { "CLIENT_HOSTNAME", { "client_name", 11 } }, { "CLIENT_ADDRESS", { "client_address", 14 } },
        { "CLIENT_HELO", { "helo_name", 9 } },        { "CLIENT_PROTOCOL", { "protocol_name", 13 } },
        { "SASL_METHOD", { "sasl_method", 11 } },     { "SASL_SENDER", { "sasl_sender", 11 } },
        { "SASL_USERNAME", { "sasl_username", 13 } },
    };
    const struct deliver_request *request = run->scene->attempt->delivery->request;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str value = deliver_attribute(&request->attributes, rows[i].attribute);

        if (!str_is_empty(value))
            export(run, rows[i].variable, value);
    }
}

static struct str shell_of(const struct user_account *account)
{
    return str_is_empty(account->shell) ? STR(_PATH_BSHELL) : account->shell;
}

static const char *const *make_environment(struct run *run)
{
    const struct scene *scene = run->scene;
    const struct user_account *account = scene->account;

    command_environment_init(&run->environment, run->arena, &scene->attempt->local->settings->export_environment);
    if (account != NULL) {
        export(run, "HOME", account->home);
        export(run, "LOGNAME", account->name);
        export(run, "USER", account->name);
        export(run, "SHELL", shell_of(account));
    } else {
        if (scene->owner != NULL) {
            export(run, "HOME", scene->owner->home);
            export(run, "SHELL", shell_of(scene->owner));
        }
        export(run, "LOGNAME", scene->user);
        export(run, "USER", scene->user);
    }
    export(run, "RECIPIENT", scene->address);
    if (!scene->is_sent_anew)
        export(run, "ORIGINAL_RECIPIENT", scene->attempt->original);
    export(run, "LOCAL", scene->local_part);
    if (!str_is_empty(scene->domain))
        export(run, "DOMAIN", scene->domain);
    if (!str_is_empty(scene->extension))
        export(run, "EXTENSION", scene->extension);
    export(run, "SENDER", scene->sender);
    export_attributes(run);
    return command_environment_list(&run->environment);
}

/* ---- how it is started ---- */

/* What a shell is needed for; it also finds the commands that are named without a slash, its own among them. */
static bool needs_shell(struct str command, const struct strlist *words)
{
    return str_find_any(command, "!\"#$&'()*;<=>?[\\]^`{|}~\n") != STR_NOT_FOUND || words->count == 0 ||
           !str_contains_char(words->items[0], '/');
}

/* The words, and what follows them; last may be NULL. */
static const char **make_arguments(const struct run *run, const struct strlist *words, const char *last)
{
    const char **arguments = arena_new_array(run->arena, words->count + 2, const char *);

    for (size_t i = 0; i < words->count; i++)
        arguments[i] = arena_c(run->arena, words->items[i]);
    arguments[words->count] = last;
    return arguments;
}

static void split_command(struct run *run)
{
    struct str shell = run->scene->attempt->local->settings->local_command_shell;
    struct strlist words = strlist_split(run->arena, run->command, " \t\r\n");

    if (!str_is_empty(shell)) {
        /* "/some/where/smrsh -c": the command is its last argument. */
        words = strlist_split(run->arena, shell, " \t\r\n");
        run->arguments = make_arguments(run, &words, arena_c(run->arena, run->command));
    } else if (needs_shell(run->command, &words)) {
        run->program = _PATH_BSHELL;
        run->arguments = arena_new_array(run->arena, 4, const char *);
        run->arguments[0] = "sh";
        run->arguments[1] = "-c";
        run->arguments[2] = arena_c(run->arena, run->command);
    } else {
        run->arguments = make_arguments(run, &words, NULL);
    }
}

static bool choose_directory(const struct run *run, const char **directory_out, struct failure *why)
{
    const struct local_settings *settings = run->scene->attempt->local->settings;
    struct template_names names = scene_names(run->scene);
    struct str directory;

    *directory_out = NULL;
    if (str_is_empty(settings->command_execution_directory))
        return true;
    if (template_expand(settings->command_execution_directory, &names, settings->execution_directory_expansion_filter,
                        run->arena, &directory) == TEMPLATE_BAD)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "command_execution_directory has bad syntax");
    if (!str_is_empty(directory))
        *directory_out = arena_c(run->arena, directory);
    return true;
}

/* ---- what it reads ---- */

static bool write_message(struct stream *input, void *context, struct failure *why)
{
    struct run *run = context;
    struct content content;
    struct failure ignored;
    struct str piece;
    bool is_written = stream_write(input, run->head, &ignored);
    bool is_read = true;

    content_open(&content, run->scene->attempt->local->loop, run->scene->attempt->delivery->request);
    while (is_written && (is_read = content_next(&content, &piece, why)) && !str_is_empty(piece))
        is_written = stream_write(input, piece, &ignored);
    content_close(&content);
    return is_read;
}

static bool run_program(struct run *run, struct child_result *result_out, struct failure *why)
{
    const struct scene *scene = run->scene;
    gid_t group = scene->rights.gid;
    struct child_identity identity = { scene->rights.uid, scene->rights.gid, &group, 1 };
    struct child_command command = { .identity = &identity,
                                     .output_max = OUTPUT_MAX,
                                     .timeout = scene->attempt->local->settings->command_time_limit };
    const struct command_feed feed = { write_message, run };

    split_command(run);
    command.program = run->program;
    command.argv = run->arguments;
    command.environment = make_environment(run);
    return choose_directory(run, &command.directory, why) &&
           command_run(scene->attempt->local->loop, &command, &feed, run->arena, result_out, why);
}

/* ---- what its end means ---- */

static struct result of_end(const struct run *run, const struct child_result *end)
{
    struct command_end judged = command_end_judge(run->arena, end, run->command);
    struct result result;

    if (judged.dsn.class == 2)
        return result_make(run->scene->attempt, judged.dsn, "delivered to command: %.*s", STR_ARG(run->command));
    result = result_make(run->scene->attempt, judged.dsn, "%.*s", STR_ARG(judged.text));
    result.diagnostic = judged.diagnostic;
    return result;
}

struct result command_deliver(const struct scene *scene, struct str command)
{
    struct run run = { .scene = scene, .arena = scene->attempt->arena, .command = command };
    const struct local_settings *settings = scene->attempt->local->settings;
    struct message_envelope envelope;
    struct child_result end;
    struct failure why;
    unsigned form = MESSAGE_FROM_LINE;

    if (local_list_has(&settings->prepend_delivered_header, "command"))
        form |= MESSAGE_DELIVERED_TO;
    envelope = scene_envelope(scene);
    run.head = message_head(&envelope, form);
    if (!scene->has_rights || rights_are_roots(&scene->rights))
        return result_make(scene->attempt, DSN_STATUS(4, 3, 5),
                           "default_privs names no ordinary user, and a command is never run as root");
    if (attempt_is_trial(scene->attempt))
        return result_make(scene->attempt, DSN_STATUS(2, 0, 0), "delivers to command: %.*s", STR_ARG(command));
    if (!rights_check(&scene->rights, &why) || !run_program(&run, &end, &why))
        return result_make(scene->attempt, DSN_STATUS(4, 3, 0), "cannot run \"%.*s\": %s", STR_ARG(command), why.text);
    return of_end(&run, &end);
}
