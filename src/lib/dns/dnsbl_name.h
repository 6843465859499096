/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DNS_DNSBL_NAME_H
#define DNS_DNSBL_NAME_H

#include "base/arena.h"
#include "base/ip_address.h"

/* dnsbl_name - what a list by address is asked for (RFC 5782): "99.2.0.192.list.example"; empty for no address. */
struct str dnsbl_name(struct arena *arena, const struct ip_address *address, struct str list);

#endif
