/* SPDX-License-Identifier: Apache-2.0 */
#include "config/policy_service.h"

#include "config/main_cf.h"
#include "os/system_socket.h"

#include <limits.h>

static bool set_host_and_port(struct policy_service *service, struct failure *why)
{
    struct str place = service->name;
    const size_t colon = str_find_last_char(place, ':');

    if (colon == STR_NOT_FOUND)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "\"%.*s\": need unix:path or inet:host:port", STR_ARG(place));
    service->host = str_part(place, 0, colon);
    if (str_starts_with(service->host, STR("[")) && str_ends_with(service->host, STR("]")))
        service->host = str_part(service->host, 1, service->host.len - 2);
    if (service->host.len == 0)
        service->host = STR("localhost");
    if (!system_socket_parse_port(str_from(place, colon + 1), &service->port))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "\"%.*s\": no port of that name", STR_ARG(place));
    return true;
}

static bool set_place(struct policy_service *service, struct str place, struct failure *why)
{
    service->place = place;
    service->name = place;
    if (str_starts_with(place, STR("unix:"))) {
        service->name = str_from(place, strlen("unix:"));
        return true;
    }
    if (str_starts_with(place, STR("inet:")))
        service->name = str_from(place, strlen("inet:"));
    return set_host_and_port(service, why);
}

static bool set_time(struct duration *out, struct str value)
{
    int64_t number;

    if (!main_cf_parse_time(value, 's', &number))
        return false;
    *out = seconds(number);
    return true;
}

static bool set_count(int *out, struct str value)
{
    uint64_t number;

    if (!str_to_uint64(value, &number) || number > INT_MAX)
        return false;
    *out = (int) number;
    return true;
}

static bool set_one(struct policy_settings *settings, struct str name, struct str value)
{
    if (str_equal(name, STR("default_action")))
        settings->default_action = value;
    else if (str_equal(name, STR("policy_context")))
        settings->context = value;
    else if (str_equal(name, STR("timeout")))
        return set_time(&settings->timeout, value);
    else if (str_equal(name, STR("max_idle")))
        return set_time(&settings->max_idle, value);
    else if (str_equal(name, STR("max_ttl")))
        return set_time(&settings->max_ttl, value);
    else if (str_equal(name, STR("retry_delay")))
        return set_time(&settings->retry_delay, value);
    else if (str_equal(name, STR("request_limit")))
        return set_count(&settings->request_limit, value);
    else if (str_equal(name, STR("try_limit")))
        return set_count(&settings->try_limit, value);
    else
        return false;
    return true;
}

static struct str without_braces(struct str text)
{
    if (text.len >= 2 && text.data[0] == '{' && text.data[text.len - 1] == '}')
        return str_trim(str_part(text, 1, text.len - 2));
    return text;
}

bool policy_service_parse(struct str text, const struct policy_settings *defaults, struct arena *arena,
                          struct policy_service *service_out, struct failure *why)
{
    const struct strlist words = main_cf_words(arena_str(arena, without_braces(text)), arena);
    struct policy_service service = { .settings = *defaults };
    struct str name, value;

    if (words.count == 0)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "no server is named");
    if (!set_place(&service, words.items[0], why))
        return false;
    for (size_t i = 1; i < words.count; i++) {
        const struct str word = without_braces(words.items[i]);

        if (!main_cf_split_assignment(word, &name, &value) || !set_one(&service.settings, name, value))
            return failure_set(why, FAILURE_CONFIGURATION, 0, "%.*s: \"%.*s\" is no setting of a policy service",
                               STR_ARG(service.place), STR_ARG(word));
    }
    *service_out = service;
    return true;
}
