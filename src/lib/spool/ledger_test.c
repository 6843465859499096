/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/ledger.h"

#include "base/check.h"
#include "os/fault.h"
#include "os/fd.h"
#include "os/file.h"
#include "spool/spool.h"

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RECORDS_MAXIMUM = 64 };

static void enter_fresh_queue(void)
{
    static unsigned number;
    char path[300];
    struct failure why;

    snprintf(path, sizeof(path), "%s/%u", unit_directory(), number++);
    CHECK(mkdir(path, 0700) == 0 && chdir(path) == 0);
    CHECK(spool_make_folders(&why));
}

static struct queue_id id_of(uint64_t n)
{
    return queue_id_make(n, 0, false);
}

struct entries {
    struct ledger_record records[RECORDS_MAXIMUM];
    size_t count;
};

static void take_record(void *context, const struct ledger_record *record)
{
    struct entries *entries = context;

    entries->records[entries->count++] = *record;
}

static struct ledger_record record_of(uint64_t frame, enum ledger_type type)
{
    return (struct ledger_record){
        .frame_offset = frame, .recipient = 1, .type = type, .detail = 2, .seconds = 1767225600, .id = id_of(frame)
    };
}

static struct ledger *open_ledger(const struct segment_header *header, struct entries *entries)
{
    struct ledger *ledger = NULL;
    struct failure why;

    entries->count = 0;
    EXPECT(ledger_open(header, take_record, entries, &ledger, &why));
    return ledger;
}

TEST(a_ledger_keeps_its_records_over_a_restart)
{
    struct segment_header header = { .number = 4, .is_live = true, .size = 1 << 20, .salt = seal_salt_draw() };
    struct ledger_record records[] = { record_of(4096, LEDGER_DELIVERED), record_of(8192, LEDGER_MOVED) };
    struct entries entries;
    struct ledger *ledger;
    struct failure why;

    enter_fresh_queue();
    ledger = open_ledger(&header, &entries);
    EXPECT_UINT(entries.count, 0);
    EXPECT(ledger_append(ledger, records, 2, &why));
    EXPECT(ledger_is_dirty(ledger));
    EXPECT(ledger_sync(ledger, &why));
    EXPECT_FALSE(ledger_is_dirty(ledger));
    EXPECT(ledger_sync(ledger, &why));
    ledger_close(&ledger);
    ledger = open_ledger(&header, &entries);
    EXPECT_UINT(entries.count, 2);
    EXPECT_UINT(entries.records[0].frame_offset, 4096);
    EXPECT_INT(entries.records[1].type, LEDGER_MOVED);
    EXPECT_UINT(entries.records[1].detail, 2);
    EXPECT_INT(entries.records[1].seconds, 1767225600);
    EXPECT(queue_id_equal(entries.records[1].id, id_of(8192)));
    ledger_close(&ledger);
}

TEST(a_ledger_of_an_earlier_use_is_begun_anew)
{
    struct segment_header header = { .number = 4, .is_live = true, .size = 1 << 20, .salt = seal_salt_draw() };
    struct ledger_record record = record_of(4096, LEDGER_DELIVERED);
    struct segment_header found;
    struct entries entries;
    struct ledger *ledger;
    struct failure why;

    enter_fresh_queue();
    ledger = open_ledger(&header, &entries);
    for (int i = 0; i < 10; i++)
        EXPECT(ledger_append(ledger, &record, 1, &why));
    ledger_close(&ledger);
    header.salt = seal_salt_draw();
    ledger = open_ledger(&header, &entries);
    EXPECT_UINT(entries.count, 0);
    EXPECT(ledger_append(ledger, &record, 1, &why));
    ledger_close(&ledger);
    ledger = open_ledger(&header, &entries);
    EXPECT_UINT(entries.count, 1);
    ledger_close(&ledger);
    EXPECT(ledger_find_salt(4, &found, &why));
    EXPECT(memcmp(found.salt.bytes, header.salt.bytes, SEAL_SALT_SIZE) == 0);
    EXPECT_FALSE(ledger_find_salt(5, &found, &why));
}

