/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOOL_QUEUE_ID_H
#define SPOOL_QUEUE_ID_H

#include "base/failure.h"
#include "base/str.h"
#include "base/time.h"

/*
 * queue_id - the name of a message for its whole life: arrival time, writer and counter in 48 bits.
 *
 * Time and counter are one number, the tick (1/8192 s since 2025): each id takes the first tick that is
 * neither past nor used, so a burst, or a clock that steps back, borrows from the future instead of repeating. What
 * survives a restart is queue_id_source's reserve (journal_writer keeps it). Spelt as 12 upper-case hexadecimal
 * digits, the fast ones first; or, with enable_long_queue_ids, as Postfix's long ids. A value type; 0 is no id.
 */
struct queue_id {
    uint64_t value;
};

/* Room for any spelling and its NUL. */
#define QUEUE_ID_TEXT_SIZE 24
enum { QUEUE_ID_WRITERS = 16, QUEUE_ID_HASH_DIGITS = 4 };

#define QUEUE_ID_NONE ((struct queue_id){ 0 })

static inline bool queue_id_is_none(struct queue_id id)
{
    return id.value == 0;
}

static inline bool queue_id_equal(struct queue_id a, struct queue_id b)
{
    return a.value == b.value;
}

/* writer is below QUEUE_ID_WRITERS; is_long chooses the spelling. */
struct queue_id queue_id_make(uint64_t tick, unsigned writer, bool is_long);
/* The first tick that is not before t (0 for times before 2025). */
uint64_t queue_id_tick_at(struct instant t);
uint64_t queue_id_tick(struct queue_id id);
unsigned queue_id_writer(struct queue_id id);
/* When the message arrived; at most a burst's length, or a stepped clock, off the envelope's exact time. */
struct instant queue_id_arrival(struct queue_id id);

/* Writes the spelling with its NUL and returns it as a view of text. */
struct str queue_id_format(struct queue_id id, char text[QUEUE_ID_TEXT_SIZE]);
/* The whole text as an id of ours in either spelling; nothing else is accepted. */
MUST_USE bool queue_id_parse(struct str text, struct queue_id *id_out);
/* The digits that name the hashed folders, one folder level each; NUL-terminated. */
void queue_id_hash_digits(struct queue_id id, char digits[QUEUE_ID_HASH_DIGITS + 1]);

/*
 * queue_id_source - gives ids that never come again. It may not pass its ceiling, which somebody else keeps on
 * disk and raises in time; after a restart it starts no lower than the ceiling that was found.
 */
struct queue_id_source {
    uint64_t last_tick;
    uint64_t ceiling; /* ticks up to and including this one may be used */
    unsigned writer;
    bool is_long;
};

/* False when the ceiling is reached: raise it, durably, then ask again. */
MUST_USE bool queue_id_next(struct queue_id_source *source, struct instant now, struct queue_id *id_out);

#endif
