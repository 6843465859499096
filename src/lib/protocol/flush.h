/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTOCOL_FLUSH_H
#define PROTOCOL_FLUSH_H

#include "ipc/channel.h"

/*
 * flush - asks, from the network's side, that mail for a site be tried now (public/flush). Answered when that has
 * begun.
 */
enum { FLUSH_SITE_MAXIMUM = 320 };

enum flush_status {
    FLUSH_STARTED,
    FLUSH_DENIED,    /* no mail of that site may be asked for */
    FLUSH_BAD_SITE,  /* neither a host's name nor an address in brackets */
    FLUSH_TRY_LATER, /* the queue manager or a table does not answer */
};

struct flush_request {
    struct str site; /* "example.com", "[192.0.2.1]" */
};

struct flush_reply {
    uint64_t status; /* enum flush_status */
};

extern const struct message_type flush_request_message;
extern const struct message_type flush_reply_message;
extern const struct protocol flush_protocol;

#endif
