/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_PROXY_HEADER_H
#define MAIL_PROXY_HEADER_H

#include "base/ip_address.h"
#include "base/str.h"

#include <stdbool.h>

/*
 * proxy_header - what a proxy sends in front of a connection that it passes on: PROXY protocol, version 1 (a line) and
 * 2 (binary). Pure, and fuzzed. Internet addresses over TCP only; of a v2 header's TLVs nothing is used.
 */
enum {
    PROXY_HEADER_LINE_MAXIMUM = 536, /* of version 1; the longest that is well-formed has 107 */
    PROXY_HEADER_FIXED = 16,         /* of version 2, without the addresses */
};

enum proxy_header_result {
    PROXY_HEADER_DONE,
    PROXY_HEADER_NEEDS_MORE,
    PROXY_HEADER_BAD,
};

struct proxy_header {
    size_t length; /* bytes of the header, which may be more than there are yet: the rest is for nobody */
    bool is_local; /* the proxy speaks for itself, as in health checks: the addresses are not set */
    struct ip_address client;
    struct ip_address server;
    uint16_t client_port;
    uint16_t server_port;
};

/* is_all: no more will come. problem_out is set with PROXY_HEADER_BAD: "bad or missing client address". */
MUST_USE enum proxy_header_result proxy_header_parse(struct str input, bool is_all, struct proxy_header *header_out,
                                                     const char **problem_out);

/* Whether a client's first line, and what follows it, is a header: from one that is not expected to send any. */
bool proxy_header_is_begun(struct str line, struct str following);

#endif
