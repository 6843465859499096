/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOOL_LEDGER_H
#define SPOOL_LEDGER_H

#include "spool/segment.h"

/*
 * ledger - what became of the messages of one segment, written by qmgr (or by postsuper while the system is down).
 *
 * A record is in the file (safe against kill -9) when ledger_append returns; it is safe against a power cut after the
 * next ledger_sync. Records that do not check when read are skipped: a lost one means a second delivery.
 */
enum ledger_type {
    LEDGER_DELIVERED = 1,
    LEDGER_DEFERRED,
    LEDGER_FAILED,
    LEDGER_RETURNED,
    LEDGER_MOVED, /* detail: enum spool_queue of the file */
    LEDGER_DELETED,
};

#define LEDGER_WHOLE_MESSAGE UINT32_MAX

struct ledger_record {
    uint64_t frame_offset;
    uint32_t recipient; /* number in the envelope, or LEDGER_WHOLE_MESSAGE */
    enum ledger_type type;
    unsigned detail;
    int64_t seconds; /* wall clock */
    struct queue_id id;
};

typedef void ledger_seen(void *context, const struct ledger_record *record);

struct ledger;

/*
 * Opens the ledger of this use of the segment; one of an earlier use is begun anew. Its records are shown first.
 * Blocks; so does ledger_sync.
 */
MUST_USE bool ledger_open(const struct segment_header *segment, ledger_seen *seen, void *context,
                          struct ledger **ledger_out, struct failure *why);
/* Leaves *ledger NULL; NULL is fine. Does not sync. */
void ledger_close(struct ledger **ledger);

/* Writes all of them, one behind the other. */
MUST_USE bool ledger_append(struct ledger *ledger, const struct ledger_record *records, size_t count,
                            struct failure *why);

/* What was appended since the last sync that succeeded. */
bool ledger_is_dirty(const struct ledger *ledger);
/*
 * Makes it durable; may run on another thread than appends do. After a failure everything appended so far
 * is written again to a new descriptor before the next sync, and that one counts.
 */
MUST_USE bool ledger_sync(struct ledger *ledger, struct failure *why);

/* The salt that the ledger of a segment holds, for a segment whose own header has rotted. */
MUST_USE bool ledger_find_salt(unsigned number, struct segment_header *header_out, struct failure *why);

/* The format alone, for tests and the fuzzer. */
enum { LEDGER_HEADER_SIZE = 64, LEDGER_RECORD_SIZE = 32 };
void ledger_encode(const struct ledger_record *record, uint64_t place, const struct seal *seal,
                   unsigned char bytes[LEDGER_RECORD_SIZE]);
MUST_USE bool ledger_decode(const unsigned char bytes[LEDGER_RECORD_SIZE], uint64_t place, const struct seal *seal,
                            struct ledger_record *record_out);
/* Shows all valid records of a ledger's bytes; returns where the next goes. */
uint64_t ledger_scan(struct str bytes, const struct seal *seal, ledger_seen *seen, void *context);

#endif
