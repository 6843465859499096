/* SPDX-License-Identifier: Apache-2.0 */
#include "os/known_ports.h"

#include <stdio.h>

enum { PORTS_MAX = 64, NAME_SIZE = 64 };

struct known_port {
    char name[NAME_SIZE];
    unsigned port;
};

static struct known_port ports[PORTS_MAX];
static size_t port_count;

static bool refuse(struct str word, struct failure *why)
{
    return failure_set(why, FAILURE_CONFIGURATION, 0,
                       "known_tcp_ports: %.*s: write name=port, or name=name=port, with a port of 1 to 65535",
                       STR_ARG(word));
}

/* "smtps=submissions=465": behind the last sign is what all the names before it mean. */
static bool take(struct str word, struct known_port *taken, size_t *count, struct failure *why)
{
    size_t last = str_find_last_char(word, '=');
    struct str names = str_part(word, 0, last), name;
    uint64_t port;
    bool has_more = true;

    if (last >= word.len || names.len == 0 || !str_to_uint64(str_from(word, last + 1), &port) || port == 0 ||
        port > UINT16_MAX)
        return refuse(word, why);
    while (has_more) {
        has_more = str_cut(names, '=', &name, &names);
        if (name.len == 0 || name.len >= NAME_SIZE || *count == PORTS_MAX)
            return refuse(word, why);
        snprintf(taken[*count].name, NAME_SIZE, "%.*s", STR_ARG(name));
        taken[(*count)++].port = (unsigned) port;
    }
    return true;
}

bool known_ports_set(struct str list, struct failure *why)
{
    struct known_port taken[PORTS_MAX];
    size_t count = 0;
    struct str word;

    while (str_next_word(&list, ", \t\r\n", &word)) {
        if (!take(word, taken, &count, why))
            return false;
    }
    memcpy(ports, taken, count * sizeof *ports);
    port_count = count;
    return true;
}

bool known_ports_find(struct str name, unsigned *port_out)
{
    for (size_t i = 0; i < port_count; i++) {
        if (str_equal_nocase(name, str_from_c(ports[i].name))) {
            *port_out = ports[i].port;
            return true;
        }
    }
    return false;
}
