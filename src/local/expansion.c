/* SPDX-License-Identifier: Apache-2.0 */
#include "local/expansion.h"

#include "base/strbuf.h"
#include "local/command.h"
#include "local/file_delivery.h"
#include "local/recipient.h"
#include "local/resolving.h"
#include "log/log.h"
#include "mail/address.h"
#include "os/fd.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>

enum { INCLUDE_MAX = 16 * 1024 * 1024 };

PRINTF_LIKE(3, 4) static void fail(const struct scene *scene, struct dsn_status dsn, const char *format, ...)
{
    struct result result;
    va_list args;

    va_start(args, format);
    result = result_make_list(scene->attempt, dsn, format, args);
    va_end(args);
    scene_add(scene, &result);
}

/* ---- addresses ---- */

static struct str with_extension(const struct scene *scene, struct str address)
{
    struct str local = address_local(address);
    struct str rest = str_from(address, local.len);

    if (str_is_empty(scene->propagated))
        return address;
    return arena_printf(scene->attempt->arena, "%.*s%.*s%.*s", STR_ARG(local), STR_ARG(scene->propagated),
                        STR_ARG(rest));
}

static void deliver_resolved(const struct scene *scene, const struct resolved_address *resolved)
{
    struct attempt *attempt = scene->attempt;
    struct scene *inner;

    switch (resolved->status) {
    case RESOLVE_DEFER:
        fail(scene, DSN_STATUS(4, 3, 0), "address resolver failure");
        return;
    case RESOLVE_ERROR:
        fail(scene, DSN_STATUS(5, 1, 3), "bad recipient address syntax: %.*s", STR_ARG(resolved->recipient));
        return;
    default:
        break;
    }
    if (resolved->address_class == RESOLVE_LOCAL &&
        str_equal(resolved->transport, str_from_c(daemon_service(attempt->local->daemon)))) {
        inner = scene_enter(scene, resolved->recipient);
        inner->depth++;
        recipient_deliver(inner);
        return;
    }
    scene_resubmit(scene, resolved->recipient, STR_EMPTY);
}

static void deliver_address(const struct scene *scene, struct str address)
{
    struct attempt *attempt = scene->attempt;
    const struct resolved_address *resolved;
    struct failure why;

    if (resolving_find(attempt, scene->sender, with_extension(scene, address), &resolved, &why))
        deliver_resolved(scene, resolved);
    else if (why.kind == FAILURE_PERMANENT)
        fail(scene, DSN_STATUS(5, 1, 3), "%s", why.text);
    else
        fail(scene, DSN_STATUS(4, 3, 0), "cannot resolve address %.*s: %s", STR_ARG(address), why.text);
}

PRINTF_LIKE(3, 4)
static void fail_configuration(const struct scene *scene, struct dsn_status dsn, const char *format, ...)
{
    char text[1000];
    va_list args;

    va_start(args, format);
    (void) vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_warning("%s", text);
    fail(scene, dsn, "mail system configuration error");
}

/* ---- commands and files ---- */

static void deliver_command(const struct scene *scene, struct str command)
{
    struct attempt *attempt = scene->attempt;
    struct result result;

    if (!attempt_is_new(attempt, "command", scene->rights.uid, command))
        return;
    if (!local_list_has(&attempt->local->settings->allow_mail_to_commands, scene_word(scene))) {
        fail(scene, DSN_STATUS(5, 7, 1), "mail to command is restricted");
        return;
    }
    result = command_deliver(scene, command);
    scene_add_delivery(scene, &result);
}

static void deliver_file(const struct scene *scene, struct str path)
{
    struct attempt *attempt = scene->attempt;
    struct mailbox_place place = { .path = path, .owner = scene->rights, .is_user_named = true };
    struct result result;
    struct failure why;

    if (!attempt_is_new(attempt, "file", scene->rights.uid, path))
        return;
    if (!local_list_has(&attempt->local->settings->allow_mail_to_files, scene_word(scene))) {
        result = result_make(attempt, DSN_STATUS(5, 7, 1), "mail to file is restricted");
        scene_add_delivery(scene, &result);
        return;
    }
    if (!scene->has_rights) {
        fail(scene, DSN_STATUS(4, 3, 5), "default_privs names no ordinary user, and a file is never written as root");
        return;
    }
    if (!rights_check(&scene->rights, &why)) {
        fail(scene, DSN_STATUS(4, 3, 0), "cannot write %.*s: %s", STR_ARG(path), why.text);
        return;
    }
    result = file_deliver(scene, &place);
    scene_add_delivery(scene, &result);
}

static void deliver_home_file(const struct scene *scene, struct str path)
{
    if (!str_starts_with(path, STR("~/")))
        fail_configuration(scene, DSN_STATUS(5, 3, 5), "bad home directory syntax for: %.*s", STR_ARG(path));
    else if (scene->owner == NULL || str_is_empty(scene->owner->home))
        fail_configuration(scene, DSN_STATUS(5, 3, 5), "unknown home directory for: %.*s", STR_ARG(path));
    else
        deliver_file(scene, arena_printf(scene->attempt->arena, "%.*s%.*s", STR_ARG(scene->owner->home),
                                         STR_ARG(str_from(path, 1))));
}

