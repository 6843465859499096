/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "base/memory.h"
#include "os/fault.h"
#include "os/fd.h"
#include "os/file.h"
#include "spool/queue_file.h"
#include "spool/queue_file_writer.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

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

static struct envelope sample(struct arena *arena, struct queue_id id, size_t recipients)
{
    struct envelope envelope = { .id = id, .arrival = { 1767225600000000 }, .sender = STR("a@example.com") };

    for (size_t i = 0; i < recipients; i++)
        envelope_add_recipient(&envelope, arena, arena_printf(arena, "r%zu@example.test", i), STR_EMPTY, STR_EMPTY, 0);
    return envelope;
}

static void write_sample(const char *path, size_t recipients, struct str content)
{
    struct arena *arena = arena_create();
    struct envelope envelope = sample(arena, id_of(77), recipients);
    struct queue_file_writer *writer;
    struct failure why;

    EXPECT(queue_file_create(path, envelope.id, &writer, &why));
    EXPECT(queue_file_write(writer, content, &why));
    EXPECT(queue_file_finish(writer, &envelope, instant_from_seconds(1767229200), &why));
    EXPECT(queue_file_sync(writer, &why));
    queue_file_close(&writer);
    arena_destroy(&arena);
}

static bool can_read(const char *path, struct failure *why)
{
    struct arena *arena = arena_create();
    struct queue_file_content content;
    struct envelope envelope;
    bool is_read;
    int fd;

    is_read = queue_file_open(path, arena, &envelope, &content, &fd, why);
    if (is_read) {
        is_read = queue_file_verify_content(fd, &content, why);
        fd_close(&fd);
    }
    arena_destroy(&arena);
    return is_read;
}

TEST(a_file_is_complete_by_itself)
{
    struct arena *arena = arena_create();
    struct queue_file_content content;
    struct envelope envelope;
    struct failure why;
    struct stat status;
    char text[20];
    size_t count;
    int fd;

    enter_fresh_queue();
    write_sample("incoming/x", 2500, STR("Subject: hello\n\nworld\n"));
    EXPECT(queue_file_open("incoming/x", arena, &envelope, &content, &fd, &why));
    EXPECT_UINT(content.length, 22);
    EXPECT(file_read_at(fd, "x", text, 14, content.offset, &count, &why));
    EXPECT_STR(str_make(text, 14), STR("Subject: hello"));
    EXPECT(queue_file_verify_content(fd, &content, &why));
    EXPECT_UINT(envelope.recipient_count, 2500);
    EXPECT_STR(envelope.recipients[2499].address, STR("r2499@example.test"));
    EXPECT(file_stat("incoming/x", &status, &why));
    EXPECT_INT(status.st_mtim.tv_sec, 1767229200);
    fd_close(&fd);
    arena_destroy(&arena);
}

TEST(a_file_that_is_there_is_not_overwritten)
{
    struct queue_file_writer *writer;
    struct failure why;

    enter_fresh_queue();
    write_sample("incoming/x", 1, STR("x"));
    EXPECT_FALSE(queue_file_create("incoming/x", id_of(77), &writer, &why));
    EXPECT_INT(why.error, EEXIST);
    EXPECT(can_read("incoming/x", &why));
}

/* Bytes of a whole file, to be damaged. */
static void load(const char *path, struct strbuf *bytes)
{
    struct failure why;

    strbuf_init(bytes, 1 << 24);
    EXPECT(file_load(path, bytes, &why));
}

static void store(const char *path, struct str bytes)
{
    struct failure why;
    int fd;

    EXPECT(file_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600, &fd, &why));
    EXPECT(file_write(fd, path, bytes, &why));
    fd_close(&fd);
}

TEST(no_prefix_of_a_file_is_a_message)
{
    struct strbuf bytes;
    struct failure why;

    enter_fresh_queue();
    write_sample("incoming/x", 3, STR("Subject: hello\n\nworld\n"));
    load("incoming/x", &bytes);
    for (size_t len = 0; len < bytes.len; len++) {
        store("incoming/y", str_part(strbuf_str(&bytes), 0, len));
        EXPECT_FALSE(can_read("incoming/y", &why));
        EXPECT_INT(why.kind, FAILURE_PERMANENT);
    }
    strbuf_done(&bytes);
}

TEST(every_flipped_bit_of_a_message_is_seen)
{
    struct strbuf bytes;
    struct failure why;
    size_t unseen = 0;

    enter_fresh_queue();
    write_sample("incoming/x", 2, STR("Subject: hello\n\nworld\n"));
    load("incoming/x", &bytes);
    for (size_t bit = 0; bit < bytes.len * 8; bit++) {
        bytes.data[bit / 8] = (char) (bytes.data[bit / 8] ^ (1 << bit % 8));
        store("incoming/y", strbuf_str(&bytes));
        unseen += can_read("incoming/y", &why);
        bytes.data[bit / 8] = (char) (bytes.data[bit / 8] ^ (1 << bit % 8));
    }
    /* Only the zeros that align frames mean nothing: at most 7 bytes before each of four. */
    EXPECT(unseen <= 4 * 7 * 8);
    strbuf_done(&bytes);
}

static void append_one(size_t number, enum recipient_status status, struct str reason)
{
    struct queue_file_outcome outcome = {
        .number = number, .status = status, .dsn = DSN_STATUS(4, 4, 1), .reason = reason
    };
    struct failure why;

    EXPECT(queue_file_append("incoming/x", &outcome, 1, 0, instant_from_seconds(1767230000), true, &why));
}

