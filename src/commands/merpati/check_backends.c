/* SPDX-License-Identifier: Apache-2.0 */
#include "config/layout.h"
#include "config/main_cf.h"
#include "config/sasl_service.h"
#include "log/log.h"
#include "merpati/check.h"
#include "merpati/dial.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/privilege.h"
#include "os/system_socket.h"
#include "os/user.h"

#include <errno.h>
#include <sys/stat.h>

enum { FILE_MAXIMUM = 1 << 20 };

/* Who connects, and with which rights. */
struct caller {
    const char *program;
    struct str user;
    uid_t uid;
    gid_t gid;
    bool sees_queue_only;
};

struct backends {
    const struct instance *instance;
    const struct layout_identity *identity;
    struct strlist overrides; /* of the service that is looked at */
    struct strlist told;      /* places that were looked at */
};

/* What "-o" says of it in the line of the service. */
static bool is_overridden(const struct backends *backends, const char *parameter, struct str *value_out)
{
    struct str name;

    for (size_t i = backends->overrides.count; i > 0; i--) {
        if (main_cf_split_assignment(backends->overrides.items[i - 1], &name, value_out) &&
            str_equal(name, str_from_c(parameter)))
            return true;
    }
    return false;
}

/* The parameter, with the line of main.cf where it stands. */
static const char *title(const struct backends *backends, const char *parameter)
{
    const struct main_cf_entry *entry = main_cf_find(backends->instance->main_cf, str_from_c(parameter));
    struct str ignored;

    if (entry == NULL || is_overridden(backends, parameter, &ignored))
        return parameter;
    return arena_printf(backends->instance->arena, "%.*s, line %u: %s", STR_ARG(entry->place.file), entry->place.line,
                        parameter)
        .data;
}

static struct str value_of(struct backends *backends, const char *parameter)
{
    struct arena *arena = backends->instance->arena;
    struct failure ignored;
    struct str value;

