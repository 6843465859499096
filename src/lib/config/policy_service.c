/* SPDX-License-Identifier: Apache-2.0 */
#include "config/policy_service.h"

#include "config/main_cf.h"
#include "config/server_place.h"

#include <limits.h>

static bool set_place(struct policy_service *service, struct str text, struct failure *why)
{
    struct server_place place;

    if (!server_place_parse(text, &place, why))
        return false;
    service->place = place.text;
    service->name = place.name;
    service->host = place.host;
    service->port = place.port;
    return true;
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
