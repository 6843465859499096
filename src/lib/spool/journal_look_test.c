/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/journal_look.h"

#include "base/check.h"
#include "os/fault.h"
#include "os/fd.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "spool/journal_writer.h"
#include "spool/ledger.h"
#include "spool/segment.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MESSAGES = 3, SEGMENT_BYTES = 256 * 1024 };

/* Three accepted messages, whose writer is gone: what is left is their frames. */
struct left {
    struct loop *loop;
    struct queue_id ids[MESSAGES];
};

static void ignore_notice(void *context, const struct journal_notice *notice)
{
    (void) context;
    (void) notice;
}

static void ignore_file(void *context, struct queue_id id, bool is_held)
{
    (void) context;
    (void) id;
    (void) is_held;
}

static void ignore_alarm(void *context, bool is_failing, const char *text)
{
    (void) context;
    (void) is_failing;
    (void) text;
}

static void accept_one(struct journal_writer *writer, struct queue_id *id_out)
{
    struct arena *arena = arena_create();
    struct envelope envelope = { .arrival = clock_now(), .sender = STR("a@example.com") };
    struct failure why;

    envelope_add_recipient(&envelope, arena, STR("b@example.test"), STR_EMPTY, STR_EMPTY, 0);
    envelope_add_recipient(&envelope, arena, STR("c@example.test"), STR_EMPTY, STR_EMPTY, 0);
    EXPECT(journal_writer_new_id(writer, &envelope.id, &why));
    EXPECT(journal_writer_accept(writer, &envelope, STR("Subject: x\n\nhello\n"), &why));
    *id_out = envelope.id;
    arena_destroy(&arena);
}

static void accept_all(void *context)
{
    const struct journal_events events = { ignore_notice, ignore_file, ignore_alarm, NULL };
    const struct journal_settings settings = { .spool = spool_settings_make(STR("deferred"), 1),
                                               .inline_limit = 65536,
                                               .segment_bytes = SEGMENT_BYTES,
                                               .limit_bytes = 4 * SEGMENT_BYTES,
                                               .reserve_bytes = SEGMENT_BYTES,
                                               .segment_age = seconds(30) };
    struct left *left = context;
    struct journal_writer *writer;
    struct failure why;
    size_t i;

    CHECK(journal_writer_open(left->loop, &settings, &events, &writer, &why));
    for (i = 0; i < MESSAGES; i++)
        accept_one(writer, &left->ids[i]);
    journal_writer_close(&writer);
}

static void leave_messages(struct left *left)
{
    static unsigned number;
    struct failure why;
    char path[300];

    snprintf(path, sizeof path, "%s/%u", unit_directory(), number++);
    CHECK(mkdir(path, 0700) == 0 && chdir(path) == 0);
    CHECK(spool_make_folders(&why));
    left->loop = loop_create();
    fiber_run(left->loop, accept_all, left);
    loop_destroy(&left->loop);
}

struct seen {
    struct queue_id ids[10];
    size_t pending[10];
    size_t count;
    size_t most; /* 0: all */
};

static bool see(void *context, const struct journal_message *message)
{
    struct seen *seen = context;
    size_t i;

    EXPECT_STR(message->content, STR("Subject: x\n\nhello\n"));
    seen->ids[seen->count] = message->envelope->id;
    for (i = 0; i < message->envelope->recipient_count; i++)
        seen->pending[seen->count] += message->envelope->recipients[i].status == RECIPIENT_PENDING;
    seen->count++;
    return seen->most == 0 || seen->count < seen->most;
}

static struct seen look(size_t most)
{
    struct seen seen = { .most = most };
    struct failure why;

    EXPECT(journal_look(see, &seen, &why));
    return seen;
}

/* Strikes out, or records outcomes of, the message with this id. */
struct mark {
    struct queue_id id;
    bool is_deleted;
    bool is_struck_out;
    uint32_t recipients;   /* of the ledger's records: how many are of that type */
    enum ledger_type type; /* 0: delivered */
};

static void ignore_record(void *context, const struct ledger_record *record)
{
    (void) context;
    (void) record;
}

static void record_outcomes(const struct journal_message *message, uint32_t recipients, enum ledger_type type)
{
    struct segment_header header;
    struct ledger *ledger;
    struct failure why;
    uint32_t i;
    int fd;

    EXPECT(segment_open(message->segment, &fd, &why));
    EXPECT(segment_read_header(fd, message->segment, &header, &why));
    fd_close(&fd);
    EXPECT(ledger_open(&header, ignore_record, NULL, &ledger, &why));
    for (i = 0; i < recipients; i++) {
        const struct ledger_record record = {
            .frame_offset = message->frame_offset, .recipient = i, .type = type, .id = message->envelope->id
        };

        EXPECT(ledger_append(ledger, &record, 1, &why));
    }
    ledger_close(&ledger);
}

