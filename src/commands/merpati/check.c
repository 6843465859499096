/* SPDX-License-Identifier: Apache-2.0 */
#include "merpati/check.h"

#include "config/drop_ins.h"
#include "config/layout.h"
#include "config/master_cf.h"
#include "config/own_addresses.h"
#include "config/programs.h"
#include "config/service_lines.h"
#include "log/log.h"
#include "mail/domain.h"
#include "os/directory.h"
#include "os/file.h"
#include "os/user.h"
#include "spool/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <unistd.h>

struct check {
    const struct instance *instance;
    struct layout_identity identity;
    bool has_identity;
    bool has_programs;
    bool has_protocols; /* or the check of parameters said so: no place and no address can be told */
    bool is_wrong;
};

static const char *path_of(const struct instance *instance, struct str directory, const char *name)
{
    return arena_c(instance->arena, arena_printf(instance->arena, "%.*s/%s", STR_ARG(directory), name));
}

static void check_service(struct check *check, const struct master_service *service)
{
    struct str name = service->fields[MASTER_FIELD_NAME], command = service->fields[MASTER_FIELD_COMMAND];
    const char *type = master_service_type_name(service->type);
    const struct program *program = program_find(command);

    if (program == NULL)
        log_warning("%.*s, line %u: service %.*s/%s: there is no program %.*s: the service is not started",
                    STR_ARG(service->file), service->line, STR_ARG(name), type, STR_ARG(command));
    else if (program->state == PROGRAM_LATER)
        log_warning(
            "%.*s, line %u: service %.*s/%s: program %s is not part of this version: the service is not started",
            STR_ARG(service->file), service->line, STR_ARG(name), type, program->name);
    else if (program->state == PROGRAM_ELSEWHERE)
        log_warning("%.*s, line %u: service %.*s/%s is not needed: %s", STR_ARG(service->file), service->line,
                    STR_ARG(name), type, program->remark);
    else if (program->state == PROGRAM_REFUSED) {
        log_error("%.*s, line %u: service %.*s/%s: program %s: %s", STR_ARG(service->file), service->line,
                  STR_ARG(name), type, program->name, program->remark);
        check->is_wrong = true;
    } else if (check->has_programs &&
               access(path_of(check->instance, check->instance->shared->daemon_directory, program->name), X_OK) < 0) {
        log_error("%.*s, line %u: service %.*s/%s: program %s is not in daemon_directory (%.*s)",
                  STR_ARG(service->file), service->line, STR_ARG(name), type, program->name,
                  STR_ARG(check->instance->shared->daemon_directory));
        check->is_wrong = true;
    }
}

bool check_is_disabled(const struct instance *instance, const struct master_service *service)
{
    struct arena *arena = instance->arena;
    struct strlist words = { 0 };
    struct failure ignored;
    struct str text;

    if (main_cf_value(instance->main_cf, STR("master_service_disable"), arena, &text, &ignored))
        words = main_cf_words(text, arena);
    return master_service_is_disabled(service, &words);
}

/* A host or a port that nobody knows, a word too many; it stops a start. */
static bool check_line(const struct check *check, const struct master_service *service)
{
    struct failure why;

    if (check_is_disabled(check->instance, service) || service_line_is_sound(check->instance->shared, service, &why))
        return true;
    log_error("%s", why.text);
    return false;
}

bool check_lines(const struct instance *instance, const struct master_cf *file)
{
    struct master_service *enabled = arena_new_array(instance->arena, file->count + 1, struct master_service);
    struct failure why;
    size_t count = 0;

    for (size_t i = 0; i < file->count; i++) {
        if (!check_is_disabled(instance, &file->services[i]))
            enabled[count++] = file->services[i];
    }
    if (service_lines_are_sound(instance->shared, enabled, count, &why))
        return true;
    log_error("%s", why.text);
    return false;
}

static void check_programs(struct check *check)
{
    struct failure why;

    check->has_programs = instance_has_programs(check->instance, &why);
    if (check->has_programs)
        return;
    log_error("%s", why.text);
    check->is_wrong = true;
}

