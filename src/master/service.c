/* SPDX-License-Identifier: Apache-2.0 */
#include "master/service.h"

#include "base/memory.h"
#include "os/fd.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static char *copy_text(struct str text)
{
    char *copy = memory_alloc(text.len + 1);

    memcpy(copy, text.data, text.len);
    return copy;
}

struct service *service_create(const struct master_service *entry)
{
    struct service *service = memory_alloc(sizeof *service);

    service->name = copy_text(entry->fields[MASTER_FIELD_NAME]);
    service->type = entry->type;
    service->entry = entry;
    service->program = program_find(entry->fields[MASTER_FIELD_COMMAND]);
    service->generation = 1;
    list_init(&service->link);
    list_init(&service->children);
    list_init(&service->watched);
    return service;
}

void service_destroy(struct service *service)
{
    service_forget_watched(service);
    listeners_close(&service->listeners, NULL);
    list_remove(&service->link);
    memory_free(service->name);
    memory_free(service);
}

bool service_is(const struct service *service, struct str name, enum master_service_type type)
{
    return service->type == type && str_equal(str_from_c(service->name), name);
}

const char *service_text(const struct service *service, char *text, size_t size)
{
    snprintf(text, size, "%s/%s", service->name, master_service_type_name(service->type));
    return text;
}

static struct child *child_of(struct list *node)
{
    return CONTAINER_OF(node, struct child, link);
}

static unsigned count_states(const struct service *service, unsigned states)
{
    unsigned count = 0;

    for (struct list *n = service->children.next; n != &service->children; n = n->next)
        count += (states >> child_of(n)->state) & 1;
    return count;
}

bool service_has_holder(const struct service *service)
{
    for (struct list *n = service->children.next; n != &service->children; n = n->next) {
        if (!child_of(n)->has_yielded)
            return true;
    }
    return false;
}

unsigned service_count_active(const struct service *service)
{
    unsigned count = 0;

    for (struct list *n = service->children.next; n != &service->children; n = n->next)
        count += child_of(n)->state != CHILD_RETIRING && child_of(n)->generation == service->generation;
    return count;
}

bool service_has_older(const struct service *service)
{
    for (struct list *n = service->children.next; n != &service->children; n = n->next) {
        const struct child *child = child_of(n);

        if ((child->state != CHILD_RETIRING || child->has_yielded) && child->was_ready &&
            child->generation != service->generation)
            return true;
    }
    return false;
}

unsigned service_count_available(const struct service *service)
{
    return count_states(service, 1U << CHILD_STARTING | 1U << CHILD_AVAILABLE);
}

unsigned service_count_retiring(const struct service *service)
{
    return count_states(service, 1U << CHILD_RETIRING);
}

struct child *service_retiring_beyond(const struct service *service, unsigned limit)
{
    struct child *oldest = NULL;
    unsigned count = 0;

    for (struct list *n = service->children.next; n != &service->children; n = n->next) {
        if (child_of(n)->state != CHILD_RETIRING || child_of(n)->was_stopped)
            continue;
        if (oldest == NULL)
            oldest = child_of(n);
        count++;
    }
    return count > limit ? oldest : NULL;
}

static unsigned count_cpus(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);

    return count < 1 ? 1 : (unsigned) count;
}

/* maxproc of master.cf, 0: no limit. */
static unsigned maxproc_of(const struct service *service, const struct configuration *configuration)
{
    int maxproc = service->entry->max_processes;

    if (maxproc == MASTER_CF_DEFAULT)
        maxproc = configuration->shared->default_process_limit;
    return maxproc < 0 ? 0 : (unsigned) maxproc;
}

bool service_is_settled(const struct service *service)
{
    for (struct list *n = service->children.next; n != &service->children; n = n->next) {
        const struct child *child = CONTAINER_OF(n, struct child, link);

        if (!child->has_left && (child->generation != service->generation || child->state == CHILD_STARTING))
            return false;
    }
    return true;
}

unsigned service_process_limit(const struct service *service, const struct configuration *configuration)
{
    unsigned maxproc = maxproc_of(service, configuration);
    unsigned workers = (unsigned) configuration->settings->service_workers;

    if (service->program == NULL || service->program->shape == PROGRAM_SINGLE)
        return 1;
    if (workers == 0 || service->program->shape == PROGRAM_SEQUENTIAL)
        workers = service->program->shape == PROGRAM_SEQUENTIAL
                      ? (unsigned) configuration->shared->default_process_limit
                      : count_cpus();
    if (service->program->shape == PROGRAM_SEQUENTIAL && maxproc != 0)
        return maxproc;
    return maxproc != 0 && maxproc < workers ? maxproc : workers;
}

unsigned service_session_limit(const struct service *service, const struct configuration *configuration)
{
    unsigned maxproc = maxproc_of(service, configuration);
    unsigned processes = service_process_limit(service, configuration);

    if (service->program != NULL && service->program->shape == PROGRAM_SEQUENTIAL)
        return 1;
    /* maxproc 1 of stock files means "one process" for services that hold many calls at once. */
    if (service->program != NULL && service->program->shape == PROGRAM_SINGLE)
        return 0;
    return maxproc == 0 ? 0 : (maxproc + processes - 1) / processes;
}

static void look(struct watched_file *file)
{
    struct stat status;

    if (stat(file->path, &status) < 0)
        status = (struct stat){ 0 };
    file->device = status.st_dev;
    file->inode = status.st_ino;
    file->size = status.st_size;
    file->changed_ns = (int64_t) status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
}

void service_watch(struct service *service, struct str path, const struct master_record *found)
{
    struct watched_file *file;

    for (struct list *n = service->watched.next; n != &service->watched; n = n->next) {
        if (str_equal(str_from_c(CONTAINER_OF(n, struct watched_file, link)->path), path))
            return;
    }
    file = memory_alloc(sizeof *file);
    file->path = copy_text(path);
    /* As the process saw it: a change since then must not be taken for what it read. */
    file->device = found->device;
    file->inode = found->inode;
    file->size = found->size;
    file->changed_ns = found->changed_ns;
    list_append(&service->watched, &file->link);
}

bool service_watched_changed(struct service *service)
{
    bool is_changed = false;

    for (struct list *n = service->watched.next; n != &service->watched; n = n->next) {
        struct watched_file *file = CONTAINER_OF(n, struct watched_file, link);
        struct watched_file old = *file;

        look(file);
        is_changed = is_changed || old.device != file->device || old.inode != file->inode || old.size != file->size ||
                     old.changed_ns != file->changed_ns;
    }
    return is_changed;
}

void service_forget_watched(struct service *service)
{
    while (!list_is_empty(&service->watched)) {
        struct watched_file *file = CONTAINER_OF(service->watched.next, struct watched_file, link);

        list_remove(&file->link);
        memory_free(file->path);
        memory_free(file);
    }
}

struct child *service_add_child(struct service *service, pid_t pid, int status_fd)
{
    struct child *child = memory_alloc(sizeof *child);

    child->service = service;
    child->pid = pid;
    child->status_fd = status_fd;
    child->generation = service->generation;
    child->state = CHILD_STARTING;
    child->started = clock_monotonic();
    list_append(&service->children, &child->link);
    service->was_used = true;
    service->needs_start = false;
    return child;
}

void child_tell(const struct child *child, enum master_word word)
{
    char byte = (char) word;

    if (child->status_fd >= 0)
        (void) !send(child->status_fd, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void service_remove_child(struct child *child)
{
    list_remove(&child->link);
    fd_close(&child->status_fd);
    memory_free(child);
}