static bool put_mark(void *context, const struct journal_message *message)
{
    struct mark *mark = context;
    struct failure why;

    if (!queue_id_equal(message->envelope->id, mark->id))
        return true;
    if (mark->is_struck_out)
        EXPECT(journal_strike_out(message, mark->is_deleted, SPOOL_HOLD, &why));
    record_outcomes(message, mark->recipients, mark->type == 0 ? LEDGER_DELIVERED : mark->type);
    return false;
}

static void put(struct mark mark)
{
    struct failure why;

    EXPECT(journal_look(put_mark, &mark, &why));
}

TEST(what_was_accepted_is_seen_in_its_order)
{
    struct left left;
    struct seen seen;
    size_t i;

    leave_messages(&left);
    seen = look(0);
    EXPECT_UINT(seen.count, MESSAGES);
    for (i = 0; i < MESSAGES; i++) {
        EXPECT_UINT(seen.ids[i].value, left.ids[i].value);
        EXPECT_UINT(seen.pending[i], 2);
    }
    EXPECT_UINT(look(1).count, 1);
}

TEST(an_empty_journal_shows_nothing)
{
    struct left left;

    leave_messages(&left);
    CHECK(chdir(unit_directory()) == 0);
    CHECK(mkdir("empty", 0700) == 0 && chdir("empty") == 0 && mkdir("journal", 0700) == 0);
    EXPECT_UINT(look(0).count, 0);
}

TEST(what_is_struck_out_does_not_come_back)
{
    struct left left;
    struct seen seen;

    leave_messages(&left);
    put((struct mark){ .id = left.ids[1], .is_struck_out = true, .is_deleted = true });
    put((struct mark){ .id = left.ids[2], .is_struck_out = true });
    seen = look(0);
    EXPECT_UINT(seen.count, 1);
    EXPECT_UINT(seen.ids[0].value, left.ids[0].value);
}

TEST(outcomes_of_the_ledger_are_applied)
{
    struct left left;
    struct seen seen;

    leave_messages(&left);
    put((struct mark){ .id = left.ids[0], .recipients = 1 });
    put((struct mark){ .id = left.ids[1], .recipients = 2 });
    seen = look(0);
    EXPECT_UINT(seen.count, 2);
    EXPECT_UINT(seen.ids[0].value, left.ids[0].value);
    EXPECT_UINT(seen.pending[0], 1);
    EXPECT_UINT(seen.ids[1].value, left.ids[2].value);
}

TEST(only_delivered_and_returned_finish_a_recipient)
{
    struct left left;
    struct seen seen;

    leave_messages(&left);
    put((struct mark){ .id = left.ids[0], .recipients = 2, .type = LEDGER_FAILED });
    put((struct mark){ .id = left.ids[1], .recipients = 2, .type = LEDGER_RETURNED });
    put((struct mark){ .id = left.ids[2], .recipients = 2, .type = LEDGER_DEFERRED });
    seen = look(0);
    EXPECT_UINT(seen.count, 2);
    EXPECT_UINT(seen.ids[0].value, left.ids[0].value);
    EXPECT_UINT(seen.pending[0], 0);
    EXPECT_UINT(seen.ids[1].value, left.ids[2].value);
    EXPECT_UINT(seen.pending[1], 2);
}

static unsigned ledger_syncs;

static int watch_ledgers(const struct fault_event *event, void *context)
{
    const int *error = context;
    bool is_ledger = strncmp(event->path, "journal/ledger-", 15) == 0;

    if (event->operation != FAULT_SYNC || !is_ledger)
        return 0;
    ledger_syncs++;
    return *error;
}

TEST(what_a_killed_queue_manager_recorded_can_be_made_durable)
{
    struct left left;
    struct failure why;
    int error = 0;

    leave_messages(&left);
    put((struct mark){ .id = left.ids[0], .recipients = 2 });
    ledger_syncs = 0;
    fault_set_hook(watch_ledgers, &error);
    EXPECT(journal_settle(&why));
    EXPECT_UINT(ledger_syncs, 1);
    error = EIO;
    EXPECT_FALSE(journal_settle(&why));
    EXPECT_INT(why.error, EIO);
    fault_set_hook(NULL, NULL);
}

static int no_memory(const struct fault_event *event, void *context)
{
    (void) context;
    return event->operation == FAULT_MAP ? ENOMEM : 0;
}

TEST(a_segment_that_cannot_be_mapped_is_told_and_is_no_empty_one)
{
    struct left left;
    struct seen seen = { .count = 0 };
    struct failure why;

    leave_messages(&left);
    fault_set_hook(no_memory, NULL);
    EXPECT_FALSE(journal_look(see, &seen, &why));
    EXPECT_INT(why.error, ENOMEM);
    EXPECT_UINT(seen.count, 0);
    fault_set_hook(NULL, NULL);
    EXPECT(journal_look(see, &seen, &why));
    EXPECT_UINT(seen.count, MESSAGES);
}
