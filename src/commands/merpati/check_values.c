/* SPDX-License-Identifier: Apache-2.0 */
#include "log/log.h"
#include "merpati/check.h"
#include "os/file.h"
#include "os/space.h"

#include <inttypes.h>

static struct str value_of(const struct main_cf *cf, struct str name, struct arena *arena)
{
    struct failure ignored;
    struct str value;

    return main_cf_value(cf, name, arena, &value, &ignored) ? str_trim(value) : STR_EMPTY;
}

/* smtp and lmtp do not start with the one and without the other. */
static void check_login(const struct instance *instance, const struct master_service *service)
{
    struct arena *arena = instance->arena;
    struct str program = service->fields[MASTER_FIELD_COMMAND];
    struct str wish = arena_printf(arena, "%.*s_sasl_auth_enable", STR_ARG(program));
    struct str need = arena_printf(arena, "%.*s_sasl_password_maps", STR_ARG(program));
    struct main_cf *cf;

    if (!check_load_for(instance, service, &cf) || !str_equal_nocase(value_of(cf, wish, arena), STR("yes")) ||
        value_of(cf, need, arena).len > 0)
        return;
    log_warning(
        "%.*s, line %u: service %.*s/%s: %.*s = yes without %.*s: the service does not start; name the table with "
        "users and passwords",
        STR_ARG(service->file), service->line, STR_ARG(service->fields[MASTER_FIELD_NAME]),
        master_service_type_name(service->type), STR_ARG(wish), STR_ARG(need));
}

/* Whose shell would not find it either: all mail for users would be returned. */
static void check_mailbox_command(const struct instance *instance)
{
    const struct main_cf_entry *entry = main_cf_find(instance->main_cf, STR("mailbox_command"));
    struct str rest = entry != NULL ? entry->value : STR_EMPTY;
    struct str program;

    if (!str_next_word(&rest, " \t", &program) || !str_starts_with(program, STR("/")) ||
        file_exists(arena_c(instance->arena, program)))
        return;
    log_warning("%.*s, line %u: mailbox_command: there is no program %.*s: mail for users of this host is returned",
                STR_ARG(entry->place.file), entry->place.line, STR_ARG(program));
}

static void check_mail_spool(const struct instance *instance)
{
    const struct main_cf_entry *entry = main_cf_find(instance->main_cf, STR("mail_spool_directory"));
    struct str path = entry != NULL ? value_of(instance->main_cf, entry->name, instance->arena) : STR_EMPTY;

    if (path.len > 0 && !file_exists(arena_c(instance->arena, path)))
        log_warning(
            "%.*s, line %u: mail_spool_directory = %.*s is not there: mail for users of this host waits until it is",
            STR_ARG(entry->place.file), entry->place.line, STR_ARG(path));
}

/* smtpd takes nothing without the second, cleanup not without the first when the part that it writes is full. */
static void check_room(const struct instance *instance)
{
    const char *queue = arena_c(instance->arena, instance->shared->queue_directory);
    uint64_t message = (uint64_t) instance->shared->message_size_limit;
    struct space space;
    struct failure ignored;
    int64_t segment;

    if (!space_look(queue, &space, &ignored) ||
        !settings_get_size(instance->main_cf, STR("spool_segment_size"), "16777216", 0, 0, &segment, &ignored) ||
        space.free_bytes >= (uint64_t) segment + message + message / 2)
        return;
    log_warning("queue_directory = %s has %" PRIu64 " MB left: to go on taking mail it needs room for another part "
                "of the journal (spool_segment_size, %" PRIu64 " MB) and 1.5 times message_size_limit (%" PRIu64 " MB)",
                queue, space.free_bytes >> 20, (uint64_t) segment >> 20, message >> 20);
}

void check_values(const struct instance *instance, const struct master_cf *file)
{
    for (size_t i = 0; i < file->count; i++) {
        struct str program = file->services[i].fields[MASTER_FIELD_COMMAND];

        if ((str_equal(program, STR("smtp")) || str_equal(program, STR("lmtp"))) &&
            !check_is_disabled(instance, &file->services[i]))
            check_login(instance, &file->services[i]);
    }
    check_mailbox_command(instance);
    check_mail_spool(instance);
    if (instance->shared != NULL)
        check_room(instance);
}