/* ---- :include: files ---- */

/* Read with the rights of whose list it stands in; in a list of root's its owner need not let all the world read it. */
static bool read_include(const struct scene *scene, const char *path, struct strbuf *text, struct stat *status_out,
                         struct failure *why)
{
    int fd = -1;
    bool is_read;

    if (scene->is_somebodys && !rights_take(&scene->rights, why))
        return false;
    is_read = file_open(path, O_RDONLY | O_NONBLOCK, 0, &fd, why) && file_stat_fd(fd, path, status_out, why) &&
              (!S_ISREG(status_out->st_mode) || file_load_fd(fd, path, text, why));
    if (scene->is_somebodys)
        rights_return(&scene->rights);
    fd_close(&fd);
    return is_read;
}

/* The members, as the user who owns the list if it stands in one of root's. */
static void enter_include(const struct scene *scene, struct str path, const struct stat *status, struct str text)
{
    struct attempt *attempt = scene->attempt;
    struct destination_list list = { 0 };
    struct scene *inner = scene_enter(scene, scene->address);
    struct failure why;

    inner->depth++;
    attempt->expansions++;
    inner->kind = SCENE_INCLUDE;
    inner->expanding = path;
    inner->is_included = true;
    if (local_list_has(&attempt->local->settings->propagate_unmatched_extensions, "include"))
        inner->propagated = scene->propagated;
    if (!scene->is_somebodys && status->st_uid != 0 && !scene_take_owner(inner, status->st_uid, &why)) {
        log_warning("%s", why.text);
        fail_configuration(scene, DSN_STATUS(4, 3, 5), "%.*s: cannot find :include: file owner username",
                           STR_ARG(path));
        return;
    }
    destination_parse_file(&list, attempt->arena, text);
    expansion_add(inner, &list);
}

static void deliver_include(const struct scene *scene, struct str path)
{
    struct attempt *attempt = scene->attempt;
    struct stat status;
    struct strbuf text;
    struct failure why;

    if (!str_starts_with(path, STR("/"))) {
        fail_configuration(scene, DSN_STATUS(5, 3, 5), ":include:%.*s uses a relative path", STR_ARG(path));
        return;
    }
    /* Once in a delivery, as every destination: one that includes itself ends with that. */
    if (!attempt_is_new(attempt, "include", scene->rights.uid, path) || scene_is_loop(scene))
        return;
    strbuf_init(&text, INCLUDE_MAX);
    if (!read_include(scene, arena_c(attempt->arena, path), &text, &status, &why)) {
        log_warning("%s file %.*s: %s", why.error == ENOENT ? "unable to lookup :include:" : "cannot open include",
                    STR_ARG(path), strerror(why.error));
        fail(scene, DSN_STATUS(4, 3, 0), "cannot open include file %.*s: %s", STR_ARG(path), why.text);
    } else if (!S_ISREG(status.st_mode)) {
        fail_configuration(scene, DSN_STATUS(5, 3, 5), ":include: file %.*s is not a regular file", STR_ARG(path));
    } else if ((status.st_mode & S_IWOTH) != 0) {
        fail_configuration(scene, DSN_STATUS(5, 3, 5), ":include: file %.*s is world writable", STR_ARG(path));
    } else {
        enter_include(scene, path, &status, strbuf_str(&text));
    }
    strbuf_done(&text);
}

/* ---- one after the other ---- */

static void deliver_destination(const struct scene *scene, const struct destination *destination)
{
    static const struct {
        enum destination_kind kind;
        void (*deliver)(const struct scene *scene, struct str text);
    } ways[] = {
        { DESTINATION_ADDRESS, deliver_address }, { DESTINATION_COMMAND, deliver_command },
        { DESTINATION_FILE, deliver_file },       { DESTINATION_HOME_FILE, deliver_home_file },
        { DESTINATION_INCLUDE, deliver_include },
    };

    if (destination->kind == DESTINATION_BAD)
        fail(scene, DSN_STATUS(5, 1, 3), "%.*s", STR_ARG(destination->text));
    for (size_t i = 0; i < ARRAY_COUNT(ways); i++) {
        if (ways[i].kind == destination->kind)
            ways[i].deliver(scene, destination->text);
    }
}

void expansion_add(const struct scene *scene, const struct destination_list *list)
{
    struct attempt *attempt = scene->attempt;
    struct expansion *expansion = arena_new(attempt->arena, struct expansion);

    *expansion = (struct expansion){ .scene = scene, .list = *list, .outer = attempt->expansion };
    attempt->expansion = expansion;
}

void expansion_run(struct attempt *attempt)
{
    struct expansion *innermost;

    while ((innermost = attempt->expansion) != NULL) {
        if (innermost->next == innermost->list.count)
            attempt->expansion = innermost->outer;
        else
            deliver_destination(innermost->scene, &innermost->list.items[innermost->next++]);
    }
}
