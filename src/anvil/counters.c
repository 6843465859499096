/* SPDX-License-Identifier: Apache-2.0 */
#include "anvil/counters.h"

#include "base/map.h"
#include "base/memory.h"
#include "base/strbuf.h"

struct rate {
    uint64_t count;
    struct instant start;
};

struct counted_client {
    uint64_t calls; /* that hold on to it */
    uint64_t connections;
    struct rate rates[ANVIL_KIND_COUNT];
};

struct kept_peak {
    uint64_t value;
    struct strbuf client;
    struct instant when;
};

enum { COUNT_PEAK = ANVIL_KIND_COUNT, SIZE_PEAK, PEAK_COUNT };

struct counters {
    struct duration unit;
    struct map *clients; /* struct counted_client by name */
    struct kept_peak peaks[PEAK_COUNT];
};

struct counters *counters_create(struct duration unit)
{
    struct counters *counters = memory_alloc(sizeof(*counters));

    *counters = (struct counters){ .unit = unit, .clients = map_create() };
    for (int i = 0; i < PEAK_COUNT; i++)
        strbuf_init(&counters->peaks[i].client, STRBUF_UNLIMITED);
    return counters;
}

void counters_destroy(struct counters **counters)
{
    if (*counters == NULL)
        return;
    for (struct map_entry *entry = map_first((*counters)->clients); entry != NULL; entry = map_next(entry))
        memory_free(map_entry_value(entry));
    map_destroy(&(*counters)->clients);
    for (int i = 0; i < PEAK_COUNT; i++)
        strbuf_done(&(*counters)->peaks[i].client);
    memory_free(*counters);
    *counters = NULL;
}

static void note_peak(struct kept_peak *peak, uint64_t value, struct str client, struct instant when)
{
    if (value <= peak->value)
        return;
    peak->value = value;
    peak->when = when;
    strbuf_clear(&peak->client);
    strbuf_append(&peak->client, client);
}

static struct counted_client *find_or_make(struct counters *counters, struct str name)
{
    struct counted_client *client = map_get(counters->clients, name);

    if (client == NULL) {
        client = memory_alloc(sizeof(*client));
        *client = (struct counted_client){ 0 };
        map_set(counters->clients, name, client);
    }
    return client;
}

static bool is_over(const struct counters *counters, const struct rate *rate, struct instant now)
{
    return instant_since(now, rate->start).us >= counters->unit.us;
}

static uint64_t count_rate(const struct counters *counters, struct rate *rate, struct instant now)
{
    if (rate->count == 0 || is_over(counters, rate, now))
        *rate = (struct rate){ .start = now };
    return ++rate->count;
}

void counters_add(struct counters *counters, struct str name, enum anvil_kind kind, struct instant now,
                  struct instant when, struct counted_client **client_ref, struct anvil_numbers *numbers_out)
{
    struct counted_client *client = *client_ref;

    if (client == NULL) {
        client = *client_ref = find_or_make(counters, name);
        client->calls++;
    }
    client->connections += kind == ANVIL_CONNECTION;
    numbers_out->count = client->connections;
    numbers_out->rate = count_rate(counters, &client->rates[kind], now);
    note_peak(&counters->peaks[kind], numbers_out->rate, name, when);
    note_peak(&counters->peaks[COUNT_PEAK], client->connections, name, when);
    note_peak(&counters->peaks[SIZE_PEAK], map_count(counters->clients), STR_EMPTY, when);
}

void counters_get(const struct counters *counters, struct str name, enum anvil_kind kind, struct instant now,
                  struct anvil_numbers *numbers_out)
{
    const struct counted_client *client = map_get(counters->clients, name);

    *numbers_out = (struct anvil_numbers){ 0 };
    if (client == NULL)
        return;
    numbers_out->count = client->connections;
    if (!is_over(counters, &client->rates[kind], now))
        numbers_out->rate = client->rates[kind].count;
}

void counters_leave(struct counters *counters, struct counted_client *client, uint64_t connections)
{
    (void) counters;
    if (client == NULL)
        return;
    client->connections -= connections;
    client->calls--;
}

static bool is_of_no_interest(const struct counters *counters, const struct counted_client *client, struct instant now)
{
    if (client->calls > 0)
        return false;
    for (int kind = 0; kind < ANVIL_KIND_COUNT; kind++) {
        if (client->rates[kind].count > 0 && !is_over(counters, &client->rates[kind], now))
            return false;
    }
    return true;
}

void counters_sweep(struct counters *counters, struct instant now)
{
    struct map_entry *next;

    for (struct map_entry *entry = map_first(counters->clients); entry != NULL; entry = next) {
        next = map_next(entry);
        if (is_of_no_interest(counters, map_entry_value(entry), now))
            memory_free(map_remove(counters->clients, map_entry_key(entry)));
    }
}

size_t counters_clients(const struct counters *counters)
{
    return map_count(counters->clients);
}

static struct peak peak_of(const struct kept_peak *peak)
{
    return (struct peak){ .value = peak->value, .client = strbuf_str(&peak->client), .when = peak->when };
}

struct peak counters_rate_peak(const struct counters *counters, enum anvil_kind kind)
{
    return peak_of(&counters->peaks[kind]);
}

struct peak counters_count_peak(const struct counters *counters)
{
    return peak_of(&counters->peaks[COUNT_PEAK]);
}

struct peak counters_size_peak(const struct counters *counters)
{
    return peak_of(&counters->peaks[SIZE_PEAK]);
}

void counters_forget_peaks(struct counters *counters)
{
    for (int i = 0; i < PEAK_COUNT; i++)
        counters->peaks[i].value = 0;
}
