/* SPDX-License-Identifier: Apache-2.0 */
/* Services that run commands or speak to other servers, and whose lines are of no use: they run, and their mail waits.
 */
#include "delivery/command_arguments.h"
#include "delivery/command_attributes.h"
#include "delivery/command_user.h"
#include "delivery/message_flags.h"
#include "log/log.h"
#include "merpati/check.h"
#include "os/user.h"

struct command_check {
    const struct instance *instance;
    const struct master_service *first; /* of those whose user is not there, and that main.cf does not name */
    struct str first_user;
    size_t count;
    struct strbuf told; /* "maildrop (vmail), ifmail (ftn)" */
};

static void tell_useless(const struct master_service *service, const char *why)
{
    log_warning("%.*s, line %u: service %.*s/%s: %s: what comes to it waits until this is put right",
                STR_ARG(service->file), service->line, STR_ARG(service->fields[MASTER_FIELD_NAME]),
                master_service_type_name(service->type), why);
}

/* "mailbox_transport = maildrop", "content_filter = maildrop:x". */
static bool is_named(const struct command_check *check, struct str service)
{
    const struct main_cf *cf = check->instance->main_cf;
    struct failure ignored;
    struct str value, name, rest;

    for (size_t i = 0; i < main_cf_count(cf); i++) {
        if (!main_cf_value(cf, main_cf_at(cf, i)->name, check->instance->arena, &value, &ignored))
            continue;
        (void) str_cut(str_trim(value), ':', &name, &rest);
        if (str_equal(name, service))
            return true;
    }
    return false;
}

/* As those of other systems' packages, in lines that came with master.cf and that nobody uses. */
static bool is_for_absent_user(struct command_check *check, const struct master_service *service, struct str user)
{
    struct str name = service->fields[MASTER_FIELD_NAME];
    struct user_account account;
    struct failure ignored;

    if (user_by_name(check->instance->arena, user, &account, &ignored) != USER_ABSENT || is_named(check, name))
        return false;
    if (check->count++ == 0) {
        check->first = service;
        check->first_user = user;
    }
    strbuf_printf(&check->told, "%s%.*s (%.*s)", check->told.len > 0 ? ", " : "", STR_ARG(name), STR_ARG(user));
    return true;
}

static void check_client(const struct master_service *service, const struct strlist *words)
{
    struct failure why;
    unsigned flags;

    if (!message_flags_parse(words, &flags, &why))
        tell_useless(service, why.text);
}

static void check_command(struct command_check *check, const struct master_service *service,
                          const struct strlist *words, bool is_spawn)
{
    struct command_attributes attributes;
    struct rights rights;
    struct failure why;

    if (!command_attributes_parse(words, is_spawn, check->instance->arena, &attributes, &why) ||
        (!is_spawn && !command_arguments_check(&attributes.argv, &why)) ||
        (!command_user_find(&attributes, check->instance->shared, &rights, &why) &&
         !is_for_absent_user(check, service, attributes.user)))
        tell_useless(service, why.text);
}

static void check_service(struct command_check *check, const struct master_service *service)
{
    struct str command = service->fields[MASTER_FIELD_COMMAND];
    struct strlist words = master_service_words(service, check->instance->arena);

    if (str_equal(command, STR("smtp")) || str_equal(command, STR("lmtp")))
        check_client(service, &words);
    else if (str_equal(command, STR("pipe")) || str_equal(command, STR("spawn")))
        check_command(check, service, &words, str_equal(command, STR("spawn")));
}

static void tell_absent(const struct command_check *check)
{
    struct arena *arena = check->instance->arena;

    if (check->count == 1)
        tell_useless(check->first, arena_printf(arena, "unknown username: %.*s", STR_ARG(check->first_user)).data);
    else if (check->count > 1)
        log_warning("%.*s: the users of the services %s are not there: what comes to one waits; nothing is to be done "
                    "if none is used",
                    STR_ARG(check->first->file), strbuf_c((struct strbuf *) &check->told));
}

void check_commands(const struct instance *instance, const struct master_cf *file)
{
    struct command_check check = { .instance = instance };

    strbuf_init(&check.told, STRBUF_UNLIMITED);
    for (size_t i = 0; i < file->count; i++)
        check_service(&check, &file->services[i]);
    tell_absent(&check);
    strbuf_done(&check.told);
}
