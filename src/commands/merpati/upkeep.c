/* SPDX-License-Identifier: Apache-2.0 */
#include "merpati/upkeep.h"

#include "config/directory.h"
#include "config/layout.h"
#include "config/master_cf.h"
#include "log/log.h"
#include "merpati/control.h"
#include "merpati/log_lines.h"
#include "os/directory.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILE_MAXIMUM = 4 << 20 };

/* The words are in force for what follows. */
static bool take_words(const struct instance *given, int argc, char **argv, struct instance *instance_out,
                       struct failure *why)
{
    struct strlist assignments = { 0 };
    struct str name, value;

    for (int i = 1; i < argc; i++) {
        if (!main_cf_split_assignment(str_from_c(argv[i]), &name, &value))
            return failure_set(why, FAILURE_CONFIGURATION, 0, "%s: write name=value", argv[i]);
        strlist_add(&assignments, given->arena, str_from_c(argv[i]));
    }
    if (!instance_edit(given, &assignments, why) ||
        !instance_load(instance_out, given->arena, given->options, why, why))
        return false;
    return instance_out->shared != NULL;
}

static int finish(bool is_done, const struct failure *why)
{
    if (!is_done)
        log_fatal("%s", why->text);
    return is_done ? 0 : 1;
}

/* ---- set-permissions ---- */

/* Users hand their mail over, and ask for the queue, with its rights. */
static bool set_command(const struct instance *instance, const struct layout_identity *identity, const char *name,
                        struct failure *why)
{
    CLEANUP(fd_close) int fd = -1;
    const char *path =
        arena_printf(instance->arena, "%.*s/%s", STR_ARG(instance->shared->command_directory), name).data;

    if (!file_open(path, O_RDONLY, 0, &fd, why))
        return why->error == ENOENT;
    return file_set_owner(fd, path, 0, identity->setgid_gid, why) && file_set_mode(fd, path, 02755, why);
}

