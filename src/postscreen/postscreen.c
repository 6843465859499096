/* SPDX-License-Identifier: Apache-2.0 */
#include "postscreen/postscreen.h"

#include "base/map.h"
#include "config/main_cf.h"
#include "config/shared_settings.h"
#include "daemon/daemon.h"
#include "os/user.h"
#include "postscreen/client.h"
#include "postscreen/log_lines.h"
#include "postscreen/stamps.h"
#include "protocol/dnsblog.h"
#include "protocol/tlsproxy.h"
#include "run/loop.h"
#include "table/cache.h"

/* In the cache, beside the addresses: when it was cleaned last, in seconds. */
#define CLEANED_KEY STR("_LAST_CACHE_CLEANUP_COMPLETED_")

/* ---- before the jail ---- */

static void watch(void *context, const char *path)
{
    daemon_watch_file(context, path);
}

static void warn(void *context, const char *text)
{
    (void) context;
    log_problem(text);
}

static bool has_word(struct str list, const char *wanted)
{
    struct str word;

    while (str_next_word(&list, ", \t\r\n", &word)) {
        if (str_equal_nocase(word, str_from_c(wanted)))
            return true;
    }
    return false;
}

static struct table_list *open_maps(struct postscreen *postscreen, const char *title, struct str value)
{
    return table_list_open(postscreen->tables, str_from_c(title), value, TABLE_FOLD);
}

static void open_tables(struct postscreen *postscreen)
{
    const struct postscreen_settings *settings = postscreen->settings;
    const struct shared_settings *shared = postscreen->shared;
    struct daemon *daemon = postscreen->daemon;
    const struct table_set_options options = {
        .loop = postscreen->loop,
        .proxymap_path = daemon_service_path(daemon, "private", shared->proxymap_service_name),
        .warn = warn,
        .opening = watch,
        .opening_context = daemon,
        .cf = daemon_main_cf(daemon),
        .is_confined = true,
    };

    postscreen->tables = table_set_create(&options);
    access_list_open(&postscreen->access, postscreen->tables, settings->access_list, shared->mynetworks,
                     has_word(shared->parent_domain_matches_subdomains, "mynetworks"), daemon_arena(daemon));
    postscreen->allowlist_interfaces = match_list_open(postscreen->tables, STR("postscreen_allowlist_interfaces"),
                                                       settings->allowlist_interfaces, MATCH_HOSTS, false);
    postscreen->forbidden_commands = match_list_open(postscreen->tables, STR("postscreen_forbidden_commands"),
                                                     settings->forbidden_commands, MATCH_STRINGS, false);
    postscreen->dnsbl_reply_map = open_maps(postscreen, "postscreen_dnsbl_reply_map", settings->dnsbl_reply_map);
    postscreen->command_filter = open_maps(postscreen, "postscreen_command_filter", settings->command_filter);
    postscreen->discard_ehlo_keyword_maps = open_maps(postscreen, "postscreen_discard_ehlo_keyword_address_maps",
                                                      settings->discard_ehlo_keyword_address_maps);
    postscreen->reject_footer_maps =
        open_maps(postscreen, "postscreen_reject_footer_maps", settings->reject_footer_maps);
}

/* What the parameters are where there are many clients. */
static bool load_stressed(struct postscreen *postscreen, struct failure *why)
{
    struct main_cf *cf = daemon_main_cf(postscreen->daemon);
    struct arena *arena = daemon_arena(postscreen->daemon);
    struct str usual = arena_printf(arena, "stress=%.*s", STR_ARG(postscreen->settings->stress));
    void *stressed;

    if (!main_cf_override(cf, STR("stress=yes"), why) ||
        !settings_load(&postscreen_settings_table, cf, str_from_c(daemon_service(postscreen->daemon)), arena, &stressed,
                       why) ||
        !main_cf_override(cf, usual, why))
        return false;
    postscreen->stressed = stressed;
    return true;
}

static bool open_cache(struct postscreen *postscreen, struct failure *why)
{
    struct str owner = postscreen->shared->mail_owner;
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct user_account account;
    struct failure trouble;

    if (user_by_name(arena, owner, &account, &trouble) != USER_FOUND)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "mail_owner: there is no user %.*s", STR_ARG(owner));
    if (!cache_prepare(postscreen->loop, postscreen->settings->cache_map, account.uid, account.gid, log_problem,
                       &postscreen->cache, why))
        return false;
    if (daemon_has_own_root(postscreen->daemon) &&
        !cache_open_early(postscreen->cache, account.uid, account.gid, &trouble))
        log_problem(trouble.text);
    return true;
}

static enum screen_tls_level tls_level_of(const struct postscreen_settings *settings)
{
    if (settings->tls_security_level > 0)
        return (enum screen_tls_level)(settings->tls_security_level - 1);
    return settings->enforce_tls ? SCREEN_TLS_REQUIRED : settings->use_tls ? SCREEN_TLS_MAY : SCREEN_TLS_NONE;
}

bool postscreen_open(struct daemon *daemon, struct postscreen **postscreen_out, struct failure *why)
{
    struct postscreen *postscreen = arena_new(daemon_arena(daemon), struct postscreen);

    postscreen->daemon = daemon;
    postscreen->loop = daemon_loop(daemon);
    postscreen->settings = daemon_settings(daemon);
    postscreen->shared = daemon_shared(daemon);
    postscreen->tls_level = tls_level_of(postscreen->settings);
    *postscreen_out = postscreen;
    daemon_set_patience(daemon, postscreen->settings->watchdog_timeout);
    if (!load_stressed(postscreen, why) ||
        !dnsbl_sites_parse(postscreen->settings->dnsbl_sites, daemon_arena(daemon), &postscreen->sites, why) ||
        !open_cache(postscreen, why))
        return false;
    open_tables(postscreen);
    return true;
}