static void check_services(struct check *check)
{
    struct master_cf *file;
    bool is_sound = true;
    struct failure why;

    if (!master_cf_load(check->instance->directory, check->instance->arena, &file, &why)) {
        log_error("%s", why.text);
        check->is_wrong = true;
        return;
    }
    for (size_t i = 0; i < file->warnings.count; i++)
        log_warning("%.*s", STR_ARG(file->warnings.items[i]));
    for (size_t i = 0; i < file->count; i++)
        check_service(check, &file->services[i]);
    for (size_t i = 0; check->has_protocols && i < file->count; i++)
        is_sound = check_line(check, &file->services[i]) && is_sound;
    if (check->instance->shared != NULL)
        check_commands(check->instance, file);
    if (!is_sound || (check->has_protocols && !check_lines(check->instance, file)))
        check->is_wrong = true;
    check_companions(check->instance, file);
    check_values(check->instance, file);
    check_words(check->instance, file);
}

static void check_users(struct check *check)
{
    struct failure why;

    check->has_identity = layout_identity_find(check->instance->shared, &check->identity, &why);
    if (check->has_identity)
        return;
    log_error("%s", why.text);
    check->is_wrong = true;
}

static void check_reachable(struct check *check, struct str path)
{
    struct failure why;

    if (layout_is_reachable(path, &check->identity, &why))
        return;
    log_error("%s", why.text);
    check->is_wrong = true;
}

static struct str user_text(struct arena *arena, uid_t uid)
{
    struct user_account user;
    struct failure ignored;

    return user_by_uid(arena, uid, &user, &ignored) == USER_FOUND ? user.name
                                                                  : arena_printf(arena, "%u", (unsigned) uid);
}

static struct str group_text(struct arena *arena, gid_t gid)
{
    struct user_group group;
    struct failure ignored;

    return user_group_by_gid(arena, gid, &group, &ignored) == USER_FOUND ? group.name
                                                                         : arena_printf(arena, "%u", (unsigned) gid);
}

/* uid and gid: -1 if any will do. */
static void compare(const struct check *check, const char *path, mode_t mode, uid_t uid, gid_t gid,
                    const struct stat *status)
{
    struct arena *arena = check->instance->arena;

    if (!S_ISDIR(status->st_mode))
        log_warning("%s is not a directory", path);
    if ((status->st_mode & 07777) != mode)
        log_warning(
            "%s has mode %04o, which should be %04o: \"merpati set-permissions\" or the next start puts it right", path,
            (unsigned) status->st_mode & 07777, (unsigned) mode);
    if ((uid != (uid_t) -1 && status->st_uid != uid) || (gid != (gid_t) -1 && status->st_gid != gid))
        log_warning(
            "%s is owned by %.*s:%.*s, which should be %.*s:%.*s: \"merpati set-permissions\" or the next start "
            "puts it right",
            path, STR_ARG(user_text(arena, status->st_uid)), STR_ARG(group_text(arena, status->st_gid)),
            STR_ARG(user_text(arena, uid)), STR_ARG(group_text(arena, gid)));
}

static void check_directory(const struct check *check, const char *path, mode_t mode, uid_t uid, gid_t gid)
{
    struct stat status;
    struct failure why;

    if (file_stat_link(path, &status, &why))
        compare(check, path, mode, uid, gid, &status);
    else if (why.error == ENOENT)
        log_warning("%s is missing: \"merpati set-permissions\" or the next start makes it", path);
    else
        log_warning("%s", why.text);
}

/* What is looked at of what lies in a folder of the queue. */
struct look {
    const char *folder;
    bool (*is_meant)(const char *name, unsigned char type);
    const char *cure;
};

static bool is_regular(const char *name, unsigned char type)
{
    (void) name;
    return type == DT_REG;
}

static bool is_hash_folder(const char *name, unsigned char type)
{
    return type == DT_DIR && spool_is_hash_folder(name);
}

static bool is_socket(const char *name, unsigned char type)
{
    (void) name;
    return type == DT_SOCK || type == DT_FIFO;
}

