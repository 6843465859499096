/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_READ_PARTS_H
#define QMGR_READ_PARTS_H

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

/*
 * read_parts - the bytes of the parts of the journal that were read last. New mail is taken up and given to an agent
 * as soon as its part was read: then it need not be read, nor its digest be computed, again.
 *
 * A fixed room: each new part takes the place of the oldest ones.
 */
enum { READ_PART_MAXIMUM = 256 * 1024 };

struct read_parts;

struct read_parts *read_parts_create(void);
/* Leaves *parts NULL; NULL is fine. */
void read_parts_destroy(struct read_parts **parts);

/*
 * Room for the bytes of the next part, at most READ_PART_MAXIMUM. Views that read_parts_find gave may end here. It is
 * kept if read_parts_keep follows before the next call of this.
 */
char *read_parts_room(struct read_parts *parts, size_t size);
/* The part just read into that room: its segment, when the use of it began, and where in it. */
void read_parts_keep(struct read_parts *parts, unsigned number, uint64_t use, uint64_t from);

/* The bytes that stand there, if they are at hand: a view until the next call of read_parts_room. */
bool read_parts_find(const struct read_parts *parts, unsigned number, uint64_t use, uint64_t from, size_t length,
                     struct str *bytes_out);

#endif
