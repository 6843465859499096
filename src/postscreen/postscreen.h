/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTSCREEN_POSTSCREEN_H
#define POSTSCREEN_POSTSCREEN_H

#include "base/list.h"
#include "postscreen/access.h"
#include "postscreen/dnsbl.h"
#include "postscreen/settings.h"
#include "run/fiber.h"
#include "table/match_list.h"
#include "table/table_list.h"

struct cache;
struct daemon;
struct endpoint;
struct map;
struct shared_settings;

/* postscreen - the service: what clients are tested by, what is known of them, and how many there are. */
struct postscreen {
    struct daemon *daemon;
    struct loop *loop;
    const struct postscreen_settings *settings;
    const struct postscreen_settings *stressed; /* the same with stress=yes, for times */
    const struct shared_settings *shared;
    struct table_set *tables;
    struct access_list access;
    struct match_list *allowlist_interfaces;
    struct match_list *forbidden_commands;
    struct table_list *dnsbl_reply_map;
    struct table_list *command_filter;
    struct table_list *discard_ehlo_keyword_maps;
    struct table_list *reject_footer_maps;
    struct dnsbl_sites sites;
    enum screen_tls_level tls_level;

    const char *smtpd_path;
    struct endpoint *dnsblog;
    struct endpoint *tlsproxy;

    struct cache *cache; /* NULL: a successor has it */
    struct fiber_group cleaning;
    struct event ends;

    struct list early;   /* clients that wait for the greeting: struct client, by their link */
    struct map *clients; /* by address: size_t, connections there are */
    size_t screened;     /* clients that are tested now */
    size_t waiting;      /* for smtpd */
    bool is_stressed;
};

/* Before the jail. */
MUST_USE bool postscreen_open(struct daemon *daemon, struct postscreen **postscreen_out, struct failure *why);
void postscreen_start(struct postscreen *postscreen);
void postscreen_drain(struct postscreen *postscreen);
void postscreen_stop(struct postscreen *postscreen);

/* As they are for a client that comes now. */
const struct postscreen_settings *postscreen_settings_now(const struct postscreen *postscreen);
/* One more, or one less. The first: false when there are as many as may be. */
MUST_USE bool postscreen_begin_screening(struct postscreen *postscreen);
void postscreen_end_screening(struct postscreen *postscreen);
/* As many clients wait for smtpd as may. */
bool postscreen_is_smtpd_busy(const struct postscreen *postscreen);

#endif