static struct envelope_recipient recipient_of(size_t number, unsigned *flags_out)
{
    struct arena *arena = arena_create();
    struct queue_file_content content;
    struct envelope envelope;
    struct envelope_recipient recipient;
    static char reason[200];
    struct failure why;

    EXPECT(queue_file_open("incoming/x", arena, &envelope, &content, NULL, &why));
    recipient = envelope.recipients[number];
    snprintf(reason, sizeof(reason), "%.*s", STR_ARG(recipient.reason));
    recipient.reason = str_from_c(reason);
    if (flags_out != NULL)
        *flags_out = envelope.flags;
    arena_destroy(&arena);
    return recipient;
}

TEST(outcomes_are_appended_and_the_last_one_counts)
{
    struct failure why;
    struct stat status;
    unsigned flags;

    enter_fresh_queue();
    write_sample("incoming/x", 3, STR("x\n"));
    append_one(1, RECIPIENT_PENDING, STR("connection refused"));
    append_one(2, RECIPIENT_DELIVERED, STR("250 ok"));
    append_one(1, RECIPIENT_PENDING, STR("timed out"));
    EXPECT_INT(recipient_of(0, NULL).status, RECIPIENT_PENDING);
    EXPECT_STR(recipient_of(1, NULL).reason, STR("timed out"));
    EXPECT_UINT(recipient_of(1, NULL).dsn.subject, 4);
    EXPECT_INT(recipient_of(2, NULL).status, RECIPIENT_DELIVERED);
    EXPECT(queue_file_append("incoming/x", NULL, 0, ENVELOPE_DELAY_WARNED, instant_from_seconds(5), false, &why));
    recipient_of(0, &flags);
    EXPECT_UINT(flags, ENVELOPE_DELAY_WARNED);
    EXPECT(file_stat("incoming/x", &status, &why));
    EXPECT_INT(status.st_mtim.tv_sec, 5);
}

TEST(a_torn_status_is_ignored_and_overwritten)
{
    struct strbuf bytes;
    size_t whole;

    enter_fresh_queue();
    write_sample("incoming/x", 2, STR("x\n"));
    append_one(0, RECIPIENT_PENDING, STR("first"));
    load("incoming/x", &bytes);
    whole = bytes.len;
    append_one(0, RECIPIENT_PENDING, STR("second"));
    strbuf_clear(&bytes);
    strbuf_done(&bytes);
    load("incoming/x", &bytes);
    for (size_t len = whole; len < bytes.len; len++) {
        store("incoming/x", str_part(strbuf_str(&bytes), 0, len));
        EXPECT_STR(recipient_of(0, NULL).reason, STR("first"));
        append_one(1, RECIPIENT_DELIVERED, STR("after"));
        EXPECT_INT(recipient_of(1, NULL).status, RECIPIENT_DELIVERED);
    }
    strbuf_done(&bytes);
}

TEST(a_status_behind_a_torn_one_does_not_come_back)
{
    struct strbuf bytes;
    size_t whole;

    enter_fresh_queue();
    write_sample("incoming/x", 2, STR("x\n"));
    load("incoming/x", &bytes);
    whole = bytes.len;
    append_one(0, RECIPIENT_PENDING, STR("later"));
    append_one(1, RECIPIENT_FAILED, STR("never"));
    strbuf_done(&bytes);
    load("incoming/x", &bytes);
    bytes.data[whole + 60] ^= 1;
    store("incoming/x", strbuf_str(&bytes));
    EXPECT_INT(recipient_of(1, NULL).status, RECIPIENT_PENDING);
    append_one(0, RECIPIENT_PENDING, STR("again"));
    EXPECT_INT(recipient_of(1, NULL).status, RECIPIENT_PENDING);
    EXPECT_STR(recipient_of(0, NULL).reason, STR("again"));
    strbuf_done(&bytes);
}

TEST(an_outcome_for_nobody_makes_the_file_unreadable)
{
    struct failure why;

    enter_fresh_queue();
    write_sample("incoming/x", 1, STR("x\n"));
    append_one(7, RECIPIENT_DELIVERED, STR("?"));
    EXPECT_FALSE(can_read("incoming/x", &why));
    EXPECT_INT(why.kind, FAILURE_PERMANENT);
}

static int fail_all_writes(const struct fault_event *event, void *context)
{
    const int *error = context;

    return event->operation == FAULT_WRITE || event->operation == FAULT_SYNC ? *error : 0;
}

TEST(failures_of_the_disk_are_told)
{
    struct arena *arena = arena_create();
    struct envelope envelope = sample(arena, id_of(5), 1);
    struct queue_file_writer *writer;
    struct failure why;
    int error = ENOSPC;

    enter_fresh_queue();
    EXPECT(queue_file_create("incoming/x", envelope.id, &writer, &why));
    fault_set_hook(fail_all_writes, &error);
    EXPECT_FALSE(queue_file_finish(writer, &envelope, instant_from_seconds(0), &why));
    EXPECT_INT(why.kind, FAILURE_NO_SPACE);
    error = EIO;
    EXPECT_FALSE(queue_file_sync(writer, &why));
    EXPECT_INT(why.kind, FAILURE_RETRY);
    fault_set_hook(NULL, NULL);
    queue_file_close(&writer);
    EXPECT_FALSE(can_read("incoming/x", &why));
    arena_destroy(&arena);
}
