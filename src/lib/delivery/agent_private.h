/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DELIVERY_AGENT_PRIVATE_H
#define DELIVERY_AGENT_PRIVATE_H

/* agent_private - what agent.c (requests) and report.c (outcomes) share; nobody else includes it. */

#include "delivery/agent.h"
#include "delivery/outcome.h"
#include "run/fiber.h"

struct delivery_settings;
struct table_list;
struct table_set;

struct delivery_agent {
    const struct delivery_program *program;
    uint64_t capacity; /* deliveries at one time */
    struct daemon *daemon;
    void *context; /* the program's */
    const struct shared_settings *shared;
    const struct delivery_settings *settings;
    struct table_set *tables;
    struct table_list *status_filter; /* NULL: none */
    struct list in_hand;              /* struct delivery_state */
    struct event ended;               /* one of them is over */
    struct outcome_store unrecorded;
    struct instant started; /* wall clock, of the process */
};

/* One message of the wire: a run of results. */
struct delivery_batch {
    size_t first, count;
    struct records members;
};

struct delivery_state {
    struct list place; /* among in_hand */
    struct delivery_agent *agent;
    struct delivery *delivery;
    struct call *call;
    struct deliver_result *results;
    size_t result_count;
    struct deliver_result *members; /* for the next batch; NULL: none */
    size_t member_count;
    size_t member_capacity;
    size_t sent_count;              /* of results, in batches */
    bool *is_reported;              /* by recipient */
    struct delivery_batch *batches; /* batch n has number n + 1 */
    size_t batch_count;
    uint64_t recorded; /* the number of the last batch that is recorded */
    bool is_lost;      /* the channel has gone */
    bool is_inherited; /* begun on an earlier channel: its outcome goes to the census */
    struct deliver_done done;
};

struct deliver_outcome delivery_batch_outcome(const struct delivery_state *state, size_t batch);

#endif
