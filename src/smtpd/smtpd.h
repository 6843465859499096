/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_SMTPD_H
#define SMTPD_SMTPD_H

#include "base/time.h"
#include "config/own_addresses.h"
#include "config/shared_settings.h"
#include "mail/smtp_path.h"
#include "milter/service.h"
#include "smtpd/encryption.h"
#include "smtpd/restriction.h"
#include "smtpd/settings.h"
#include "table/debug_peers.h"
#include "table/match_list.h"
#include "table/table_list.h"

struct auth_server;
struct daemon;
struct destination_cache;
struct endpoint;
struct host_lookup;
struct loop;
struct main_cf;
struct proxy_service;
struct resolver;

/*
 * smtpd - what all sessions of the process share: settings, tables opened before the jail, the parsed
 * restriction lists, and the way to the services asked. Read-only once started, but for what is remembered.
 */
struct smtpd {
    struct daemon *daemon;
    struct main_cf *main_cf;
    struct loop *loop;
    struct arena *arena; /* ends with the process */
    const struct smtpd_settings *settings;
    const struct smtpd_settings
        *stressed; /* the same, with stress=yes: for sessions; lists and tables are made of the others */
    const struct shared_settings *shared;
    struct table_set *tables;

    struct match_list *mynetworks;
    struct own_address_list own_addresses; /* interfaces and proxies */
    struct match_list *bare_newline_exclusions;
    struct match_list *verp_clients;
    struct match_list *proxy_networks;
    struct match_list *limit_exceptions;
    struct match_list *xclient_hosts;
    struct match_list *xforward_hosts;
    struct debug_peers debug_peers;
    unsigned notice_classes; /* enum notice_class */
    struct match_list *noop_commands;
    struct match_list *forbidden_commands;
    struct match_list *log_permit_actions;
    struct match_list *mx_backup_networks;
    struct table_list *discard_ehlo_keyword_maps;
    struct table_list *command_filter;
    struct table_list *reject_filter_maps;
    struct table_list *reject_footer_maps;
    struct table_list *milter_maps;
    const struct milter_settings *milter_settings;
    struct milter_services milter_services; /* smtpd_milters */
    unsigned overrides;                     /* enum receive_override */
    bool access_parents_match;              /* parent_domain_matches_subdomains has smtpd_access_maps */

    struct table_list *local_recipient_maps;
    struct table_list *virtual_alias_maps;
    struct table_list *virtual_mailbox_maps;
    struct table_list *relay_recipient_maps;
    struct table_list *sender_login_maps;
    struct table_list *dns_reply_filter;
    struct table_list *canonical_maps;
    struct table_list *recipient_canonical_maps;

    struct table_list *rbl_reply_maps;
    struct str expansion_filter; /* smtpd_expansion_filter, its escapes read */

    struct restriction_class_list restriction_classes;
    const struct restriction_list *client_restrictions;
    const struct restriction_list *helo_restrictions;
    const struct restriction_list *sender_restrictions;
    const struct restriction_list *relay_restrictions;
    const struct restriction_list *recipient_restrictions;
    const struct restriction_list *data_restrictions;
    const struct restriction_list *end_of_data_restrictions;
    const struct restriction_list *etrn_restrictions;
    const struct rewriting_list *rewriting;
    /* Nothing in relay or recipient restrictions keeps strangers from relaying: all recipients are refused. */
    bool is_open_relay;
    struct policy_server *policy_servers; /* all that check_policy_service names */
    struct proxy_service *proxy;          /* smtpd_proxy_filter; NULL: none */
    uint64_t transactions;                /* begun so far */
    /* Started by a user as sendmail -bs: nothing is judged, and mail goes to postdrop. */
    bool is_standalone;
    bool has_logins;                 /* smtpd_sasl_auth_enable */
    struct auth_server *auth_server; /* NULL: without logins */
    struct match_list *login_exceptions;
    struct match_list *login_mechanism_filter;

    struct encryption encryption; /* TLS */

    struct str greeting; /* "220 ... CRLF" */
    unsigned discarded_keywords;
    struct endpoint *anvil;
    struct instant next_anvil_warning;  /* not before */
    struct instant next_anvil_question; /* the same */
    struct endpoint *cleanup;
    struct endpoint *rewrite;
    struct endpoint *verify;
    struct endpoint *flush;
    struct destination_cache *destination_cache;
    struct resolver *resolver;       /* of the client's name */
    struct resolver *names_resolver; /* of what restrictions ask: through smtpd_dns_reply_filter */
    struct host_lookup *host_lookup;

    /* of the queue's filesystem, see storage.h */
    uint64_t free_bytes;
    struct instant next_look_at_space;
};

/* Before the jail: settings, tables, lists. */
MUST_USE bool smtpd_open(struct daemon *daemon, struct smtpd **smtpd_out, struct failure *why);
/* In the jail. */
void smtpd_start(struct smtpd *smtpd);
void smtpd_stop(struct smtpd *smtpd);

/* How the address of MAIL and RCPT is read (smtp_path_take). */
static inline unsigned smtpd_path_flags(const struct smtpd *smtpd)
{
    unsigned flags = 0;

    if (smtpd->settings->strict_rfc821_envelopes)
        flags |= SMTP_PATH_STRICT;
    if (smtpd->shared->smtputf8_enable)
        flags |= SMTP_PATH_MAY_BE_UTF8;
    if (smtpd->shared->allow_min_user)
        flags |= SMTP_PATH_MAY_BEGIN_WITH_DASH;
    if (smtpd->settings->resolve_numeric_domain)
        flags |= SMTP_PATH_MAY_BE_NUMERIC;
    if (smtpd->settings->resolve_null_domain)
        flags |= SMTP_PATH_MAY_LACK_DOMAIN;
    return flags;
}

#endif
