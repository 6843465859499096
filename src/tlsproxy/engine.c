/* SPDX-License-Identifier: Apache-2.0 */
#include "tlsproxy/engine.h"

#include "config/main_cf.h"
#include "config/shared_settings.h"
#include "daemon/daemon.h"
#include "protocol/tlsmgr.h"
#include "tls/settings.h"
#include "tlsproxy/log_lines.h"

static void inform(void *context, const char *text)
{
    (void) context;
    log_tls(text);
}

static void warn(void *context, const char *text)
{
    (void) context;
    log_tls_warning(text);
}

static void watch(void *context, const char *path)
{
    daemon_watch_file(context, path);
}

static enum tlsproxy_level level_of(const struct tlsproxy_settings *settings)
{
    if (settings->security_level > 0)
        return (enum tlsproxy_level)(settings->security_level - 1);
    return settings->enforce ? TLSPROXY_REQUIRED : settings->use ? TLSPROXY_MAY : TLSPROXY_NONE;
}

static enum tls_name_result find_name(void *context, struct str name, struct arena *arena, struct str *pem_out)
{
    struct engine *engine = context;
    struct failure why;
    struct str value;

    switch (table_list_find(engine->sni_maps, name, TABLE_ANY_KIND, arena, &value, &why)) {
    case TABLE_FOUND:
        if (tls_identity_decode(value, arena, pem_out))
            return TLS_NAME_FOUND;
        log_bad_server_name_value(table_list_title(engine->sni_maps), name);
        return TLS_NAME_BROKEN;
    case TABLE_UNKNOWN:
        log_table_trouble(table_list_title(engine->sni_maps), why.text);
        return TLS_NAME_BROKEN;
    case TABLE_ABSENT:
        break;
    }
    return TLS_NAME_ABSENT;
}

static void open_tables(struct engine *engine, struct daemon *daemon)
{
    const struct table_set_options options = {
        .loop = daemon_loop(daemon),
        .proxymap_path = daemon_service_path(daemon, "private", daemon_shared(daemon)->proxymap_service_name),
        .warn = warn,
        .opening = watch,
        .opening_context = daemon,
        .cf = daemon_main_cf(daemon),
        .is_confined = true,
    };

    engine->tables = table_set_create(&options);
    engine->sni_maps =
        table_list_open(engine->tables, STR("tls_server_sni_maps"), engine->tls_settings->server_sni_maps, TABLE_FOLD);
}

static struct tls_server *make_server(struct engine *engine, struct daemon *daemon)
{
    const struct tlsproxy_settings *settings = engine->settings;
    bool is_required = level_of(settings) == TLSPROXY_REQUIRED;
    bool requires_certificate = is_required && settings->require_certificate;
    const struct str exclusions[] = { settings->exclude_ciphers, settings->mandatory_exclude_ciphers };
    const struct tls_server_options options = {
        .settings = engine->tls_settings,
        .identity = { .side = "tlsproxy",
                      .chain_files = settings->chain_files,
                      .certificate_file = settings->certificate_file,
                      .key_file = settings->key_file,
                      .dsa_certificate_file = settings->dsa_certificate_file,
                      .dsa_key_file = settings->dsa_key_file,
                      .ec_certificate_file = settings->ec_certificate_file,
                      .ec_key_file = settings->ec_key_file },
        .authorities = { settings->ca_file, settings->ca_path, engine->tls_settings->append_default_ca },
        .protocols = is_required ? settings->mandatory_protocols : settings->protocols,
        .ciphers = is_required ? settings->mandatory_ciphers : settings->ciphers,
        .exclusions = exclusions,
        .exclusion_count = is_required ? 2 : 1,
        .dh_file = settings->dh_file,
        .asks_certificate = settings->ask_certificate || requires_certificate,
        .requires_certificate = requires_certificate,
        .verify_depth = settings->verify_depth,
        .fingerprint_digest = settings->fingerprint_digest,
        .session_lifetime = settings->session_lifetime,
        .session_context = str_from_c(daemon_service(daemon)),
        .ticket_source = &engine->ticket_source,
        .log_level = settings->log_level,
        .opening = watch,
        .opening_context = daemon,
        .listener = &engine->listener,
        .find_name = table_list_is_empty(engine->sni_maps) ? NULL : find_name,
        .find_context = engine,
    };

    return tls_server_create(&options);
}

bool engine_open(struct engine *engine, struct daemon *daemon, struct failure *why)
{
    void *tls_settings;

    engine->settings = daemon_settings(daemon);
    engine->listener = (struct tls_listener){ .inform = inform, .warn = warn };
    engine->ticket_source = (struct tls_ticket_source){ tls_ticket_service_fetch, &engine->tickets };
    if (level_of(engine->settings) == TLSPROXY_NONE)
        return true;
    if (!settings_load(&tls_settings_table, daemon_main_cf(daemon), STR_EMPTY, daemon_arena(daemon), &tls_settings,
                       why))
        return false;
    engine->tls_settings = tls_settings;
    if (!tls_library_open(engine->tls_settings, why))
        return false;
    open_tables(engine, daemon);
    engine->server = make_server(engine, daemon);
    if (engine->server == NULL && daemon_is_successor(daemon))
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "keys and certificates that were in force before stay in force");
    return true;
}

void engine_start(struct engine *engine, struct daemon *daemon)
{
    engine->tickets.name = str_from_c(daemon_service(daemon));
    engine->tickets.tlsmgr = daemon_endpoint(
        daemon, daemon_service_path(daemon, "private", daemon_shared(daemon)->tlsmgr_service_name), &tlsmgr_protocol);
}

void engine_close(struct engine *engine)
{
    tls_server_destroy(&engine->server);
    if (engine->tables != NULL)
        table_set_destroy(&engine->tables);
}
