/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_NETWORK_PATTERN_H
#define TABLE_NETWORK_PATTERN_H

#include "base/ip_address.h"

/* network_pattern - "192.0.2.0/24", "192.0.2.1", "[2001:db8::]/32", "[2001:db8::/32]", "2001:db8::1". */
struct network_pattern {
    struct ip_address network;
    unsigned bits;
};

enum { NETWORK_PATTERN_PROBLEM_MAX = 300 };

/* False with what is wrong in problem, in Postfix's words; a host address with bits beyond the mask is refused. */
bool network_pattern_parse(struct str text, struct network_pattern *pattern_out,
                           char problem[NETWORK_PATTERN_PROBLEM_MAX]);

bool network_pattern_matches(const struct network_pattern *pattern, const struct ip_address *address);

#endif