    if (is_overridden(backends, parameter, &value))
        return value;
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

static struct caller smtpd_of(const struct backends *backends)
{
    return (struct caller){ "smtpd", backends->instance->shared->net_owner, backends->identity->net_uid,
                            backends->identity->net_gid, backends->identity->is_root };
}

/* Connects to the milters of mail that does not come by SMTP. */
static struct caller proxymap_of(const struct backends *backends)
{
    return (struct caller){ "proxymap", backends->instance->shared->map_owner, backends->identity->map_uid,
                            backends->identity->map_gid, false };
}

/* As the service will, with its user's rights. is_closed_out: it does not even get to path. */
static bool can_connect(const struct backends *backends, const struct caller *caller, const char *path,
                        bool *is_closed_out, struct failure *why)
{
    struct privilege_groups groups;
    struct failure ignored;
    struct stat status;
    bool is_connected;
    int fd;

    layout_service_groups(backends->identity, caller->user, caller->gid, &groups);
    if (backends->identity->is_root && !privilege_borrow_groups(caller->uid, caller->gid, &groups, why))
        return false;
    is_connected = system_socket_try_connect_unix(path, &fd, why);
    if (is_connected)
        fd_close(&fd);
    *is_closed_out = !is_connected && why->error == EACCES && !file_stat(path, &status, &ignored);
    if (backends->identity->is_root && !privilege_restore(&ignored))
        log_error("%s", ignored.text);
    return is_connected;
}

static void tell_trouble(const struct backends *backends, const struct caller *caller, const char *parameter,
                         const char *path, bool is_closed, const struct failure *why)
{
    struct stat status;
    struct failure ignored;

    if (is_closed)
        log_warning("%s: %.*s cannot reach %s: a directory above it is closed to it", parameter, STR_ARG(caller->user),
                    path);
    else if (why->error == EACCES && file_stat(path, &status, &ignored))
        log_warning("%s: %.*s cannot connect to %s (%s): let the program that makes it use the group of %.*s and mode "
                    "0660, or put %.*s into the socket's group (adduser) and restart",
                    parameter, STR_ARG(caller->user), path, owner_text(backends->instance->arena, &status),
                    STR_ARG(caller->user), STR_ARG(caller->user));
    else if (why->error == ENOENT || why->error == ECONNREFUSED)
        log_warning("%s: nobody listens at %s now", parameter, path);
    else
        log_warning("%s: %s", parameter, why->text);
}

/* Each place once: another caller may have other rights to it. */
static bool is_new(struct backends *backends, const struct caller *caller, struct str place)
{
    struct arena *arena = backends->instance->arena;
    struct str mark = arena_printf(arena, "%s %.*s", caller->program, STR_ARG(place));

    if (place.len == 0 || strlist_contains(&backends->told, mark))
        return false;
    strlist_add(&backends->told, arena, mark);
    return true;
}

static void check_path(struct backends *backends, const struct caller *caller, const char *parameter, struct str path)
{
    struct arena *arena = backends->instance->arena;
    struct str queue = backends->instance->shared->queue_directory;
    struct failure why;
    const char *whole;
    bool is_closed = false;

    if (str_starts_with(path, queue) && str_starts_with(str_from(path, queue.len), STR("/")))
        path = str_from(path, queue.len + 1);
    if (!is_new(backends, caller, path))
        return;
    if (path.data[0] == '/' && caller->sees_queue_only) {
        log_warning("%s: %s sees nothing but %.*s: it cannot reach %.*s", parameter, caller->program, STR_ARG(queue),
                    STR_ARG(path));
        return;
    }
    whole = path.data[0] == '/' ? arena_c(arena, path)
                                : arena_printf(arena, "%.*s/%.*s", STR_ARG(queue), STR_ARG(path)).data;
    if (!can_connect(backends, caller, whole, &is_closed, &why))
        tell_trouble(backends, caller, parameter, whole, is_closed, &why);
}

/* "host:port", "[::1]:port", "port": of this host. */
static void check_host(struct backends *backends, const struct caller *caller, const char *parameter, struct str place)
{
    size_t colon = str_find_last_char(place, ':');
    struct str host = colon == STR_NOT_FOUND ? STR_EMPTY : str_part(place, 0, colon);
    struct failure why;
    unsigned port;

    if (!is_new(backends, caller, arena_printf(backends->instance->arena, "inet:%.*s", STR_ARG(place))))
        return;
    if (str_starts_with(host, STR("[")) && str_ends_with(host, STR("]")))
        host = str_part(host, 1, host.len - 2);
    if (!system_socket_parse_port(colon == STR_NOT_FOUND ? place : str_from(place, colon + 1), &port))
        log_warning("%s: inet:%.*s: no port of that name", parameter, STR_ARG(place));
    else if (dial_host(host.len > 0 ? host : STR("localhost"), port, &why))
        return;
    else if (why.error == ECONNREFUSED)
        log_warning("%s: nobody listens at inet:%.*s now", parameter, STR_ARG(place));
    else
        log_warning("%s: cannot connect to inet:%.*s: %s", parameter, STR_ARG(place), why.text);
}

/* "unix:path", "inet:host:port"; nothing else is a place. */
static void check_place(struct backends *backends, const struct caller *caller, const char *parameter, struct str place)
{
    struct str type, rest;

    if (!str_cut(place, ':', &type, &rest))
        return;
    if (str_equal(type, STR("unix")) || str_equal(type, STR("local")))
        check_path(backends, caller, parameter, rest);
    else if (str_equal(type, STR("inet")))
        check_host(backends, caller, parameter, rest);
}

/* ---- Cyrus SASL's files ---- */

/* "saslauthd_path: /run/saslauthd/mux". */
static struct str value_in(struct str text, const char *name)
{
    struct str line, key, value;
    bool has_more;

