/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTQUEUE_PRINT_H
#define POSTQUEUE_PRINT_H

#include "base/arena.h"
#include "protocol/showq.h"

#include <stdio.h>

/*
 * print - the listing as people, log analysers and jq read it: Postfix's formats, to the byte.
 */
struct print {
    FILE *out;
    bool uses_long_ids; /* enable_long_queue_ids: the columns are wider */
    bool has_begun;
    uint64_t bytes;
    uint64_t messages;
    bool has_recipient;   /* JSON: of this message */
    struct strbuf reason; /* the last one printed for this message */
};

void print_init(struct print *print, FILE *out, bool uses_long_ids);
void print_done(struct print *print);

/* The sinks; their context is the struct print. */
struct showq_sink print_table(struct print *print);
struct showq_sink print_json(struct print *print);
/* The table's last line: "-- 1 Kbytes in 1 Request.", or that the queue is empty. */
void print_table_end(struct print *print);

#endif
