/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOOL_QUEUE_FILE_PART_H
#define SPOOL_QUEUE_FILE_PART_H

#include "spool/queue_file.h"

/*
 * queue_file_part - a queue file with more recipients than should be in memory: looked through once, then read in
 * parts, each from where the last one ended.
 *
 * A recipient's number is its place in the whole message, as outcomes name it. All calls block.
 */
struct queue_file_place {
    uint64_t frame; /* offset of the recipients frame that is next, or is not done */
    size_t skip;    /* recipients of it that were read */
    size_t number;  /* of the next recipient */
    uint64_t statuses;
    uint64_t statuses_end; /* what was appended later is not looked at; UINT64_MAX: all is */
    size_t total;          /* recipients of the message */
};

struct queue_file_survey {
    struct queue_file_content content;
    struct queue_file_place start;
    size_t pending;
    size_t failed;
};

/* Checks every frame; the envelope gets no recipients. Failures as queue_file_open's. */
MUST_USE bool queue_file_survey(int fd, struct arena *arena, struct envelope *envelope_out,
                                struct queue_file_survey *survey_out, struct failure *why);

/*
 * Adds to the envelope the next recipients whose status is in statuses (a bit 1 << RECIPIENT_... each), at most so
 * many, with all that was appended; numbers_out has their numbers, in the arena. At the end there may be fewer, or
 * none.
 */
MUST_USE bool queue_file_read_part(int fd, struct queue_file_place *place, unsigned statuses, size_t most,
                                   struct arena *arena, struct envelope *envelope, size_t **numbers_out,
                                   struct failure *why);

#endif
