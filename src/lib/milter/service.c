/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/service.h"

#include "config/main_cf.h"
#include "dns/host_lookup.h"
#include "milter/settings.h"
#include "os/system_socket.h"
#include "run/loop.h"
#include "run/socket.h"

#include <errno.h>

/* ---- what main.cf says ---- */

bool milter_default_parse(struct str word, enum milter_default *action_out)
{
    static const char *const words[] = {
        [MILTER_DEFAULT_ACCEPT] = "accept",     [MILTER_DEFAULT_REJECT] = "reject",
        [MILTER_DEFAULT_TEMPFAIL] = "tempfail", [MILTER_DEFAULT_QUARANTINE] = "quarantine",
        [MILTER_DEFAULT_SHUTDOWN] = "shutdown",
    };

    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (!str_equal(word, str_from_c(words[i])))
            continue;
        *action_out = (enum milter_default) i;
        return true;
    }
    return false;
}

/* The first trouble is told. */
static void complain(struct milter_service *service, struct arena *arena, const char *what, struct str text)
{
    if (service->trouble.len == 0)
        service->trouble = arena_printf(arena, "%s: %.*s", what, STR_ARG(text));
}

static void set_default(struct milter_service *service, struct arena *arena, struct str word)
{
    if (!milter_default_parse(word, &service->default_action))
        complain(service, arena, "unrecognized default action", word);
}

static void set_protocol(struct milter_service *service, struct arena *arena, struct str text)
{
    struct str rest = text, word;
    uint64_t version = 0;

    service->has_no_header_reply = false;
    while (str_next_word(&rest, ", \t\r\n", &word)) {
        if (str_equal(word, STR("no_header_reply")))
            service->has_no_header_reply = true;
        else if (version != 0 || !str_to_uint64(word, &version))
            version = 1;
    }
    service->version = (unsigned) version;
    if (version != 2 && version != 3 && version != 4 && version != 6)
        complain(service, arena, "bad protocol information", text);
}

static void set_time(struct milter_service *service, struct arena *arena, struct duration *time, struct str name,
                     struct str value)
{
    int64_t number;

    if (main_cf_parse_time(value, 's', &number) && number > 0)
        *time = seconds(number);
    else
        complain(service, arena, "bad time", arena_printf(arena, "%.*s=%.*s", STR_ARG(name), STR_ARG(value)));
}

static void set_one(struct milter_service *service, struct arena *arena, struct str word)
{
    struct str name, value;

    if (!main_cf_split_assignment(word, &name, &value))
        complain(service, arena, "missing '=' after attribute name", word);
    else if (str_equal(name, STR("connect_timeout")))
        set_time(service, arena, &service->connect_timeout, name, value);
    else if (str_equal(name, STR("command_timeout")))
        set_time(service, arena, &service->command_timeout, name, value);
    else if (str_equal(name, STR("content_timeout")))
        set_time(service, arena, &service->content_timeout, name, value);
    else if (str_equal(name, STR("default_action")))
        set_default(service, arena, value);
    else if (str_equal(name, STR("protocol")))
        set_protocol(service, arena, value);
    else
        complain(service, arena, "unknown option", word);
}

static void set_host(struct milter_service *service, struct arena *arena, struct str place)
{
    size_t colon = str_find_last_char(place, ':');
    struct str host = colon == STR_NOT_FOUND ? STR_EMPTY : str_part(place, 0, colon);

    if (str_starts_with(host, STR("[")) && str_ends_with(host, STR("]")))
        host = str_part(host, 1, host.len - 2);
    service->host = arena_str(arena, host.len > 0 ? host : STR("localhost"));
    if (!system_socket_parse_port(colon == STR_NOT_FOUND ? place : str_from(place, colon + 1), &service->port))
        complain(service, arena, "no port of that name", place);
}

