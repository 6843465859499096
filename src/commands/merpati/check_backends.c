/* SPDX-License-Identifier: Apache-2.0 */
#include "config/layout.h"
#include "config/main_cf.h"
#include "log/log.h"
#include "merpati/check.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/privilege.h"
#include "os/system_socket.h"
#include "os/user.h"

#include <errno.h>
#include <sys/stat.h>

struct backends {
    const struct instance *instance;
    const struct layout_identity *identity;
    struct strlist overrides; /* of the service that is looked at */
    struct strlist told;      /* places that were looked at */
};

static struct str value_of(struct backends *backends, const char *parameter)
{
    struct arena *arena = backends->instance->arena;
    struct str name, value;
    struct failure ignored;

    for (size_t i = backends->overrides.count; i > 0; i--) {
        if (main_cf_split_assignment(backends->overrides.items[i - 1], &name, &value) &&
            str_equal(name, str_from_c(parameter)))
            return value;
    }
    return main_cf_value(backends->instance->main_cf, str_from_c(parameter), arena, &value, &ignored) ? value
                                                                                                      : STR_EMPTY;
}

static const char *owner_text(struct arena *arena, const struct stat *status)
{
    struct user_account user;
    struct user_group group;
    struct failure ignored;
    struct str user_name = arena_printf(arena, "%u", (unsigned) status->st_uid);
    struct str group_name = arena_printf(arena, "%u", (unsigned) status->st_gid);

    if (user_by_uid(arena, status->st_uid, &user, &ignored) == USER_FOUND)
        user_name = user.name;
    if (user_group_by_gid(arena, status->st_gid, &group, &ignored) == USER_FOUND)
        group_name = group.name;
    return arena_printf(arena, "%.*s:%.*s, mode %04o", STR_ARG(user_name), STR_ARG(group_name),
                        (unsigned) status->st_mode & 07777)
        .data;
}

/* As smtpd will, with its user's rights. */
static bool can_connect(const struct backends *backends, const char *path, struct failure *why)
{
    struct failure ignored;
    bool is_connected;
    int fd;

    if (backends->identity->is_root && !privilege_borrow(backends->identity->net_uid, backends->identity->net_gid, why))
        return false;
    is_connected = system_socket_try_connect_unix(path, &fd, why);
    if (is_connected)
        fd_close(&fd);
    if (backends->identity->is_root && !privilege_restore(&ignored))
        log_error("%s", ignored.text);
    return is_connected;
}

static void tell_trouble(const struct backends *backends, const char *parameter, const char *path,
                         const struct failure *why)
{
    const struct shared_settings *shared = backends->instance->shared;
    struct stat status;
    struct failure ignored;

    if (why->error == EACCES && file_stat(path, &status, &ignored))
        log_warning("%s: %.*s cannot connect to %s (%s): let the program that makes it use the group of %.*s and mode "
                    "0660, or mode 0666",
                    parameter, STR_ARG(shared->net_owner), path, owner_text(backends->instance->arena, &status),
                    STR_ARG(shared->net_owner));
    else if (why->error == EACCES)
        log_warning("%s: %.*s cannot reach %s: a directory above it is closed to it", parameter,
                    STR_ARG(shared->net_owner), path);
    else if (why->error == ENOENT || why->error == ECONNREFUSED)
        log_warning("%s: nobody listens at %s now", parameter, path);
    else
        log_warning("%s: %s", parameter, why->text);
}

static void check_path(struct backends *backends, const char *parameter, struct str path)
{
    struct arena *arena = backends->instance->arena;
    struct str queue = backends->instance->shared->queue_directory;
    struct failure why;
    const char *whole;

    if (str_starts_with(path, queue) && str_starts_with(str_from(path, queue.len), STR("/")))
        path = str_from(path, queue.len + 1);
    if (path.len == 0 || strlist_contains(&backends->told, path))
        return;
    strlist_add(&backends->told, arena, path);
    if (path.data[0] == '/' && backends->identity->is_root) {
        log_warning("%s: smtpd sees nothing but %.*s: it cannot reach %.*s", parameter, STR_ARG(queue), STR_ARG(path));
        return;
    }
    whole = path.data[0] == '/' ? arena_c(arena, path)
                                : arena_printf(arena, "%.*s/%.*s", STR_ARG(queue), STR_ARG(path)).data;
    if (!can_connect(backends, whole, &why))
        tell_trouble(backends, parameter, whole, &why);
}

static void check_auth_server(struct backends *backends)
{
    struct str path = value_of(backends, "smtpd_sasl_path");

    if (!str_equal_nocase(value_of(backends, "smtpd_sasl_auth_enable"), STR("yes")) ||
        !str_equal_nocase(value_of(backends, "smtpd_sasl_type"), STR("dovecot")) || str_starts_with(path, STR("inet:")))
        return;
    check_path(backends, "smtpd_sasl_path",
               str_starts_with(path, STR("unix:")) ? str_from(path, strlen("unix:")) : path);
}

static void check_milters(struct backends *backends)
{
    struct str value = value_of(backends, "smtpd_milters"), word;

    while (str_next_word(&value, " \t\r\n,{}", &word)) {
        if (str_starts_with(word, STR("unix:")) || str_starts_with(word, STR("local:")))
            check_path(backends, "smtpd_milters", str_from(word, str_find_char(word, ':') + 1));
    }
}

static void check_policy_services(struct backends *backends)
{
    static const char *const lists[] = {
        "smtpd_client_restrictions",      "smtpd_helo_restrictions",      "smtpd_sender_restrictions",
        "smtpd_relay_restrictions",       "smtpd_recipient_restrictions", "smtpd_data_restrictions",
        "smtpd_end_of_data_restrictions", "smtpd_etrn_restrictions",
    };

    for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
        struct str value = value_of(backends, lists[i]), word;
        bool is_service = false;

        while (str_next_word(&value, " \t\r\n,{}", &word)) {
            if (is_service && str_starts_with(word, STR("unix:")))
                check_path(backends, lists[i], str_from(word, strlen("unix:")));
            is_service = str_equal_nocase(word, STR("check_policy_service"));
        }
    }
}

void check_backends(const struct instance *instance, const struct layout_identity *identity)
{
    struct backends backends = { .instance = instance, .identity = identity };
    struct master_cf *file;
    struct failure told;

    if (!master_cf_load(instance->directory, instance->arena, &file, &told))
        return;
    for (size_t i = 0; i < file->count; i++) {
        const struct master_service *service = &file->services[i];

        if (!str_equal(service->fields[MASTER_FIELD_COMMAND], STR("smtpd")))
            continue;
        backends.overrides = master_service_overrides(service, instance->arena);
        check_auth_server(&backends);
        check_milters(&backends);
        check_policy_services(&backends);
    }
}