/* What a restore without owners left wrong below; the files of messages are too many to look at. One stands for all. */
static void check_owners_in(const struct check *check, const struct look *look)
{
    CLEANUP(directory_discard) struct directory *directory = NULL;
    struct arena *arena = check->instance->arena;
    const char *path = path_of(check->instance, check->instance->shared->queue_directory, look->folder);
    const char *entry;
    unsigned char type;
    struct stat status;
    struct failure ignored;

    if (!directory_open(AT_FDCWD, path, &directory, &ignored))
        return;
    while (directory_next(directory, &entry, &type)) {
        if (look->is_meant(entry, type) && file_stat_at(directory_fd(directory), entry, &status, &ignored) &&
            status.st_uid != check->identity.mail_uid) {
            log_warning("%s/%s is owned by %.*s, which should be %.*s: %s puts it and the like right", path, entry,
                        STR_ARG(user_text(arena, status.st_uid)), STR_ARG(user_text(arena, check->identity.mail_uid)),
                        look->cure);
            return;
        }
    }
}

static bool are_all_missing(struct check *check)
{
    struct stat status;
    struct failure why;

    for (const struct layout_directory *row = layout_directories; row->name != NULL; row++) {
        if (file_stat_link(path_of(check->instance, check->instance->shared->queue_directory, row->name), &status,
                           &why) ||
            why.error != ENOENT)
            return false;
    }
    return true;
}

static void check_directories(struct check *check)
{
    const struct shared_settings *shared = check->instance->shared;
    const struct layout_identity *identity = &check->identity;

    check_reachable(check, shared->queue_directory);
    if (are_all_missing(check)) {
        log_warning("queue_directory %.*s holds no queue yet: the next start makes it",
                    STR_ARG(shared->queue_directory));
        return;
    }
    for (const struct layout_directory *row = layout_directories; row->name != NULL; row++)
        check_directory(check, path_of(check->instance, shared->queue_directory, row->name), row->mode,
                        layout_directory_uid(row, identity), layout_directory_gid(row, identity));
    check_directory(check, arena_c(check->instance->arena, shared->data_directory), 0700,
                    identity->is_root ? identity->mail_uid : (uid_t) -1,
                    identity->is_root ? identity->mail_gid : (gid_t) -1);
    if (!identity->is_root)
        return;
    for (unsigned queue = 0; queue < SPOOL_CORRUPT; queue++)
        check_owners_in(
            check, &(struct look){ spool_queue_name((enum spool_queue) queue), is_hash_folder, "\"postsuper -s\"" });
    check_owners_in(check, &(struct look){ "journal", is_regular, "\"postsuper -s\"" });
    check_owners_in(check, &(struct look){ "public", is_socket, "\"merpati reload\"" });
    check_owners_in(check, &(struct look){ "private", is_socket, "\"merpati reload\"" });
}

/* Who can write the configuration owns the mail system; what cannot be read by all stops commands and services. */
static void check_configuration_path(const char *path)
{
    struct stat status;

    if (stat(path, &status) < 0)
        return;
    if (status.st_uid != 0)
        log_warning("%s is not owned by root", path);
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        log_warning("%s can be written by others than its owner: chmod go-w", path);
    if ((status.st_mode & (S_IROTH | (S_ISDIR(status.st_mode) ? S_IXOTH : 0))) == 0)
        log_warning("%s cannot be read by all: programs that are not root's do not start", path);
}

static void check_configuration_file(struct check *check, const char *name)
{
    struct strlist files;
    struct failure why;

    if (!check->identity.is_root)
        return;
    if (!drop_ins_list(check->instance->directory, name, check->instance->arena, &files, &why)) {
        log_error("%s", why.text);
        check->is_wrong = true;
        return;
    }
    for (size_t i = 0; i < files.count; i++)
        check_configuration_path(files.items[i].data);
    check_configuration_path(arena_printf(check->instance->arena, "%.*s.d", STR_ARG(files.items[0])).data);
}

/* Without its set-gid bit, users cannot submit; with a set-uid bit, something is badly wrong. */
/* What root starts; one stands for all. */
static void check_daemons(struct check *check)
{
    CLEANUP(directory_discard) struct directory *directory = NULL;
    const char *path = arena_c(check->instance->arena, check->instance->shared->daemon_directory);
    const char *name;
    unsigned char type;
    struct stat status;
    struct failure ignored;

    if (!check->identity.is_root || !directory_open(AT_FDCWD, path, &directory, &ignored))
        return;
    while (directory_next(directory, &name, &type)) {
        if (type != DT_REG || !file_stat_at(directory_fd(directory), name, &status, &ignored) ||
            (status.st_uid == 0 && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0))
            continue;
        log_warning("%s/%s can be replaced by others than root, who starts it: chown root %s/*; chmod go-w %s/*", path,
                    name, path, path);
        return;
    }
}

