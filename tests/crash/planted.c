/* SPDX-License-Identifier: Apache-2.0 */
#include "planted.h"

#include "base/check.h"
#include "base/memory.h"

#include <string.h>

/* ---- in the house ---- */

static void spill_nothing(struct house *house)
{
    house->spills_unwritten = true;
}

static void tell_salt(struct house *house)
{
    house->tells_salt = true;
}

/* ---- in what was recorded ---- */

static void move_op(struct trace *trace, size_t from, size_t to)
{
    struct trace_op op = trace->ops[from];

    memmove(&trace->ops[to + 1], &trace->ops[to], (from - to) * sizeof(op));
    trace->ops[to] = op;
}

/* Each 250 is said before the sync that it waited for. */
static void accept_early(struct trace *trace)
{
    for (size_t i = 0; i < trace->count; i++) {
        size_t sync = i;

        if (trace->ops[i].kind != TRACE_MARK || trace->ops[i].mark.kind != MARK_ACCEPTED)
            continue;
        while (sync > 0 && trace->ops[sync].kind != TRACE_SYNC)
            sync--;
        move_op(trace, i, sync);
    }
}

static void drop_op(struct trace *trace, size_t at)
{
    memory_free(trace->ops[at].data);
    memmove(&trace->ops[at], &trace->ops[at + 1], (trace->count - at - 1) * sizeof(*trace->ops));
    trace->count--;
}

static void drop_syncs(struct trace *trace, bool (*is_meant)(const struct trace *trace, unsigned node))
{
    for (size_t i = trace->count; i > 0; i--) {
        if (trace->ops[i - 1].kind == TRACE_SYNC && is_meant(trace, trace->ops[i - 1].node))
            drop_op(trace, i - 1);
    }
}

/* The name that the node had last, of those that the trace gave it. */
static const char *name_of(const struct trace *trace, unsigned node)
{
    const char *name = "";

    for (size_t i = 0; i < trace->count; i++) {
        if (trace->ops[i].node == node && trace->ops[i].kind == TRACE_LINK)
            name = trace->ops[i].name;
        else if (trace->ops[i].node == node && trace->ops[i].kind == TRACE_RENAME)
            name = trace->ops[i].name2;
    }
    return name;
}

static bool is_incoming(const struct trace *trace, unsigned node)
{
    return strcmp(name_of(trace, node), "incoming") == 0;
}

static bool is_ledger(const struct trace *trace, unsigned node)
{
    return strncmp(name_of(trace, node), "ledger-", 7) == 0;
}

static bool is_writer(const struct trace *trace, unsigned node)
{
    return strncmp(name_of(trace, node), "writer-", 7) == 0;
}

static bool is_queue_file(const struct trace *trace, unsigned node)
{
    struct queue_id id;

    return queue_id_parse(str_from_c(name_of(trace, node)), &id);
}

static void forget_folder(struct trace *trace)
{
    drop_syncs(trace, is_incoming);
}

static void forget_ledger(struct trace *trace)
{
    drop_syncs(trace, is_ledger);
}

static void forget_ceiling(struct trace *trace)
{
    drop_syncs(trace, is_writer);
}

static void forget_files(struct trace *trace)
{
    drop_syncs(trace, is_queue_file);
}

/* ---- on the disk ---- */

enum { BAD_SECTOR = 24064 }; /* in the second of four messages that went into one group */

static bool spoil_segment(struct disk_image *image, const struct trace *trace)
{
    for (size_t i = 0; i < image->name_count; i++) {
        struct disk_file *file = &image->files[image->names[i].node];

        if (strcmp(name_of(trace, image->names[i].node), "segment-001") != 0)
            continue;
        CHECK(file->size > BAD_SECTOR + DISK_SECTOR);
        memset(file->data + BAD_SECTOR, 0xa5, DISK_SECTOR);
        return true;
    }
    return false;
}

const struct planted planted_faults[] = {
    { .name = "an ack before the sync", .scenario = "accept", .expected = "lost", .change = accept_early },
    { .name = "a missed folder sync", .scenario = "accept", .expected = "lost", .change = forget_folder },
    { .name = "a missed sync of files", .scenario = "spill", .expected = "lost", .change = forget_files },
    { .name = "a segment used again before the spill",
      .scenario = "turn-over",
      .expected = "lost",
      .prepare = spill_nothing },
    { .name = "an unlink before the ledger's sync",
      .scenario = "delete",
      .expected = "came back",
      .change = forget_ledger },
    { .name = "a ceiling of ids that is not synced",
      .scenario = "accept",
      .expected = "queue ids come again",
      .change = forget_ceiling },
    { .name = "a frame forged in a body by one who has the salt",
      .scenario = "forged",
      .expected = "a content that nobody sent",
      .prepare = tell_salt },
    { .name = "a bad sector in the middle of a segment",
      .scenario = "accept",
      .expected = "message 4, recipient 0: lost (and 1 more)",
      .spoil = spoil_segment,
      .is_last_alone = true },
};
const size_t planted_count = ARRAY_COUNT(planted_faults);
