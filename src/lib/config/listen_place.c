/* SPDX-License-Identifier: Apache-2.0 */
#include "config/listen_place.h"

#include "config/own_addresses.h"
#include "config/programs.h"
#include "config/shared_settings.h"
#include "os/system_socket.h"

static struct str name_of(const struct master_service *service)
{
    return service->fields[MASTER_FIELD_NAME];
}

struct str listen_path(const struct master_service *service, struct arena *arena)
{
    return arena_printf(arena, "%s/%.*s", service->is_private ? "private" : "public", STR_ARG(name_of(service)));
}

/* "host:port", "[v6]:port" or "port". */
static bool split_name(struct str name, struct str *host_out, struct str *port_out)
{
    size_t colon = str_find_last_char(name, ':');

    *host_out = STR_EMPTY;
    *port_out = name;
    if (colon == STR_NOT_FOUND)
        return true;
    *host_out = str_part(name, 0, colon);
    *port_out = str_from(name, colon + 1);
    if (str_starts_with(*host_out, STR("[")) && str_ends_with(*host_out, STR("]")))
        *host_out = str_part(*host_out, 1, host_out->len - 2);
    return host_out->len > 0;
}

static void add_any(struct listen_places *places, const char *text, unsigned port, bool may_be_missing)
{
    struct listen_place *place = &places->items[places->count];

    place->port = port;
    place->may_be_missing = may_be_missing;
    places->count += ip_address_parse(str_from_c(text), &place->address);
}

static bool add_list(struct listen_places *places, const struct own_address_list *list, unsigned port,
                     struct failure *why)
{
    if (list->count == 0)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "there is no address to listen on");
    if (list->count > LISTEN_PLACES_MAX)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "more than %d addresses to listen on", LISTEN_PLACES_MAX);
    for (size_t i = 0; i < list->count; i++)
        places->items[places->count++] = (struct listen_place){ .address = list->items[i].address, .port = port };
    return true;
}

static bool find_inet(const struct shared_settings *shared, const struct master_service *service, struct arena *arena,
                      struct listen_places *places, struct failure *why)
{
    struct own_address_list list;
    struct inet_protocols protocols;
    struct str host, port_text;
    unsigned port;

    if (!split_name(name_of(service), &host, &port_text) || !system_socket_parse_port(port_text, &port))
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "no port is known by the name of service %.*s; write a number, host:port, or a name that "
                           "/etc/services has",
                           STR_ARG(name_of(service)));
    if (!inet_protocols_parse(shared->inet_protocols, &protocols, why))
        return false;
    if (host.len == 0 && str_equal_nocase(str_trim(shared->inet_interfaces), STR("all"))) {
        if (protocols.has_ipv4)
            add_any(places, "0.0.0.0", port, false);
        if (protocols.has_ipv6)
            add_any(places, "::", port, protocols.has_ipv4);
        return true;
    }
    return own_addresses_of(host.len > 0 ? host : shared->inet_interfaces, protocols, arena, &list, why) &&
           add_list(places, &list, port, why);
}

bool listen_places_of(const struct shared_settings *shared, const struct master_service *service, struct arena *arena,
                      struct listen_places *places_out, struct failure *why)
{
    struct listen_places places = { .items = arena_new_array(arena, LISTEN_PLACES_MAX, struct listen_place) };

    if (service->type != MASTER_SERVICE_INET)
        places.items[places.count++].path = listen_path(service, arena);
    else if (!find_inet(shared, service, arena, &places, why))
        return false;
    *places_out = places;
    return true;
}

struct str listen_place_text(const struct listen_place *place, struct arena *arena)
{
    char text[IP_ADDRESS_TEXT_MAX];

    if (place->path.len > 0)
        return place->path;
    return arena_printf(arena, "%s port %u", ip_address_format(&place->address, text), place->port);
}

static bool listens_for_all(const struct ip_address *address)
{
    static const struct ip_address none = { 0 };

    return memcmp(address->bytes, none.bytes, sizeof none.bytes) == 0;
}

static bool is_shared(const struct listen_place *a, const struct listen_place *b)
{
    if (a->path.len > 0 || b->path.len > 0)
        return str_equal(a->path, b->path);
    if (a->port != b->port || a->address.family != b->address.family)
        return false;
    return listens_for_all(&a->address) || listens_for_all(&b->address) || ip_address_equal(&a->address, &b->address);
}

static bool are_apart(const struct master_service *first, const struct listen_places *its,
                      const struct master_service *second, const struct listen_places *others, struct arena *arena,
                      struct failure *why)
{
    for (size_t i = 0; i < its->count; i++) {
        for (size_t j = 0; j < others->count; j++) {
            struct str place;

            if (!is_shared(&its->items[i], &others->items[j]))
                continue;
            place = listen_place_text(&its->items[i], arena);
            return failure_set(
                why, FAILURE_CONFIGURATION, 0, "services %.*s/%s (line %u) and %.*s/%s (line %u) both listen on %.*s",
                STR_ARG(name_of(first)), master_service_type_name(first->type), first->line, STR_ARG(name_of(second)),
                master_service_type_name(second->type), second->line, STR_ARG(place));
        }
    }
    return true;
}

static bool is_started(const struct master_service *service)
{
    const struct program *program = program_find(service->fields[MASTER_FIELD_COMMAND]);

    return program != NULL && program->state == PROGRAM_OURS;
}

bool listen_places_are_apart(const struct shared_settings *shared, const struct master_service *services, size_t count,
                             struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct listen_places *places = arena_new_array(arena, count, struct listen_places);

    for (size_t i = 0; i < count; i++) {
        if (!is_started(&services[i]) || !listen_places_of(shared, &services[i], arena, &places[i], NULL))
            continue;
        for (size_t j = 0; j < i; j++) {
            if (!are_apart(&services[j], &places[j], &services[i], &places[i], arena, why))
                return false;
        }
    }
    return true;
}
