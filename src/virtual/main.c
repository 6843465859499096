/* SPDX-License-Identifier: Apache-2.0 */
/* virtual - delivers to mailboxes of users who have no account on this host: where and as whom, tables say. */

#include "config/shared_settings.h"
#include "log/log.h"
#include "virtual/recipient.h"

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

/* Without a directory to be in, mailboxes would be anywhere; with a low limit each would return what was taken. */
static const char *find_fault(const struct virtual *virtual)
{
    int64_t limit = virtual->settings->mailbox_limit;
    int64_t message_limit = virtual->shared->message_size_limit;

    if (str_is_empty(virtual->settings->mailbox_base))
        return "configuration error: virtual_mailbox_base is empty";
    if (limit != 0 && (message_limit == 0 || limit < message_limit))
        return "configuration error: virtual_mailbox_limit is smaller than message_size_limit";
    return NULL;
}

static bool open_tables(struct daemon *daemon, struct failure *why)
{
    struct virtual *virtual = arena_new(daemon_arena(daemon), struct virtual);
    unsigned flags = TABLE_FOLD | TABLE_PARANOID;
    struct table_set_options options = {
        .loop = daemon_loop(daemon),
        .proxymap_path = daemon_service_path(daemon, "private", daemon_shared(daemon)->proxymap_service_name),
        .warn = warn,
        .opening = watch,
        .opening_context = daemon,
        .cf = daemon_main_cf(daemon),
        .is_confined = true,
    };

    virtual->loop = daemon_loop(daemon);
    virtual->settings = daemon_settings(daemon);
    virtual->shared = daemon_shared(daemon);
    virtual->fault = find_fault(virtual);
    (void) why;
    virtual->tables = table_set_create(&options);
    virtual->mailbox_maps = table_list_open(virtual->tables, STR("virtual_mailbox_maps"),
                                            virtual->settings->mailbox_maps, flags);
    virtual->uid_maps = table_list_open(virtual->tables, STR("virtual_uid_maps"), virtual->settings->uid_maps, flags);
    virtual->gid_maps = table_list_open(virtual->tables, STR("virtual_gid_maps"), virtual->settings->gid_maps, flags);
    daemon_keep(daemon, virtual);
    return true;
}

static void *start(struct daemon *daemon)
{
    struct virtual *virtual = daemon_kept(daemon);
    const struct virtual_settings *settings = virtual->settings;
    struct mailbox_rules rules = {
        .locks = &settings->mailbox_lock,
        .lock_attempts = settings->deliver_lock_attempts,
        .lock_delay = settings->deliver_lock_delay,
        .stale_lock_time = settings->stale_lock_time,
        .size_limit = settings->mailbox_limit,
        .is_ownership_strict = settings->strict_mailbox_ownership,
        .host = virtual->shared->myhostname,
    };

    mailboxes_start(&virtual->mailboxes, virtual->loop, &rules);
    return virtual;
}

static void stop(void *context)
{
    struct virtual *virtual = context;

    mailboxes_stop(&virtual->mailboxes);
    table_set_destroy(&virtual->tables);
}

static void deliver(struct delivery *delivery, void *context)
{
    for (size_t i = 0; i < delivery->recipient_count; i++)
        recipient_deliver(context, delivery, i);
}

int main(int argc, char **argv)
{
    static const struct delivery_program program = {
        .name = "virtual",
        .shape = DAEMON_EVENT,
        .user = DAEMON_AS_ROOT,
        .settings = &virtual_settings_table,
        .open = open_tables,
        .start = start,
        .stop = stop,
        .seccomp = "mailbox",
        .capacity = DELIVERIES_MAX,
        .deliver = deliver,
    };

    return delivery_agent_main(&program, argc, argv);
}
