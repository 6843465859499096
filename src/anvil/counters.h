/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ANVIL_COUNTERS_H
#define ANVIL_COUNTERS_H

#include "base/time.h"
#include "protocol/anvil.h"

/*
 * counters - what each client has done, and the highest of it all.
 *
 * A rate counts from its first event on for one unit of time, then begins anew. A client without connections whose
 * rates have run out is forgotten at the next sweep, so that memory is bounded by who came in the last two units.
 */
struct counters;
struct counted_client;

/* The highest number since the last counters_forget_peaks; value 0: there was none. */
struct peak {
    uint64_t value;
    struct str client;   /* valid until the next call */
    struct instant when; /* wall clock */
};

struct counters *counters_create(struct duration unit);
void counters_destroy(struct counters **counters);

/* now is the loop's time, when the wall clock's. *client is NULL before the first event of a call. */
void counters_add(struct counters *counters, struct str name, enum anvil_kind kind, struct instant now,
                  struct instant when, struct counted_client **client, struct anvil_numbers *numbers_out);
/* The same numbers when nothing has happened. */
void counters_get(const struct counters *counters, struct str name, enum anvil_kind kind, struct instant now,
                  struct anvil_numbers *numbers_out);
/* The call has ended; connections are those that it added. NULL is fine. */
void counters_leave(struct counters *counters, struct counted_client *client, uint64_t connections);
/* Forgets who is of no interest any more. */
void counters_sweep(struct counters *counters, struct instant now);
size_t counters_clients(const struct counters *counters);

struct peak counters_rate_peak(const struct counters *counters, enum anvil_kind kind);
struct peak counters_count_peak(const struct counters *counters);
/* Of clients known at one time; it has no client. */
struct peak counters_size_peak(const struct counters *counters);
void counters_forget_peaks(struct counters *counters);

#endif
