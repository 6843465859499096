/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_SRV_H
#define SMTP_SRV_H

#include "dns/answer.h"

/*
 * srv - the order in which the hosts of SRV records are tried (RFC 2782): by priority; among equals by lot, where a
 * host's weight is its share.
 */
void srv_order(struct dns_record *records, size_t count);

/* "_submission._tcp.example.com" */
struct str srv_name(struct arena *arena, struct str service, struct str domain);

#endif
