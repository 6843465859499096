/* SPDX-License-Identifier: Apache-2.0 */
/* local - delivers to users of this host: aliases, .forward files, mailboxes, commands and files. */

#include "config/shared_settings.h"
#include "delivery/loop_check.h"
#include "local/accounts.h"
#include "local/expansion.h"
#include "local/local.h"
#include "local/log_lines.h"
#include "local/owner_report.h"
#include "local/recipient.h"
#include "local/resubmit.h"
#include "log/log.h"
#include "protocol/bounce.h"
#include "protocol/cleanup.h"
#include "protocol/rewrite.h"

/* At one time in one process. */
enum { DELIVERIES_MAX = 50 };

static void watch(void *context, const char *path)
{
    daemon_watch_file(context, path);
}

static void warn(void *context, const char *text)
{
    (void) context;
    log_warning("%s", text);
}

/* Without an ordinary user for default_privs, what needs it is deferred, and all else goes on. */
static void find_default_rights(struct local *local)
{
    struct arena *arena = daemon_arena(local->daemon);
    struct str name = local->shared->default_privs;
    struct user_account account;
    struct failure why = { 0 };

    if (user_by_name(arena, name, &account, &why) != USER_FOUND) {
        log_warning("default_privs: %.*s: unknown user name value", STR_ARG(name));
    } else if (account.uid == 0) {
        log_warning("default_privs: %.*s: privileged user is not allowed", STR_ARG(name));
    } else {
        local->default_rights = rights_of(&account);
        local->has_default_rights = true;
    }
}

/* With a low limit each mailbox would return what was taken. */
static const char *find_fault(const struct local *local)
{
    int64_t limit = local->settings->mailbox_size_limit;
    int64_t message_limit = local->shared->message_size_limit;

    if (limit != 0 && (message_limit == 0 || limit < message_limit))
        return "configuration error: mailbox_size_limit is smaller than message_size_limit";
    return NULL;
}

static bool open_tables(struct daemon *daemon, struct failure *why)
{
    struct local *local = arena_new(daemon_arena(daemon), struct local);
    struct table_set_options options = {
        .loop = daemon_loop(daemon),
        .proxymap_path = daemon_service_path(daemon, "private", daemon_shared(daemon)->proxymap_service_name),
        .warn = warn,
        .opening = watch,
        .opening_context = daemon,
        .cf = daemon_main_cf(daemon),
        .is_confined = true,
    };

    (void) why;
    local->daemon = daemon;
    local->loop = daemon_loop(daemon);
    local->settings = daemon_settings(daemon);
    local->shared = daemon_shared(daemon);
    local->fault = find_fault(local);
    local->tables = table_set_create(&options);
    local->aliases =
        table_list_open(local->tables, STR("alias_maps"), local->settings->alias_maps, TABLE_FOLD | TABLE_PARANOID);
    local->mailbox_commands = table_list_open(local->tables, STR("mailbox_command_maps"),
                                              local->settings->mailbox_command_maps, TABLE_FOLD | TABLE_PARANOID);
    local->mailbox_transports = table_list_open(local->tables, STR("mailbox_transport_maps"),
                                                local->settings->mailbox_transport_maps, TABLE_FOLD | TABLE_PARANOID);
    local->fallback_transports = table_list_open(local->tables, STR("fallback_transport_maps"),
                                                 local->settings->fallback_transport_maps, TABLE_FOLD | TABLE_PARANOID);
    find_default_rights(local);
    daemon_keep(daemon, local);
    return true;
}

static void start_mailboxes(struct local *local)
{
    const struct local_settings *settings = local->settings;
    struct mailbox_rules rules = {
        .locks = &settings->mailbox_delivery_lock,
        .lock_attempts = settings->deliver_lock_attempts,
        .lock_delay = settings->deliver_lock_delay,
        .stale_lock_time = settings->stale_lock_time,
        .size_limit = settings->mailbox_size_limit,
        .is_ownership_strict = settings->strict_mailbox_ownership,
        .host = local->shared->myhostname,
    };

    if (settings->has_mailtool) {
        struct strlist *dotlock = arena_new(daemon_arena(local->daemon), struct strlist);

        log_warning(
            "sun_mailtool_compatibility: deprecated parameter, use \"mailbox_delivery_lock = dotlock\" instead");
        strlist_add(dotlock, daemon_arena(local->daemon), STR("dotlock"));
        rules.locks = dotlock;
    }
    mailboxes_start(&local->mailboxes, local->loop, &rules);
}

static void *start(struct daemon *daemon)
{
    struct local *local = daemon_kept(daemon);

    local->accounts = accounts_create("/etc/passwd", user_by_name);
    start_mailboxes(local);
    local->cleanup = daemon_endpoint(daemon, daemon_service_path(daemon, "public", local->shared->cleanup_service_name),
                                     &cleanup_protocol);
    local->bounce = daemon_endpoint(daemon, daemon_service_path(daemon, "private", local->shared->bounce_service_name),
                                    &bounce_protocol);
    local->rewrite = daemon_endpoint(
        daemon, daemon_service_path(daemon, "private", local->shared->rewrite_service_name), &rewrite_protocol);
    return local;
}

static void stop(void *context)
{
    struct local *local = context;

    mailboxes_stop(&local->mailboxes);
    accounts_destroy(&local->accounts);
    table_set_destroy(&local->tables);
}

static void deliver_to_recipient(struct delivery *delivery, struct local *local, size_t recipient)
{
    struct attempt attempt;
    struct scene scene;
    struct result result;
    struct failure why;
    bool has_been_here;

    attempt_init(&attempt, local, delivery, recipient);
    scene_init(&scene, &attempt, delivery->recipients[recipient].address);
    if (local->fault != NULL) {
        log_fault(local->fault);
        result = result_make(&attempt, DSN_STATUS(4, 3, 5), "mail system configuration error");
        scene_add(&scene, &result);
    } else if (!loop_check(local->loop, delivery->request, scene.address, &has_been_here, &why)) {
        result = result_make(&attempt, DSN_STATUS(4, 3, 0), "cannot read the message: %s", why.text);
        scene_add(&scene, &result);
    } else if (has_been_here) {
        result = result_make(&attempt, DSN_STATUS(5, 4, 6), "mail forwarding loop for %.*s", STR_ARG(scene.address));
        scene_add(&scene, &result);
    } else {
        recipient_deliver(&scene);
        expansion_run(&attempt);
        owner_report_all(&attempt);
        resubmit_all(&attempt);
    }
    attempt_finish(&attempt);
}

static void deliver(struct delivery *delivery, void *context)
{
    for (size_t i = 0; i < delivery->recipient_count; i++)
        deliver_to_recipient(delivery, context, i);
}

int main(int argc, char **argv)
{
    static const char *const calls[] = { "cleanup", "bounce", "rewrite", "proxymap", NULL };
    static const struct delivery_program program = {
        .name = "local",
        .shape = DAEMON_EVENT,
        .user = DAEMON_AS_ROOT,
        .settings = &local_settings_table,
        .open = open_tables,
        .start = start,
        .stop = stop,
        .calls = calls,
        .capacity = DELIVERIES_MAX,
        .deliver = deliver,
    };

    return delivery_agent_main(&program, argc, argv);
}
