/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DNS_DNSBL_FILTER_H
#define DNS_DNSBL_FILTER_H

#include "base/failure.h"
#include "base/ip_address.h"
#include "base/str.h"

/*
 * dnsbl_filter - which answers of a DNS list count: "127.0.0.3", or "127.0.[0..2].[3;5;8..10]", where each of the four
 * numbers may be a set in brackets, of numbers and ranges with ';' between them.
 */
struct dnsbl_filter {
    uint8_t allowed[4][32]; /* a bit for each value of each octet */
};

/* The failure says what is wrong with the text. */
MUST_USE bool dnsbl_filter_parse(struct str text, struct dnsbl_filter *filter_out, struct failure *why);
/* False for an IPv6 address. */
bool dnsbl_filter_has(const struct dnsbl_filter *filter, const struct ip_address *address);

#endif