static void check_command(struct check *check, const char *name)
{
    const char *path = path_of(check->instance, check->instance->shared->command_directory, name);
    struct stat status;

    if (!check->identity.is_root)
        return;
    if (stat(path, &status) < 0) {
        log_warning("%s is missing: no user can send or look at the queue", path);
        return;
    }
    if ((status.st_mode & S_ISGID) == 0 || status.st_gid != check->identity.setgid_gid)
        log_warning("%s is not set-gid %.*s: only root can use it", path,
                    STR_ARG(check->instance->shared->setgid_group));
    if ((status.st_mode & S_ISUID) != 0) {
        log_error("%s is set-uid, which no program of Merpati is: chmod u-s", path);
        check->is_wrong = true;
    }
}

static void tell_of_hostname(const struct instance *instance, struct str name, const char *what)
{
    const struct main_cf_entry *entry = main_cf_find(instance->main_cf, STR("myhostname"));

    if (entry != NULL && entry->place.line > 0)
        log_warning("%.*s, line %u: myhostname = %.*s %s", STR_ARG(entry->place.file), entry->place.line, STR_ARG(name),
                    what);
    else
        log_warning("myhostname = %.*s %s", STR_ARG(name), what);
}

/*
 * What we call ourselves in HELO: many servers refuse a name that nobody knows. A relayhost asks for less, and who does
 * not reach the DNS now is told nothing.
 */
static void check_hostname(const struct instance *instance)
{
    const struct main_cf *cf = instance->main_cf;
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *addresses = NULL;
    struct str name, relayhost, interfaces;
    int error;

    if (!main_cf_value(cf, STR("myhostname"), instance->arena, &name, NULL) ||
        !main_cf_value(cf, STR("relayhost"), instance->arena, &relayhost, NULL) ||
        !main_cf_value(cf, STR("inet_interfaces"), instance->arena, &interfaces, NULL))
        return;
    if (!domain_is_valid_hostname(name, true) || domain_is_address(name)) {
        tell_of_hostname(instance, name, "is no host name: write one as mail.example.com, without quotes and comments");
        return;
    }
    if (!str_is_empty(relayhost) || str_equal(interfaces, STR("loopback-only")))
        return;
    setenv("RES_OPTIONS", "timeout:2 attempts:1", 0);
    error = getaddrinfo(arena_c(instance->arena, name), NULL, &hints, &addresses);
    if (error == 0)
        freeaddrinfo(addresses);
    else if (error == EAI_NONAME || error == EAI_NODATA)
        tell_of_hostname(instance, name,
                         "has no address: servers that look at HELO refuse our mail: write the name that the DNS has "
                         "for this machine");
}

int check_instance(const struct instance *instance)
{
    struct check check = { .instance = instance };

    struct inet_protocols protocols;
    struct failure ignored;

    if (instance->shared != NULL)
        check.has_protocols = inet_protocols_parse(instance->shared->inet_protocols, &protocols, &ignored);
    check.is_wrong = !check_parameters(instance) || instance->shared == NULL;
    if (instance->shared != NULL)
        check_programs(&check);
    check_services(&check);
    if (instance->shared != NULL) {
        check_hostname(instance);
        if (check.has_protocols && !check_addresses(instance))
            check.is_wrong = true;
        check_users(&check);
    }
    if (check.has_identity) {
        check_directories(&check);
        if (check.identity.is_root)
            check_configuration_path(arena_c(instance->arena, instance->directory));
        check_configuration_file(&check, "main.cf");
        check_configuration_file(&check, "master.cf");
        check_daemons(&check);
        check_command(&check, "postdrop");
        check_command(&check, "postqueue");
        check_backends(instance, &check.identity);
        check_tables(instance, &check.identity);
        check_tls(instance);
    }
    return check.is_wrong ? 1 : 0;
}
