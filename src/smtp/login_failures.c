/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/login_failures.h"

#include "auth/auth_digest.h"
#include "daemon/daemon.h"
#include "protocol/proxymap.h"
#include "smtp/log_lines.h"
#include "smtp/settings.h"
#include "table/table.h"

#include <inttypes.h>

enum { ANSWER_SECONDS = 100 };

struct login_failures {
    struct str table; /* without proxy: */
    struct duration lifetime;
    struct endpoint *proxywrite;
};

bool login_failures_open(const struct login_failures_options *options, struct daemon *daemon,
                         struct login_failures **failures_out, struct failure *why)
{
    struct str table = options->name;

    *failures_out = NULL;
    if (options->name.len == 0)
        return true;
    if (!str_starts_with(table, STR("proxy:")))
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "%s: SASL authentication cache name \"%.*s\" must start with \"proxy:\"", options->parameter,
                           STR_ARG(options->name));
    *failures_out = arena_new(daemon_arena(daemon), struct login_failures);
    (*failures_out)->table = str_from(table, STR("proxy:").len);
    (*failures_out)->lifetime = options->lifetime;
    return true;
}

void login_failures_start(struct login_failures *failures, struct daemon *daemon)
{
    const struct smtp_settings *settings = daemon_settings(daemon);

    if (failures != NULL)
        failures->proxywrite = daemon_endpoint(
            daemon, daemon_service_path(daemon, "private", settings->proxywrite_service_name), &proxymap_protocol);
}

/* ---- entries ---- */

struct str login_failure_format(struct arena *arena, struct instant when, struct str password, struct str reply)
{
    char digest[AUTH_DIGEST_SIZE];

    if (!auth_digest_make(password, digest))
        return STR_EMPTY;
    return arena_printf(arena, "%" PRId64 ";%s;%.*s", instant_seconds(when), digest, STR_ARG(reply));
}

bool login_failure_fits(struct str text, struct instant now, struct duration lifetime, struct str password,
                        struct str *reply_out)
{
    struct str when, digest;
    uint64_t second;

    return str_cut(text, ';', &when, &text) && str_to_uint64(when, &second) && second < INT32_MAX * UINT64_C(1000) &&
           instant_since(now, instant_from_seconds((int64_t) second)).us <= lifetime.us &&
           str_cut(text, ';', &digest, reply_out) && auth_digest_fits(digest, password);
}

static struct str key_of(struct arena *arena, struct str host, struct str username)
{
    return arena_printf(arena, "%.*s;%.*s", STR_ARG(host), STR_ARG(username));
}

/* False: it cannot be told, or done. */
static bool ask(struct login_failures *failures, const struct message_type *type, const void *request, struct str key,
                struct arena *arena, struct proxymap_value **answer_out)
{
    bool is_change = type == &proxymap_change_message;
    struct failure why = { .kind = FAILURE_NONE };
    void *reply;

    if (endpoint_ask(failures->proxywrite, type, request, &proxymap_value_message, arena, seconds(ANSWER_SECONDS),
                     &reply, &why)) {
        *answer_out = reply;
        if ((*answer_out)->status == PROXYMAP_FOUND || (*answer_out)->status == PROXYMAP_ABSENT)
            return true;
        (void) failure_set(&why, FAILURE_RETRY, 0, "%.*s",
                           STR_ARG((*answer_out)->status == PROXYMAP_DENIED ? STR("proxy_write_maps does not list it")
                                                                            : (*answer_out)->reason));
    }
    smtp_log_login_cache_trouble(failures->table, is_change ? "update" : "lookup", key, why.text);
    return false;
}

bool login_failures_has(struct login_failures *failures, struct str host, struct str username, struct str password,
                        struct arena *arena, struct str *reply_out)
{
    struct proxymap_lookup request;
    struct proxymap_value *answer;

    if (failures == NULL)
        return false;
    request = (struct proxymap_lookup){ .table = failures->table, .key = key_of(arena, host, username) };
    return ask(failures, &proxymap_lookup_message, &request, request.key, arena, &answer) &&
           answer->status == PROXYMAP_FOUND &&
           login_failure_fits(answer->value, clock_now(), failures->lifetime, password, reply_out);
}

void login_failures_add(struct login_failures *failures, struct str host, struct str username, struct str password,
                        struct str reply)
{
    struct proxymap_change request;
    struct proxymap_value *answer;
    struct arena *arena;

    if (failures == NULL)
        return;
    arena = arena_create();
    request = (struct proxymap_change){
        .table = failures->table,
        .key = key_of(arena, host, username),
        .value = login_failure_format(arena, clock_now(), password, reply),
    };
    if (request.value.len > 0)
        (void) !ask(failures, &proxymap_change_message, &request, request.key, arena, &answer);
    arena_destroy(&arena);
}
