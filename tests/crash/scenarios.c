/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario_parts.h"

#include "base/check.h"
#include "os/fault.h"

#include <errno.h>
#include <string.h>

enum { SMALL = 600, MIDDLING = 7000, LARGE = 20000 };

/* Adds count messages of the size to the book. */
static void add_many(struct house *house, unsigned *messages, size_t count, size_t size, unsigned recipients)
{
    for (size_t i = 0; i < count; i++)
        messages[i] = book_add(house->book, size + i * 37, recipients);
}

/* ---- accept ---- */

/* Cleanup alone: groups of several sizes, one torn over many sectors, files, held mail. */
static void accept(struct house *house)
{
    unsigned messages[9];
    struct failure why;

    CHECK(spool_make_folders(&why));
    house_open_writer(house);
    add_many(house, messages, 3, SMALL, 1);
    house_accept_all(house, messages, 1);
    house_accept_all(house, messages + 1, 2);
    add_many(house, messages + 3, 4, MIDDLING, 2);
    house_accept_all(house, messages + 3, 4);
    (void) house_accept(house, book_add(house->book, LARGE, 3), 0);
    (void) house_accept(house, book_add(house->book, SMALL, 1), ENVELOPE_HOLD);
    add_many(house, messages + 7, 2, LARGE, 1);
    house_accept_all(house, messages + 7, 2);
    house_close_writer(house);
}

static unsigned syncs_until_fault;

static int fail_a_sync(const struct fault_event *event, void *context)
{
    (void) context;
    return event->operation == FAULT_SYNC && syncs_until_fault > 0 && --syncs_until_fault == 0 ? EIO : 0;
}

/* A sync fails, and later another: 451, the frames are made void, the segment is left. */
static void refuse(struct house *house)
{
    unsigned messages[6];
    struct failure why;

    CHECK(spool_make_folders(&why));
    house_open_writer(house);
    add_many(house, messages, 6, SMALL, 1);
    house_accept_all(house, messages, 2);
    fault_set_hook(fail_a_sync, NULL);
    syncs_until_fault = 1;
    house_accept_all(house, messages + 2, 2);
    house_accept_all(house, messages + 4, 1);
    syncs_until_fault = 1;
    (void) house_accept(house, book_add(house->book, LARGE, 1), 0);
    fault_set_hook(NULL, NULL);
    house_accept_all(house, messages + 5, 1);
    house_close_writer(house);
}

/* ---- deliver ---- */

static enum fate mixed_fate(unsigned message, unsigned recipient, unsigned attempt)
{
    if (message % 3 == 1 && recipient == 1)
        return attempt == 0 ? FATE_DEFERRED : FATE_SENT;
    if (message % 3 == 2 && recipient == 1)
        return FATE_BOUNCED;
    return FATE_SENT;
}

/* Frames and files are sent, deferred and tried again, and returned. */
static void deliver(struct house *house)
{
    unsigned messages[8];

    house_open(house);
    house->fate = mixed_fate;
    add_many(house, messages, 6, SMALL, 2);
    add_many(house, messages + 6, 2, LARGE, 3);
    house_accept_all(house, messages, 3);
    house_settle(house);
    house_accept_all(house, messages + 3, 5);
    house_tick(house);
    house_flush(house);
    house_tick(house);
    trace_mark(house->trace, MARK_TIME_PASSED, 0, 0);
    house_tick(house);
    house_close_writer(house);
    house_tick(house);
}

/* ---- spill ---- */

static enum fate all_deferred(unsigned message, unsigned recipient, unsigned attempt)
{
    (void) message;
    (void) recipient;
    return attempt == 0 ? FATE_DEFERRED : FATE_SENT;
}

/* What is in delivery goes to active/, what waits for its turn to incoming/; then deferred; then sent. */
static void spill(struct house *house)
{
    unsigned messages[7];

    house->active_limit = 2;
    house->keeps_in_hand = true;
    house_open(house);
    house->fate = all_deferred;
    add_many(house, messages, 7, SMALL, 2);
    house_accept_all(house, messages, 7);
    house_settle(house);
    (void) house_control(house, QUEUE_SPILL_ALL, NULL, 0);
    house_let_go(house);
    house_tick(house);
    house_flush(house);
    house_tick(house);
}

static void spill_by_syncfs(struct house *house)
{
    house->uses_syncfs = true;
    spill(house);
}