static void set_place(struct milter_service *service, struct arena *arena, struct str place)
{
    struct str type, rest;

    service->name = arena_str(arena, place);
    if (!str_cut(place, ':', &type, &rest))
        complain(service, arena, "no transport name in Milter service", place);
    else if (str_equal(type, STR("inet")))
        set_host(service, arena, rest);
    else if (str_equal(type, STR("unix")) || str_equal(type, STR("local")))
        service->path = arena_c(arena, rest);
    else
        complain(service, arena,
                 arena_printf(arena, "invalid transport name: %.*s in Milter service", STR_ARG(type)).data, place);
}

static void parse_one(struct milter_service *service, struct str text, const struct milter_settings *settings,
                      struct arena *arena)
{
    bool is_braced = str_starts_with(text, STR("{"));
    struct strlist words =
        main_cf_words(is_braced ? str_trim(str_part(text, 1, text.len > 1 ? text.len - 2 : 0)) : text, arena);

    *service = (struct milter_service){
        .connect_timeout = settings->connect_timeout,
        .command_timeout = settings->command_timeout,
        .content_timeout = settings->content_timeout,
        .default_action = MILTER_DEFAULT_TEMPFAIL,
        .name = arena_str(arena, text),
    };
    if (words.count == 0 || (is_braced && !str_ends_with(text, STR("}")))) {
        complain(service, arena, "no Milter service in", text);
        return;
    }
    set_default(service, arena, settings->default_action);
    set_protocol(service, arena, settings->protocol);
    /* What the milter has of its own takes the place of what is wrong for all. */
    for (size_t i = 1; i < words.count; i++) {
        if (str_starts_with(words.items[i], STR("default_action")) || str_starts_with(words.items[i], STR("protocol")))
            service->trouble = STR_EMPTY;
    }
    set_place(service, arena, words.items[0]);
    for (size_t i = 1; i < words.count; i++)
        set_one(service, arena, words.items[i]);
}

struct milter_services milter_services_parse(struct str list, const struct milter_settings *settings,
                                             struct arena *arena)
{
    struct strlist words = main_cf_words(list, arena);
    struct milter_services services = { .count = words.count };

    services.items = arena_new_array(arena, words.count + 1, struct milter_service);
    for (size_t i = 0; i < words.count; i++)
        parse_one(&services.items[i], words.items[i], settings, arena);
    return services;
}

/* ---- connections ---- */

static bool dial_host(struct loop *loop, struct host_lookup *lookup, const struct milter_service *service,
                      struct arena *arena, int *fd_out, struct failure *why)
{
    struct instant deadline = instant_add(clock_monotonic(), service->connect_timeout);
    struct host_addresses addresses;

    host_lookup_addresses(lookup, service->host, arena, &addresses);
    if (addresses.outcome != DNS_FOUND || addresses.count == 0)
        return failure_set(why, FAILURE_RETRY, 0, "host %.*s not found%s%s", STR_ARG(service->host),
                           addresses.reason != NULL ? ": " : "", addresses.reason != NULL ? addresses.reason : "");
    for (size_t i = 0; i < addresses.count; i++) {
        struct duration left = instant_since(deadline, clock_monotonic());
        struct socket_address address;

        if (left.us <= 0)
            return failure_set(why, FAILURE_TIMEOUT, ETIMEDOUT, "connect");
        socket_address_from_ip(&addresses.items[i], (uint16_t) service->port, &address);
        if (socket_connect(loop, &address, NULL, left, fd_out, why))
            return true;
    }
    return false;
}

bool milter_dial(struct loop *loop, struct host_lookup *lookup, const struct milter_service *service, int *fd_out,
                 struct failure *why)
{
    struct arena *arena;
    bool is_connected;

    if (service->path != NULL)
        return socket_connect_unix(loop, service->path, service->connect_timeout, fd_out, why);
    arena = arena_create();
    is_connected = dial_host(loop, lookup, service, arena, fd_out, why);
    arena_destroy(&arena);
    return is_connected;
}
