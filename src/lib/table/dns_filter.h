/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_DNS_FILTER_H
#define TABLE_DNS_FILTER_H

#include "dns/resolver.h"

/*
 * dns_filter - smtp_dns_reply_filter, smtpd_dns_reply_filter: records that the tables match are overlooked. A record is
 * shown to them as "example.com. 3600 IN MX 10 mx.example.com.".
 */

/* For resolver_set_filter; context is the struct table_list. */
enum resolver_verdict dns_filter_judge(void *context, struct str owner, const struct dns_record *record);

/* How a record is shown. In the arena. */
struct str dns_filter_text(struct arena *arena, struct str owner, const struct dns_record *record);

#endif
