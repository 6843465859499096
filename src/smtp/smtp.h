/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_SMTP_H
#define SMTP_SMTP_H

#include "config/own_addresses.h"
#include "smtp/settings.h"
#include "smtp/tables.h"

struct endpoint;
struct shared_settings;

/* smtp - what all deliveries of a process share. */
struct smtp {
    struct loop *loop;
    bool is_lmtp; /* RFC 2033 */
    const struct smtp_settings *settings;
    struct str myhostname;
    struct resolver *resolver;
    struct host_lookup *hosts;
    bool is_validating;          /* the resolver proves answers, or that nothing there is signed */
    struct dnssec_probe *probe;  /* NULL: nothing is probed */
    bool uses_dns;               /* as disable_dns_lookups and smtp_dns_support_level have it */
    struct own_address_list own; /* our addresses, those of proxy_interfaces among them: for loops */
    struct ip_address bind_ipv4; /* no family: any */
    struct ip_address bind_ipv6;
    struct smtp_tables tables;
    unsigned pix_workarounds; /* enum pix_workaround, where no table says otherwise */
    struct str service;       /* the name in master.cf */
    unsigned message_flags;   /* enum command_flag: flags= of master.cf */
    bool is_usable;           /* false: fault says what is wrong with flags=, and all mail waits */
    struct failure fault;
    struct session_cache *sessions;

    /* for the postmaster, see history.h */
    const struct shared_settings *shared;
    unsigned notice_classes;
    struct endpoint *cleanup;
    struct generic *generic;       /* NULL: no maps */
    struct login *login;           /* NULL: nowhere */
    struct encryption *encryption; /* NULL: with nobody */
};

#endif
