/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/host_port.h"

#include <string.h>

static bool parse_port(const char *text, unsigned *port_out)
{
    *port_out = 0;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c < '0' || *c > '9')
            return false;
        *port_out = *port_out * 10 + (unsigned) (*c - '0');
        if (*port_out > 65535)
            return false;
    }
    return *port_out > 0;
}

bool host_port_parse(const char *text, struct host_port *place_out)
{
    const char *colon;
    size_t len;

    *place_out = (struct host_port){ .port = 0 };
    if (strncmp(text, "unix:", 5) == 0 || strncmp(text, "inet:", 5) == 0)
        text += 5;
    if (text[0] == '/') {
        place_out->path = text;
        return true;
    }
    if (text[0] == '[') {
        const char *end = strchr(++text, ']');

        if (end == NULL || (end[1] != '\0' && end[1] != ':'))
            return false;
        len = (size_t) (end - text);
        colon = end[1] == ':' ? end + 1 : NULL;
    } else {
        colon = strchr(text, ':');
        /* Two of them and no brackets: an address of IPv6. */
        if (colon != NULL && strchr(colon + 1, ':') != NULL)
            colon = NULL;
        len = colon == NULL ? strlen(text) : (size_t) (colon - text);
    }
    if (len == 0 || len >= sizeof(place_out->host))
        return false;
    memcpy(place_out->host, text, len);
    return colon == NULL || parse_port(colon + 1, &place_out->port);
}
