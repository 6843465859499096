/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOUNCE_ORIGINAL_H
#define BOUNCE_ORIGINAL_H

#include "protocol/bounce.h"

/* original - reads the message that a notification is about: from the request, or from its own file. */
struct original {
    const struct bounce_request *request;
    uint64_t position;
    bool is_header_only;
    bool is_ended;
    bool is_at_line_start; /* the last piece ended with LF */
    char *buffer;
};

/* The buffer lives in arena. */
void original_init(struct original *original, const struct bounce_request *request, bool is_header_only,
                   struct arena *arena);
/* The next piece; empty at the end (of the header, if only that is wanted, without the empty line). */
MUST_USE bool original_read(struct original *original, struct str *piece_out, struct failure *why);

#endif
