/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_DNSBL_REPLY_H
#define SMTPD_DNSBL_REPLY_H

#include "base/str.h"

struct arena;
struct check;

/* dnsbl_reply - what a client hears that a DNS list has refused: rbl_reply_maps, or default_rbl_reply. */
struct dnsbl_finding {
    const char *class; /* "Client host", $rbl_class */
    struct str what;   /* $rbl_what: the address, the name or the mail address that is listed */
    struct str domain; /* $rbl_domain: the list */
    struct str reason; /* $rbl_reason: what its TXT records say, or empty */
};

/*
 * The whole reply, "554 5.7.1 Service unavailable; ...", in the command's arena. For a template that
 * names what there is not the default is taken; one without a code says "450 4.7.1 Service unavailable". Both are told.
 */
struct str dnsbl_reply_make(const struct check *check, const struct dnsbl_finding *finding);

/* The characters of smtpd_expansion_filter, whose \t, \n, \40 (octal) and \\ stand for others. */
struct str dnsbl_reply_filter(struct arena *arena, struct str text);

#endif
