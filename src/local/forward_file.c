/* SPDX-License-Identifier: Apache-2.0 */
#include "local/forward_file.h"

#include "base/strbuf.h"
#include "local/destination.h"
#include "local/expansion.h"
#include "log/log.h"
#include "os/fd.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>

enum { FORWARD_MAX = 1024 * 1024 };

enum found {
    FORWARD_ABSENT,
    FORWARD_READ,
    FORWARD_UNKNOWN,
};

/* What keeps a file from being there for us, as against a trouble that passes. */
static bool means_absent(const char *path, int error)
{
    if (error == ELOOP)
        log_warning("file %s is not a regular file", path);
    if (error == EACCES)
        log_warning("cannot open file %s: %s", path, strerror(error));
    return error == ENOENT || error == ENOTDIR || error == EACCES || error == ELOOP || error == ENAMETOOLONG;
}

static enum found read_open(const struct rights *rights, int fd, const char *path, struct strbuf *text,
                            struct failure *why)
{
    struct stat status;

    if (!file_stat_fd(fd, path, &status, why))
        return FORWARD_UNKNOWN;
    if (!S_ISREG(status.st_mode)) {
        log_warning("file %s is not a regular file", path);
        return FORWARD_ABSENT;
    }
    if (status.st_uid != 0 && status.st_uid != rights->uid) {
        log_warning("file %s has bad owner uid %u", path, (unsigned) status.st_uid);
        return FORWARD_ABSENT;
    }
    if ((status.st_mode & S_IWOTH) != 0) {
        log_warning("file %s is world writable", path);
        return FORWARD_ABSENT;
    }
    return file_load_fd(fd, path, text, why) ? FORWARD_READ : FORWARD_UNKNOWN;
}

/*
 * Asked with the rights that the process has: most users have none, and need not be acted as to see that. Whatever else
 * the answer may be, the user's own rights decide.
 */
static bool is_not_there(const char *path)
{
    struct stat status;
    struct failure why;

    return !file_stat_link(path, &status, &why) && why.error == ENOENT;
}

static enum found read_file(const struct rights *rights, const char *path, struct strbuf *text, struct failure *why)
{
    enum found found;
    int fd = -1;

    if (is_not_there(path))
        return FORWARD_ABSENT;
    if (!rights_take(rights, why))
        return FORWARD_UNKNOWN;
    if (file_open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0, &fd, why))
        found = read_open(rights, fd, path, text, why);
    else
        found = means_absent(path, why->error) ? FORWARD_ABSENT : FORWARD_UNKNOWN;
    rights_return(rights);
    fd_close(&fd);
    return found;
}

static void deliver_list(const struct scene *scene, const struct destination_list *list, struct str path,
                         bool has_used_extension)
{
    struct attempt *attempt = scene->attempt;
    struct scene *inner = scene_enter(scene, scene->address);

    attempt->is_expanded = true;
    attempt->expansions++;
    inner->kind = SCENE_FORWARD;
    inner->expanding = path;
    inner->forwarder = scene->account;
    if (rights_are_roots(&inner->rights)) {
        inner->rights = attempt->local->default_rights;
        inner->has_rights = attempt->local->has_default_rights;
    }
    if (!has_used_extension && local_list_has(&attempt->local->settings->propagate_unmatched_extensions, "forward"))
        inner->propagated = str_from(scene->local_part, scene->user.len);
    expansion_add(inner, list);
}

static void fail(const struct scene *scene, struct dsn_status dsn, const char *text)
{
    struct result result = result_make(scene->attempt, dsn, "%s", text);

    scene_add(scene, &result);
}

static void add_result(const struct scene *scene, struct dsn_status dsn, const char *text, struct str path)
{
    struct result result = result_make(scene->attempt, dsn, "%s%.*s", text, STR_ARG(path));

    scene_add(scene, &result);
}

/* One place of forward_path. True: it settled the matter, *is_done_out says whether mail was delivered by it. */
static bool try_place(const struct scene *scene, struct str place, bool *is_done_out)
{
    struct attempt *attempt = scene->attempt;
    struct template_names names = scene_names(scene);
    struct destination_list list = { 0 };
    struct strbuf text;
    struct failure why;
    struct str path;
    bool is_settled = true;

    *is_done_out = true;
    switch (template_expand(place, &names, attempt->local->settings->forward_expansion_filter, attempt->arena, &path)) {
    case TEMPLATE_UNDEFINED:
        return false;
    case TEMPLATE_BAD:
        fail(scene, DSN_STATUS(4, 3, 5), "mail system configuration error: forward_path has bad syntax");
        return true;
    case TEMPLATE_OK:
        break;
    }
    strbuf_init(&text, FORWARD_MAX);
    switch (read_file(&scene->rights, arena_c(attempt->arena, path), &text, &why)) {
    case FORWARD_ABSENT:
        is_settled = false;
        break;
    case FORWARD_UNKNOWN:
        fail(scene, DSN_STATUS(4, 3, 0), why.text);
        break;
    case FORWARD_READ:
        destination_parse_file(&list, attempt->arena, strbuf_str(&text));
        /* Inside of itself it means the mailbox; elsewhere in the same delivery it was followed already. */
        *is_done_out = list.count > 0 && !scene_is_inside(scene, SCENE_FORWARD, path);
        if (!*is_done_out || !attempt_is_new(attempt, "forward", scene->rights.uid, path))
            break;
        if (attempt_is_probe(attempt))
            add_result(scene, DSN_STATUS(2, 0, 0), "forward via file: ", path);
        else
            deliver_list(scene, &list, path, str_find(place, STR("extension")) != STR_NOT_FOUND);
        break;
    }
    strbuf_done(&text);
    return is_settled;
}

bool forward_file_deliver(const struct scene *scene)
{
    struct str rest = scene->attempt->local->settings->forward_path;
    struct str place;
    bool is_done;

    while (table_list_next_word(&rest, ", \t\r\n", &place)) {
        if (try_place(scene, place, &is_done))
            return is_done;
    }
    return false;
}