TEST(a_record_that_rotted_is_passed_over_and_the_rest_counts)
{
    struct seal_salt salt = { { 3 } };
    unsigned char bytes[LEDGER_HEADER_SIZE + 3 * LEDGER_RECORD_SIZE] = { 0 };
    struct entries entries = { 0 };
    struct seal seal;

    seal_init(&seal, &salt, SEAL_CONTEXT_LEDGER + 1);
    for (unsigned i = 0; i < 3; i++) {
        struct ledger_record record = record_of(4096 * (i + 1), LEDGER_DELIVERED);
        uint64_t place = LEDGER_HEADER_SIZE + i * LEDGER_RECORD_SIZE;

        ledger_encode(&record, place, &seal, bytes + place);
    }
    for (unsigned bit = 0; bit < LEDGER_RECORD_SIZE * 8; bit++) {
        unsigned char *byte = bytes + LEDGER_HEADER_SIZE + LEDGER_RECORD_SIZE + bit / 8;

        *byte ^= (unsigned char) (1 << bit % 8);
        entries.count = 0;
        EXPECT_UINT(ledger_scan(str_make((char *) bytes, sizeof(bytes)), &seal, take_record, &entries), sizeof(bytes));
        EXPECT_UINT(entries.count, 2);
        *byte ^= (unsigned char) (1 << bit % 8);
    }
    /* A record copied to another place does not count there. */
    memcpy(bytes + LEDGER_HEADER_SIZE + LEDGER_RECORD_SIZE, bytes + LEDGER_HEADER_SIZE, LEDGER_RECORD_SIZE);
    entries.count = 0;
    ledger_scan(str_make((char *) bytes, sizeof(bytes)), &seal, take_record, &entries);
    EXPECT_UINT(entries.count, 2);
}

TEST(a_ledger_that_is_no_ledger_is_begun_anew)
{
    struct segment_header header = { .number = 9, .is_live = true, .size = 1 << 20, .salt = seal_salt_draw() };
    struct entries entries;
    struct ledger *ledger;
    struct failure why;
    int fd;

    enter_fresh_queue();
    EXPECT(file_open("journal/ledger-009", O_WRONLY | O_CREAT, 0600, &fd, &why));
    EXPECT(file_write(fd, "ledger",
                      STR("what is this? it is long enough to be read as a header, but it is none at all"), &why));
    fd_close(&fd);
    ledger = open_ledger(&header, &entries);
    EXPECT_UINT(entries.count, 0);
    ledger_close(&ledger);
}

/* How many syncs fail from now on. */
static unsigned failing_syncs;

static int fail_some_syncs(const struct fault_event *event, void *context)
{
    (void) context;
    return event->operation == FAULT_SYNC && failing_syncs > 0 && failing_syncs-- > 0 ? EIO : 0;
}

TEST(after_a_failed_sync_everything_is_written_again)
{
    struct segment_header header = { .number = 3, .is_live = true, .size = 1 << 20, .salt = seal_salt_draw() };
    struct ledger_record record = record_of(4096, LEDGER_DELIVERED);
    struct entries entries;
    struct ledger *ledger;
    struct failure why;

    enter_fresh_queue();
    ledger = open_ledger(&header, &entries);
    EXPECT(ledger_append(ledger, &record, 1, &why));
    fault_set_hook(fail_some_syncs, NULL);
    failing_syncs = 2;
    EXPECT_FALSE(ledger_sync(ledger, &why));
    EXPECT_INT(why.error, EIO);
    EXPECT(ledger_is_dirty(ledger));
    failing_syncs = 1;
    EXPECT(ledger_sync(ledger, &why));
    EXPECT_FALSE(ledger_is_dirty(ledger));
    EXPECT(ledger_sync(ledger, &why));
    fault_set_hook(NULL, NULL);
    ledger_close(&ledger);
    ledger = open_ledger(&header, &entries);
    EXPECT_UINT(entries.count, 1);
    ledger_close(&ledger);
}

static int fail_ledger_writes(const struct fault_event *event, void *context)
{
    (void) context;
    return event->operation == FAULT_WRITE ? ENOSPC : 0;
}

TEST(a_record_that_is_not_written_is_told)
{
    struct segment_header header = { .number = 3, .is_live = true, .size = 1 << 20, .salt = seal_salt_draw() };
    struct ledger_record record = record_of(4096, LEDGER_DELIVERED);
    struct entries entries;
    struct ledger *ledger;
    struct failure why;

    enter_fresh_queue();
    ledger = open_ledger(&header, &entries);
    fault_set_hook(fail_ledger_writes, NULL);
    EXPECT_FALSE(ledger_append(ledger, &record, 1, &why));
    EXPECT_INT(why.kind, FAILURE_NO_SPACE);
    ledger_close(&ledger);
    header.salt = seal_salt_draw();
    EXPECT_FALSE(ledger_open(&header, take_record, &entries, &ledger, &why));
    fault_set_hook(NULL, NULL);
    CHECK(chdir(unit_directory()) == 0);
    EXPECT_FALSE(ledger_open(&header, take_record, &entries, &ledger, &why));
}