/* ---- what does not count any more ---- */

struct cleaning {
    struct postscreen *postscreen;
    struct instant now;
    size_t retained, dropped;
    bool is_partial;
};

static bool clean_entry(void *context, struct str key, struct str value)
{
    struct cleaning *cleaning = context;
    struct duration retention = cleaning->postscreen->settings->cache_retention_time;
    struct stamps stamps;

    if (str_equal(key, CLEANED_KEY))
        return true;
    if (daemon_is_draining(cleaning->postscreen->daemon)) {
        cleaning->is_partial = true;
        return false;
    }
    if (stamps_parse(value, &stamps) &&
        instant_is_before(cleaning->now, instant_add(stamps_last(&stamps), retention))) {
        cleaning->retained++;
        return true;
    }
    cache_remove(cleaning->postscreen->cache, key);
    cleaning->dropped++;
    return true;
}

/* A restart is no reason to clean what was cleaned a while ago. */
static struct duration until_cleaning(const struct postscreen *postscreen)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct duration interval = postscreen->settings->cache_cleanup_interval;
    struct str text;
    uint64_t cleaned;
    int64_t age;

    if (!cache_get(postscreen->cache, CLEANED_KEY, arena, &text) || !str_to_uint64(text, &cleaned))
        return seconds(0);
    age = instant_since(clock_now(), instant_from_seconds((int64_t) cleaned)).us;
    return age >= 0 && age < interval.us ? (struct duration){ interval.us - age } : seconds(0);
}

static void note_cleaning(struct postscreen *postscreen, struct instant now)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();

    cache_put(postscreen->cache, CLEANED_KEY, arena_printf(arena, "%lld", (long long) instant_seconds(now)));
}

static void wait_or_end(struct postscreen *postscreen, struct duration time)
{
    if (time.us > 0 && !daemon_is_draining(postscreen->daemon))
        (void) !event_wait(postscreen->loop, &postscreen->ends, time, NULL);
}

static void keep_clean(void *context)
{
    struct postscreen *postscreen = context;

    wait_or_end(postscreen, until_cleaning(postscreen));
    while (!daemon_is_draining(postscreen->daemon)) {
        struct cleaning cleaning = { .postscreen = postscreen, .now = clock_now() };

        cache_walk(postscreen->cache, clean_entry, &cleaning);
        log_cache_cleaned(cache_name(postscreen->cache), cleaning.is_partial, cleaning.retained, cleaning.dropped);
        if (!cleaning.is_partial)
            note_cleaning(postscreen, cleaning.now);
        wait_or_end(postscreen, postscreen->settings->cache_cleanup_interval);
    }
}

/* ---- in the jail ---- */

void postscreen_start(struct postscreen *postscreen)
{
    const struct postscreen_settings *settings = postscreen->settings;
    struct daemon *daemon = postscreen->daemon;
    struct failure why;

    if (!cache_open(postscreen->cache, &why))
        log_problem(why.text);
    postscreen->clients = map_create();
    list_init(&postscreen->early);
    postscreen->smtpd_path = daemon_service_path(daemon, "private", settings->smtpd_service_name);
    postscreen->dnsblog = daemon_endpoint(
        daemon, daemon_service_path(daemon, "private", settings->dnsblog_service_name), &dnsblog_protocol);
    postscreen->tlsproxy = daemon_endpoint(
        daemon, daemon_service_path(daemon, "private", settings->tlsproxy_service_name), &tlsproxy_protocol);
    event_init(&postscreen->ends);
    fiber_group_init(&postscreen->cleaning, postscreen->loop);
    if (settings->cache_cleanup_interval.us > 0)
        fiber_group_start(&postscreen->cleaning, keep_clean, postscreen);
}

/* The cache is the next process's from here on: what clients pass now they will have to pass again. */
void postscreen_drain(struct postscreen *postscreen)
{
    event_wake_all(&postscreen->ends);
    (void) !fiber_group_wait(&postscreen->cleaning, DURATION_FOREVER, NULL);
    cache_close(&postscreen->cache);
    if (daemon_is_stopping(postscreen->daemon))
        client_interrupt_early(postscreen);
    else
        daemon_yield(postscreen->daemon);
}

void postscreen_stop(struct postscreen *postscreen)
{
    map_destroy(&postscreen->clients);
    table_set_destroy(&postscreen->tables);
}

/* ---- how many there are ---- */

const struct postscreen_settings *postscreen_settings_now(const struct postscreen *postscreen)
{
    return postscreen->is_stressed ? postscreen->stressed : postscreen->settings;
}

bool postscreen_begin_screening(struct postscreen *postscreen)
{
    size_t limit = (size_t) postscreen->settings->pre_queue_limit;

    if (postscreen->screened >= limit)
        return false;
    postscreen->screened++;
    if (!postscreen->is_stressed && postscreen->screened * 10 >= limit * 9) {
        postscreen->is_stressed = true;
        log_stress(true, postscreen->screened);
    }
    return true;
}

void postscreen_end_screening(struct postscreen *postscreen)
{
    postscreen->screened--;
    if (postscreen->is_stressed && postscreen->screened * 10 <= (size_t) postscreen->settings->pre_queue_limit * 7) {
        postscreen->is_stressed = false;
        log_stress(false, postscreen->screened);
    }
}

bool postscreen_is_smtpd_busy(const struct postscreen *postscreen)
{
    return postscreen->waiting >= (size_t) postscreen->settings->post_queue_limit;
}
