/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_NAMES_H
#define SMTPD_NAMES_H

#include "dns/answer.h"
#include "dns/host_lookup.h"

struct session;

/*
 * names - what the restrictions ask the DNS: each question once a session, and those that can be foreseen side by
 * side. What was answered is kept, trouble too, so that the recipients of one message are judged alike; after a minute,
 * or some hundred answers, the next command asks anew.
 */
struct names;

/* The answer, waited for if nobody has it yet. Never fails: trouble is DNS_UNKNOWN. Good until the command's end. */
const struct dns_answer *names_ask(struct session *session, struct str name, enum dns_type type);

/* Whether the log is to be told now that this answer was trouble: true once. */
bool names_tell_once(struct session *session, struct str name, enum dns_type type);

/* Begins to ask what names_ask will want soon, 20 questions at a time; the others queue. Does not wait. */
void names_foresee(struct session *session, struct str name, enum dns_type type);

/* A domain that says that it takes no mail (RFC 7505). */
bool names_has_null_mx(const struct dns_answer *answer);

/* Whether smtpd_dns_reply_filter has left nothing of what was said of name: it was asked before. */
bool names_were_dropped(struct session *session, struct str name);

/* Whether an answer is DNS_UNKNOWN because of the filter. */
bool names_is_filters_fault(const struct dns_answer *answer);

/* Whether a host has an address of either family: it need not be one that we could reach. */
enum dns_outcome names_find_address(struct session *session, struct str name);
void names_foresee_any_address(struct session *session, struct str name);

/*
 * A host's addresses, of the families that are used here; the same with them. As smtpd_dns_reply_filter is for what
 * names say of mail, it does not judge these.
 */
void names_addresses(struct session *session, struct str name, struct arena *arena,
                     struct host_addresses *addresses_out);
void names_foresee_addresses(struct session *session, struct str name);

/* The hosts of one answer (mail exchangers, name servers) that are looked at; no honest domain has as many. */
enum { NAMES_HOSTS_MAXIMUM = 100 };

/* Begins to ask for the addresses of those hosts. */
void names_foresee_hosts(struct session *session, const struct dns_answer *hosts);

/* A command begins: what is too much is forgotten, and given up where it is still asked. */
void names_trim(struct session *session);
/* What is still asked is given up. */
void names_end(struct session *session);

#endif
