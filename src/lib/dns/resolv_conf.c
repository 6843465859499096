/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/resolv_conf.h"

#include "base/cursor.h"

enum { DNS_PORT = 53 };

static void add_server(struct resolv_conf *conf, struct str word)
{
    struct str address, port;
    uint64_t number = DNS_PORT;

    if (conf->count == RESOLV_CONF_SERVERS_MAX)
        return;
    if (str_cut(word, '@', &address, &port) && (!str_to_uint64(port, &number) || number == 0 || number > UINT16_MAX))
        return;
    /* The C library wants an interface for link-local servers; those are left to it. */
    if (!ip_address_parse(address, &conf->servers[conf->count].address))
        return;
    conf->servers[conf->count++].port = (uint16_t) number;
}

void resolv_conf_parse(struct resolv_conf *conf, struct str text)
{
    struct cursor cursor = cursor_over(text);
    struct str line, word;

    memset(conf, 0, sizeof(*conf));
    while (cursor_take_line(&cursor, &line)) {
        if (str_next_word(&line, " \t", &word) && str_equal(word, STR("nameserver")) &&
            str_next_word(&line, " \t", &word))
            add_server(conf, word);
    }
    if (conf->count == 0)
        add_server(conf, STR("127.0.0.1"));
}

bool resolv_conf_equal(const struct resolv_conf *a, const struct resolv_conf *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (a->servers[i].port != b->servers[i].port ||
            !ip_address_equal(&a->servers[i].address, &b->servers[i].address))
            return false;
    }
    return true;
}
