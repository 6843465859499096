/* SPDX-License-Identifier: Apache-2.0 */
#include "config/server_place.h"

#include "os/system_socket.h"

static bool set_host_and_port(struct server_place *place, struct failure *why)
{
    const size_t colon = str_find_last_char(place->name, ':');

    if (colon == STR_NOT_FOUND) {
        place->host = STR("localhost");
        return system_socket_parse_port(place->name, &place->port) ||
               failure_set(why, FAILURE_CONFIGURATION, 0, "\"%.*s\": need unix:path or inet:host:port",
                           STR_ARG(place->name));
    }
    place->host = str_part(place->name, 0, colon);
    if (str_starts_with(place->host, STR("[")) && str_ends_with(place->host, STR("]")))
        place->host = str_part(place->host, 1, place->host.len - 2);
    if (place->host.len == 0)
        place->host = STR("localhost");
    if (!system_socket_parse_port(str_from(place->name, colon + 1), &place->port))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "\"%.*s\": no port of that name", STR_ARG(place->name));
    return true;
}

bool server_place_parse(struct str text, struct server_place *place_out, struct failure *why)
{
    *place_out = (struct server_place){ .text = text, .name = text, .host = STR_EMPTY };
    if (str_starts_with(text, STR("unix:"))) {
        place_out->name = str_from(text, strlen("unix:"));
        return place_out->name.len > 0 ||
               failure_set(why, FAILURE_CONFIGURATION, 0, "\"%.*s\": no path is named", STR_ARG(text));
    }
    if (str_starts_with(text, STR("inet:")))
        place_out->name = str_from(text, strlen("inet:"));
    return set_host_and_port(place_out, why);
}