    do {
        has_more = str_cut(text, '\n', &line, &text);
        if (str_cut(line, ':', &key, &value) && str_equal(str_trim(key), str_from_c(name)))
            return str_trim(value);
    } while (has_more);
    return STR_EMPTY;
}

/* Where it listens for the world outside of a chroot; one that listens in a chroot is to be named. */
static void check_saslauthd(struct backends *backends, const char *file, struct str place)
{
    struct arena *arena = backends->instance->arena;
    const char *path = place.len > 0 ? arena_c(arena, place) : "/var/run/saslauthd/mux";
    struct str owner = backends->instance->shared->sasl_owner;
    struct caller sasl = { "sasl", owner, 0, 0, false };
    struct user_account account;
    struct failure why;
    bool is_closed;

    if (!is_new(backends, &sasl, str_from_c(path)) || user_by_name(arena, owner, &account, &why) != USER_FOUND)
        return;
    sasl.uid = account.uid;
    sasl.gid = account.gid;
    if (can_connect(backends, &sasl, path, &is_closed, &why))
        return;
    if (why.error == EACCES)
        log_warning("%s: %.*s cannot connect to saslauthd at %s: nobody can log in; on Debian: adduser %.*s sasl", file,
                    STR_ARG(owner), path, STR_ARG(owner));
    else if (why.error == ENOENT || why.error == ECONNREFUSED)
        log_warning("%s: saslauthd does not listen at %s now: nobody can log in; if it has its socket elsewhere "
                    "(saslauthd -m DIR), add \"saslauthd_path: DIR/mux\"",
                    file, path);
    else
        log_warning("%s: saslauthd: %s", file, why.text);
}

static void check_file(struct backends *backends, const char *file)
{
    struct failure ignored;
    struct strbuf text;
    struct str methods, method;

    strbuf_init(&text, FILE_MAXIMUM);
    if (file_load(file, &text, &ignored)) {
        methods = value_in(strbuf_str(&text), "pwcheck_method");
        while (str_next_word(&methods, " \t\r", &method)) {
            if (str_equal(method, STR("saslauthd")))
                check_saslauthd(backends, file, value_in(strbuf_str(&text), "saslauthd_path"));
        }
    }
    strbuf_done(&text);
}

/* Without a file the library has defaults of its own, which are seldom what is meant. */
static void check_application(struct backends *backends, struct str name)
{
    const struct instance *instance = backends->instance;
    struct arena *arena = instance->arena;
    struct str directories = sasl_service_directories(value_of(backends, "cyrus_sasl_config_path"),
                                                      instance->shared->config_directory, arena);
    struct str rest = directories, directory;
    struct failure ignored;
    struct stat status;
    const char *file;
    bool has_more;

    if (!sasl_service_is_application(name)) {
        log_warning("%s: \"%.*s\" is no name of a Cyrus SASL configuration file: nobody can log in; a path "
                    "is for smtpd_sasl_type = dovecot",
                    title(backends, "smtpd_sasl_path"), STR_ARG(name));
        return;
    }
    do {
        has_more = str_cut(rest, ':', &directory, &rest);
        file = arena_printf(arena, "%.*s/%.*s.conf", STR_ARG(directory), STR_ARG(name)).data;
        if (file_stat(file, &status, &ignored)) {
            check_file(backends, file);
            return;
        }
    } while (has_more);
    log_warning("%s: there is no %.*s.conf in %.*s: Cyrus SASL takes its defaults, users of /etc/sasldb2; "
                "see docs/sasl.md",
                title(backends, "smtpd_sasl_path"), STR_ARG(name), STR_ARG(directories));
}

static void check_auth_server(struct backends *backends)
{
    struct caller smtpd = smtpd_of(backends);
    struct str path = value_of(backends, "smtpd_sasl_path");

    if (!str_equal_nocase(value_of(backends, "smtpd_sasl_auth_enable"), STR("yes")))
        return;
    if (!str_equal_nocase(value_of(backends, "smtpd_sasl_type"), STR("dovecot"))) {
        if (is_new(backends, &smtpd, path))
            check_application(backends, path);
        return;
    }
    if (str_starts_with(path, STR("inet:")) || str_starts_with(path, STR("unix:")))
        check_place(backends, &smtpd, title(backends, "smtpd_sasl_path"), path);
    else
        check_path(backends, &smtpd, title(backends, "smtpd_sasl_path"), path);
}

static void check_milters(struct backends *backends, const struct caller *caller, const char *parameter)
{
    struct str value = value_of(backends, parameter), word;

    while (str_next_word(&value, " \t\r\n,{}", &word))
        check_place(backends, caller, title(backends, parameter), word);
}

static void check_policy_services(struct backends *backends)
{
    static const char *const lists[] = {
        "smtpd_client_restrictions",      "smtpd_helo_restrictions",      "smtpd_sender_restrictions",
        "smtpd_relay_restrictions",       "smtpd_recipient_restrictions", "smtpd_data_restrictions",
        "smtpd_end_of_data_restrictions", "smtpd_etrn_restrictions",
    };

    struct caller smtpd = smtpd_of(backends);

    for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
        struct str value = value_of(backends, lists[i]), word;
        bool is_service = false;

        while (str_next_word(&value, " \t\r\n,{}", &word)) {
            if (is_service)
                check_place(backends, &smtpd, title(backends, lists[i]), word);
            is_service = str_equal_nocase(word, STR("check_policy_service"));
        }
    }
}

static void check_service(struct backends *backends, const struct master_service *service)
{
    struct caller smtpd = smtpd_of(backends), proxymap = proxymap_of(backends);

    backends->overrides = master_service_overrides(service, backends->instance->arena);
    check_milters(backends, &proxymap, "non_smtpd_milters");
    if (!str_equal(service->fields[MASTER_FIELD_COMMAND], STR("smtpd")))
        return;
    check_auth_server(backends);
    check_milters(backends, &smtpd, "smtpd_milters");
    check_policy_services(backends);
}

void check_backends(const struct instance *instance, const struct layout_identity *identity)
{
    struct backends backends = { .instance = instance, .identity = identity };
    struct master_cf *file;
    struct failure told;

    if (!master_cf_load(instance->directory, instance->arena, &file, &told))
        return;
    for (size_t i = 0; i < file->count; i++)
        check_service(&backends, &file->services[i]);
}