/* The files in the queue, which may be many and in use. */
static bool set_messages(const struct instance *instance, struct failure *why)
{
    static const struct process_fd fds[] = { { STDERR_FILENO, STDERR_FILENO } };
    char *arguments[] = { arena_c(instance->arena, STR("postsuper")), arena_c(instance->arena, STR("-c")),
                          arena_c(instance->arena, instance->directory), arena_c(instance->arena, STR("-s")), NULL };
    const struct process_start start = { .path = instance_command(instance, "postsuper"),
                                         .arguments = arguments,
                                         .fds = fds,
                                         .fd_count = ARRAY_COUNT(fds) };
    pid_t pid;
    int status;

    return process_start(&start, &pid, why) && process_wait(pid, &status, why) &&
           ((WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
            failure_set(why, FAILURE_PERMANENT, 0, "postsuper -s did not come to its end"));
}

/* The commands are shared: with rights that others lack, they take this directory's word, and who is listed there. */
static bool is_default(const struct instance *instance)
{
    return str_equal(instance->directory, STR(MERPATI_CONFIG_DIRECTORY));
}

static bool set_commands(const struct instance *instance, const struct layout_identity *identity, struct failure *why)
{
    return !is_default(instance) ||
           (set_command(instance, identity, "postdrop", why) && set_command(instance, identity, "postqueue", why));
}

/* Whether what a running system listens on there is all its own; of nothing it is not. */
static bool has_its_sockets(const struct instance *instance, const char *folder, uid_t uid)
{
    CLEANUP(directory_discard) struct directory *directory = NULL;
    const char *path =
        arena_printf(instance->arena, "%.*s/%s", STR_ARG(instance->shared->queue_directory), folder).data;
    const char *name;
    unsigned char type;
    struct stat status;
    struct failure ignored;
    size_t count = 0;

    if (!directory_open(AT_FDCWD, path, &directory, &ignored))
        return false;
    while (directory_next(directory, &name, &type)) {
        if (!file_stat_at(directory_fd(directory), name, &status, &ignored) || status.st_uid != uid)
            return false;
        count++;
    }
    return count > 0;
}

/* The sockets are master's to make: without their owner, nobody gets through to a service. */
static bool set_sockets(const struct instance *instance, uid_t uid, struct failure *why)
{
    pid_t pid;

    return instance_find_master(instance, &pid, why) &&
           (pid == 0 || (has_its_sockets(instance, "public", uid) && has_its_sockets(instance, "private", uid)) ||
            control_refresh(instance) || failure_set(why, FAILURE_RETRY, 0, "master was not told"));
}

/* postsuper needs the lock that the first start makes; before it there are no messages. */
static bool set_permissions(const struct instance *instance, struct failure *why)
{
    const char *lock =
        arena_printf(instance->arena, "%.*s/pid/master.pid", STR_ARG(instance->shared->queue_directory)).data;
    struct layout_identity identity;

    if (!layout_identity_find(instance->shared, &identity, why) || !layout_make(instance->shared, &identity, why))
        return false;
    return !identity.is_root ||
           (set_commands(instance, &identity, why) && set_sockets(instance, identity.mail_uid, why) &&
            (!file_exists(lock) || set_messages(instance, why)));
}

int upkeep_set_permissions(const struct instance *given, int argc, char **argv)
{
    struct instance instance;
    struct failure why;

    return finish(take_words(given, argc, argv, &instance, &why) && set_permissions(&instance, &why), &why);
}

/* ---- upgrade-configuration ---- */

static bool has_commented_out(struct str text, const struct master_service *service)
{
    struct str line, rest = text, name, type;

    while (rest.len > 0) {
        (void) str_cut(rest, '\n', &line, &rest);
        line = str_trim(line);
        if (!str_starts_with(line, STR("#")))
            continue;
        line = str_from(line, 1);
        if (str_next_word(&line, " \t", &name) && str_next_word(&line, " \t", &type) &&
            str_equal(name, service->fields[MASTER_FIELD_NAME]) && str_equal(type, service->fields[MASTER_FIELD_TYPE]))
            return true;
    }
    return false;
}

/* What an administrator leaves out of the programs of others stays out; old files have pickup and qmgr as fifo. */
static bool is_lacking(const struct master_cf *file, struct str text, const struct master_service *service)
{
    struct str name = service->fields[MASTER_FIELD_NAME];

    return service->type != MASTER_SERVICE_INET && service->type != MASTER_SERVICE_PASS &&
           !str_equal(service->fields[MASTER_FIELD_COMMAND], STR("pipe")) &&
           master_cf_find(file, name, service->type) == NULL &&
           (service->type != MASTER_SERVICE_UNIX || master_cf_find(file, name, MASTER_SERVICE_FIFO) == NULL) &&
           !has_commented_out(text, service);
}

static void add_service(struct strbuf *text, const struct master_service *service)
{
    for (size_t i = 0; i < MASTER_FIELD_COMMAND; i++)
        strbuf_printf(text, "%-9.*s ", STR_ARG(service->fields[i]));
    strbuf_append(text, service->fields[MASTER_FIELD_COMMAND]);
    for (size_t i = 0; i < service->written_arguments.count; i++)
        strbuf_printf(text, " %.*s", STR_ARG(service->written_arguments.items[i]));
    strbuf_append_char(text, '\n');
}

static bool load_prototype(const struct instance *instance, struct master_cf **prototype_out, struct failure *why)
{
    CLEANUP(strbuf_done) struct strbuf text;
    struct str directory;
    const char *path;

    strbuf_init(&text, FILE_MAXIMUM);
    if (!main_cf_value(instance->main_cf, STR("meta_directory"), instance->arena, &directory, why))
        return false;
    path = arena_printf(instance->arena, "%.*s/master.cf.proto", STR_ARG(directory)).data;
    return file_load(path, &text, why) && master_cf_parse(arena_str(instance->arena, strbuf_str(&text)),
                                                          str_from_c(path), instance->arena, prototype_out, why);
}

bool upkeep_add_services(const struct instance *instance, struct str directory, struct failure *why)
{
    CLEANUP(strbuf_done) struct strbuf text;
    const char *path = arena_printf(instance->arena, "%.*s/master.cf", STR_ARG(instance->directory)).data;
    const char *told = arena_printf(instance->arena, "%.*s/master.cf", STR_ARG(directory)).data;
    struct master_cf *prototype, *file;
    size_t before;

    strbuf_init(&text, FILE_MAXIMUM);
    if (!master_cf_load(instance->directory, instance->arena, &file, why) ||
        !load_prototype(instance, &prototype, why) || !file_load(path, &text, why))
        return false;
    if (text.len > 0 && text.data[text.len - 1] != '\n')
        strbuf_append_char(&text, '\n');
    before = text.len;
    for (size_t i = 0; i < prototype->count; i++) {
        const struct master_service *service = &prototype->services[i];

        if (!is_lacking(file, str_make(text.data, before), service))
            continue;
        add_service(&text, service);
        log_upkeep(told, service->fields[MASTER_FIELD_NAME], service->fields[MASTER_FIELD_TYPE]);
    }
    return text.len == before || file_replace(path, strbuf_str(&text), 0644, why);
}

int upkeep_upgrade(const struct instance *given, int argc, char **argv)
{
    struct instance instance;
    struct failure why;

    return finish(take_words(given, argc, argv, &instance, &why) &&
                      upkeep_add_services(&instance, instance.directory, &why),
                  &why);
}
