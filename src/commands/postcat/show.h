/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTCAT_SHOW_H
#define POSTCAT_SHOW_H

#include "postcat/places.h"
#include "spool/envelope.h"
#include "spool/maildrop_file.h"

#include <stdio.h>

/*
 * show - prints a message of the queue as Postfix's postcat does: the records of its envelope, its header, its body.
 * Before each may stand its offset in the file and its number in docs/queue.md (-o, -d). Headings are printed unless
 * only header or body were asked for.
 */
enum show_part {
    SHOW_ENVELOPE = 1 << 0,
    SHOW_HEADER = 1 << 1,
    SHOW_BODY = 1 << 2,
    SHOW_ALL = SHOW_ENVELOPE | SHOW_HEADER | SHOW_BODY,
};

struct show {
    FILE *out;
    unsigned parts; /* enum show_part */
    const char *name;
    const struct places *places; /* NULL where offsets and types are not asked for */
    bool prints_offsets;
    bool prints_types;
    uint64_t content_at; /* of the next byte */
    bool is_in_body;     /* of content, which comes in pieces */
    bool is_line_begin;
    bool is_output_begin; /* a line begins, in header or body */
};

/* A field or frame as it stands in the file, in no other order (-r, -s). */
void show_record(struct show *show, const struct place_record *record);
void show_envelope(struct show *show, const struct envelope *envelope);
void show_maildrop(struct show *show, const struct maildrop_message *message);
/* Content piece by piece, then its end. */
void show_content_begin(struct show *show);
void show_content(struct show *show, struct str piece);
void show_end(struct show *show);

#endif
