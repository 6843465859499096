/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MERPATI_IMPORT_RECORD_H
#define MERPATI_IMPORT_RECORD_H

#include "base/failure.h"
#include "base/map.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * import_record - which messages of a Postfix were taken, in a file of data_directory for all times to come: a line
 * "queue-id arrival-time our-name" each. The line is on the disk before the message has its name here, so that all
 * lines but the last are of messages that came; of the last one the queue tells, unless "end" follows.
 */
struct import_record {
    int fd;
    const char *path;
    struct map *known;
    uint64_t size_bytes;  /* of lines that hold */
    uint64_t noted_bytes; /* of one behind them */
};

/*
 * Tells whether our-name is a message of the queue, and removes what is left of one that is not. context is the
 * caller's.
 */
typedef bool import_record_look(void *context, struct str here);

MUST_USE bool import_record_open(struct import_record *record, const char *path, import_record_look *look,
                                 void *context, struct failure *why);
/* there: "queue-id arrival-time". */
bool import_record_has(const struct import_record *record, struct str there);
/* Before the message has its name here. */
MUST_USE bool import_record_note(struct import_record *record, const char *there, const char *here,
                                 struct failure *why);
/* The message that was noted is here; or it is not, and its line goes. Nothing noted is fine. */
void import_record_keep(struct import_record *record);
MUST_USE bool import_record_cancel(struct import_record *record, struct failure *why);
/* No more will come. Leaves the record closed. */
MUST_USE bool import_record_finish(struct import_record *record, struct failure *why);
void import_record_close(struct import_record *record);

#endif