/* ---- the administrator ---- */

void scenario_wait_in_queue(struct house *house, unsigned *messages, size_t count)
{
    house->fate = all_deferred;
    house->active_limit = 1;
    house->keeps_in_hand = true;
    house_open(house);
    add_many(house, messages, count, SMALL, 2);
    house_accept_all(house, messages, count);
    house_settle(house);
}

static void hold(struct house *house)
{
    unsigned messages[5];

    scenario_wait_in_queue(house, messages, 4);
    (void) house_control(house, QUEUE_HOLD, messages + 2, 2);
    messages[4] = book_add(house->book, LARGE, 1);
    (void) house_accept(house, messages[4], 0);
    house_settle(house);
    (void) house_control(house, QUEUE_HOLD, messages + 4, 1);
    (void) house_control(house, QUEUE_RELEASE, messages + 2, 1);
    house_let_go(house);
    house_tick(house);
    (void) house_control(house, QUEUE_RELEASE, messages + 4, 1);
    house_tick(house);
}

static void delete (struct house *house)
{
    unsigned messages[6];

    scenario_wait_in_queue(house, messages, 5);
    (void) house_control(house, QUEUE_DELETE, messages + 3, 1);
    messages[5] = book_add(house->book, LARGE, 1);
    (void) house_accept(house, messages[5], 0);
    house_settle(house);
    (void) house_control(house, QUEUE_DELETE, messages + 5, 1);
    /* One whose frame is still there, from its file. */
    (void) house_control(house, QUEUE_SPILL_ALL, NULL, 0);
    (void) house_control(house, QUEUE_DELETE, messages + 2, 1);
    house_let_go(house);
    house_settle(house);
    (void) house_control(house, QUEUE_DELETE, messages + 1, 1);
    house_tick(house);
}

static void requeue(struct house *house)
{
    unsigned messages[4];

    scenario_wait_in_queue(house, messages, 4);
    house->book->messages[messages[2]].may_double = true;
    house->book->messages[messages[3]].may_double = true;
    (void) house_control(house, QUEUE_REQUEUE, messages + 3, 1);
    house_let_go(house);
    house_settle(house);
    (void) house_control(house, QUEUE_REQUEUE, messages + 2, 1);
    house_pick_up(house);
    house_tick(house);
    house_flush(house);
}

static void submit(struct house *house)
{
    house_open(house);
    house_submit(house, book_add(house->book, SMALL, 2));
    house_submit(house, book_add(house->book, LARGE, 1));
    house_pick_up(house);
    house_tick(house);
    trace_mark(house->trace, MARK_TIME_PASSED, 0, 0);
    house_tick(house);
}

/* ---- segments ---- */

/* Segments are filled, left, freed and filled again; what is deferred moves out of them meanwhile. */
static void turn_over(struct house *house)
{
    unsigned messages[9];

    house_open(house);
    house->fate = mixed_fate;
    for (unsigned round = 0; round < 3; round++) {
        add_many(house, messages, 9, MIDDLING, 2);
        house_accept_all(house, messages, 9);
        house_tick(house);
        house_tick(house);
    }
    house_flush(house);
}

/* Everything becomes a file. Mail in the agents' hands, waiting, and new mail that comes while it stops. */
static void stop(struct house *house)
{
    unsigned messages[4];

    scenario_wait_in_queue(house, messages, 4);
    (void) house_accept(house, book_add(house->book, LARGE, 1), 0);
    house_stop(house);
}

const struct scenario scenarios[] = {
    { "accept", accept, 0 },       { "accept-hashed", accept, 2 },
    { "refuse", refuse, 0 },       { "deliver", deliver, 0 },
    { "spill", spill, 1 },         { "spill-syncfs", spill_by_syncfs, 1 },
    { "hold", hold, 1 },           { "delete", delete, 2 },
    { "requeue", requeue, 0 },     { "submit", submit, 0 },
    { "turn-over", turn_over, 0 }, { "stop", stop, 1 },
    { "down", scenario_down, 1 },  { "forged", scenario_forged, 0 },
};
const size_t scenario_count = ARRAY_COUNT(scenarios);

const struct scenario *scenario_find(const char *name)
{
    for (size_t i = 0; i < scenario_count; i++) {
        if (strcmp(scenarios[i].name, name) == 0)
            return &scenarios[i];
    }
    return NULL;
}
