/* SPDX-License-Identifier: Apache-2.0 */
/* postsuper while the system is down, on what a crash left: frames, files, and files whose frame is still alive. */

#include "scenario_parts.h"

#include "base/check.h"
#include "os/fault.h"
#include "postsuper/spool_change.h"

#include <errno.h>
#include <string.h>

static int fail_ledger(const struct fault_event *event, void *context)
{
    (void) context;
    return event->operation == FAULT_WRITE && strstr(event->path, "ledger") != NULL ? EIO : 0;
}

struct told {
    struct house *house;
    enum queue_operation operation;
};

static void changed(void *context, struct str queue_id)
{
    const struct told *told = context;
    struct queue_id id;

    CHECK(queue_id_parse(queue_id, &id));
    for (unsigned m = 0; m < told->house->book->count; m++) {
        if (queue_id_equal(told->house->book->ids[m], id) && told->operation == QUEUE_DELETE)
            trace_mark(told->house->trace, MARK_DELETED, m, 0);
        else if (queue_id_equal(told->house->book->ids[m], id) && told->operation == QUEUE_HOLD)
            trace_mark(told->house->trace, MARK_HELD, m, 0);
    }
}

static void change(struct house *house, enum queue_operation operation, unsigned message)
{
    struct told told = { house, operation };
    struct arena *arena = arena_create();
    const struct spool_change change = {
        .spool = house->spool, .operation = operation, .arena = arena, .changed = changed, .context = &told
    };
    char text[QUEUE_ID_TEXT_SIZE];
    struct failure why;

    if (operation == QUEUE_DELETE)
        trace_mark(house->trace, MARK_DELETE_ASKED, message, 0);
    if (operation == QUEUE_RELEASE)
        trace_mark(house->trace, MARK_RELEASE_ASKED, message, 0);
    if (operation == QUEUE_REQUEUE)
        house->book->messages[message].may_double = true;
    if (!spool_change_one(&change, queue_id_format(house->book->ids[message], text), &why))
        house_complain(house, "postsuper: %s", why.text);
    arena_destroy(&arena);
}

static void delete_all(struct house *house)
{
    struct told told = { house, QUEUE_DELETE };
    struct arena *arena = arena_create();
    const struct spool_change change = {
        .spool = house->spool, .operation = QUEUE_DELETE, .arena = arena, .changed = changed, .context = &told
    };
    struct failure why;

    for (unsigned m = 0; m < house->book->count; m++)
        trace_mark(house->trace, MARK_DELETE_ASKED, m, 0);
    CHECK(spool_change_all(&change, STR_EMPTY, &why));
    arena_destroy(&arena);
}

/* The system was killed: nobody lives on, and the ledger does not know of the files. */
static void make_what_a_crash_left(struct house *house, unsigned *messages)
{
    scenario_wait_in_queue(house, messages, 6);
    fault_set_hook(fail_ledger, NULL);
    (void) house_control(house, QUEUE_SPILL_ALL, NULL, 0);
    fault_set_hook(NULL, NULL);
    for (unsigned i = 6; i < 12; i++) {
        messages[i] = book_add(house->book, 700 + i, 2);
        (void) house_accept(house, messages[i], 0);
    }
    house_settle(house);
}

void scenario_down(struct house *house)
{
    unsigned messages[12];

    make_what_a_crash_left(house, messages);
    for (unsigned i = 0; i < 2; i++) {
        const unsigned *of = messages + i * 6; /* files with frames, then frames */

        change(house, QUEUE_DELETE, of[0]);
        change(house, QUEUE_HOLD, of[1]);
        change(house, QUEUE_HOLD, of[2]);
        change(house, QUEUE_RELEASE, of[2]);
        change(house, QUEUE_REQUEUE, of[3]);
        change(house, QUEUE_DELETE, of[1]);
    }
    delete_all(house);
}
