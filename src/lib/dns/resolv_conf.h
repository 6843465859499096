/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DNS_RESOLV_CONF_H
#define DNS_RESOLV_CONF_H

#include "base/ip_address.h"
#include "base/str.h"
#include "base/time.h"

/*
 * resolv_conf - the name servers that resolv.conf(5) lists, how long they are waited for, and the domains in which
 * names are searched. Beside its "nameserver 192.0.2.1", the form "nameserver 192.0.2.1@5353" gives a port. Of
 * "options", timeout:n and attempts:n count; of "search" and "domain" the last. Lines that say something else are left
 * alone.
 */
enum { RESOLV_CONF_SERVERS_MAX = 8, RESOLV_CONF_DOMAINS_MAX = 6, RESOLV_CONF_DOMAIN_SIZE = 256 };

struct resolv_conf {
    struct {
        struct ip_address address;
        uint16_t port;
    } servers[RESOLV_CONF_SERVERS_MAX];
    size_t count; /* at least 1: without any, 127.0.0.1 as the C library has it */
    char domains[RESOLV_CONF_DOMAINS_MAX][RESOLV_CONF_DOMAIN_SIZE]; /* without the dot at the end */
    size_t domain_count;
    struct duration timeout; /* for a lookup: all attempts, at each server in turn; 0 if no option is given */
};

void resolv_conf_parse(struct resolv_conf *conf, struct str text);
bool resolv_conf_equal(const struct resolv_conf *a, const struct resolv_conf *b);

#endif
