/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "base/memory.h"
#include "os/fault.h"
#include "os/fd.h"
#include "os/file.h"
#include "spool/maildrop_file.h"
#include "spool/queue_file.h"
#include "spool/queue_file_writer.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct spool_settings usual = { .hash_depth = 1, .hashed_queues = 1u << SPOOL_DEFERRED };

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

/* ---- folders ---- */

TEST(files_are_found_at_any_depth_and_moved_durably)
{
    char path[SPOOL_PATH_SIZE];
    enum spool_queue queue;
    struct failure why;

    enter_fresh_queue();
    spool_path(&usual, SPOOL_INCOMING, id_of(77), path);
    write_sample(path, 1, STR("x\n"));
    EXPECT(spool_find(&usual, id_of(77), &queue, path, &why));
    EXPECT_INT(queue, SPOOL_INCOMING);
    EXPECT(spool_move(&usual, id_of(77), path, SPOOL_DEFERRED, true, &why));
    EXPECT_FALSE(file_exists(path));
    EXPECT(spool_find(&usual, id_of(77), &queue, path, &why));
    EXPECT_INT(queue, SPOOL_DEFERRED);
    EXPECT(spool_move(&usual, id_of(77), path, SPOOL_DEFERRED, true, &why));
    EXPECT(mkdir("deferred/9", 0700) == 0 || errno == EEXIST);
    EXPECT(spool_remove(path, &why));
    EXPECT(spool_remove(path, &why));
    EXPECT_FALSE(spool_find(&usual, id_of(77), &queue, path, &why));
    EXPECT_INT(why.kind, FAILURE_NONE);
    /* Left by another hash_queue_depth. */
    write_sample("hold/DEAD", 1, STR("x"));
    EXPECT_FALSE(spool_find(&usual, id_of(78), &queue, path, &why));
}

struct walked {
    size_t count;
    size_t most;
};

static bool count_entry(void *context, const struct spool_entry *entry)
{
    struct walked *walked = context;

    EXPECT_INT(entry->queue, SPOOL_DEFERRED);
    EXPECT(entry->size_bytes > 0);
    return ++walked->count != walked->most;
}

TEST(a_walk_sees_every_message_and_counts_the_strange)
{
    struct walked walked = { 0 };
    char path[SPOOL_PATH_SIZE];
    size_t strange;
    struct failure why;

    enter_fresh_queue();
    for (uint64_t i = 1; i <= 40; i++) {
        struct queue_id id = id_of(i * 100);

        EXPECT(spool_make_folder(&usual, SPOOL_DEFERRED, id, &why));
        spool_path(&usual, SPOOL_DEFERRED, id, path);
        write_sample(path, 1, STR("x"));
    }
    store("deferred/notes.txt", STR("what is this"));
    EXPECT(spool_walk(SPOOL_DEFERRED, count_entry, &walked, &strange, &why));
    EXPECT_UINT(walked.count, 40);
    EXPECT_UINT(strange, 1);
    walked = (struct walked){ .most = 5 };
    EXPECT(spool_walk(SPOOL_DEFERRED, count_entry, &walked, NULL, &why));
    EXPECT_UINT(walked.count, 5);
}

TEST(the_settings_name_the_hashed_queues)
{
    struct spool_settings settings = spool_settings_make(STR("deferred, hold nosuch"), 9);
    enum spool_queue queue;

    EXPECT_UINT(settings.hash_depth, QUEUE_ID_HASH_DIGITS);
    EXPECT_UINT(settings.hashed_queues, 1u << SPOOL_DEFERRED | 1u << SPOOL_HOLD);
    EXPECT_UINT(spool_settings_make(STR("deferred"), 0).hash_depth, 0);
    EXPECT_FALSE(spool_queue_parse(STR("bounce"), &queue));
}

/* ---- maildrop ---- */

static void submit(struct arena *arena)
{
    struct maildrop_message message = { .sender = STR("me@example.com"),
                                        .full_name = STR("A Name"),
                                        .wants_extraction = true,
                                        .dsn_notify = STR("NEVER") };
    struct maildrop_writer *writer;
    struct failure why;

    strlist_add(&message.recipients, arena, STR("you@example.test"));
    strlist_add(&message.recipients, arena, STR("him@example.test"));
    EXPECT(maildrop_create(&writer, &why));
    EXPECT(maildrop_write_message(writer, &message, &why));
    EXPECT(maildrop_write_content(writer, STR("Subject: x\n"), &why));
    EXPECT(maildrop_write_content(writer, STR("\nbody\n"), &why));
    store("path", str_from_c(maildrop_writer_path(writer)));
    EXPECT(maildrop_finish(&writer, &why));
    EXPECT(writer == NULL);
}

static bool open_drop(const char *path, struct arena *arena, struct maildrop_message *message, struct failure *why)
{
    uint64_t offset;
    uint64_t length;
    int fd;

    if (!maildrop_open(path, arena, message, &fd, &offset, &length, why))
        return false;
    fd_close(&fd);
    EXPECT_UINT(length, 17);
    return true;
}

TEST(a_submission_is_taken_up_as_it_was_written)
{
    struct arena *arena = arena_create();
    struct maildrop_message message;
    struct strbuf path;
    struct failure why;

    enter_fresh_queue();
    submit(arena);
    load("path", &path);
    EXPECT(open_drop(strbuf_c(&path), arena, &message, &why));
    EXPECT_STR(message.sender, STR("me@example.com"));
    EXPECT_STR(message.full_name, STR("A Name"));
    EXPECT_STR(message.dsn_notify, STR("NEVER"));
    EXPECT(message.wants_extraction);
    EXPECT_FALSE(message.wants_smtputf8);
    EXPECT_UINT(message.uid, geteuid());
    EXPECT_UINT(message.recipients.count, 2);
    EXPECT_STR(message.recipients.items[1], STR("him@example.test"));
    strbuf_done(&path);
    arena_destroy(&arena);
}

TEST(a_damaged_or_unfinished_submission_is_refused)
{
    struct arena *arena = arena_create();
    struct maildrop_message message;
    struct strbuf path;
    struct strbuf bytes;
    struct failure why;

    enter_fresh_queue();
    submit(arena);
    load("path", &path);
    load(strbuf_c(&path), &bytes);
    store("maildrop/y", strbuf_str(&bytes));
    EXPECT_FALSE(open_drop("maildrop/y", arena, &message, &why));
    EXPECT(chmod("maildrop/y", 0700) == 0);
    EXPECT(open_drop("maildrop/y", arena, &message, &why));
    for (size_t bit = 0; bit < bytes.len * 8; bit++) {
        bytes.data[bit / 8] = (char) (bytes.data[bit / 8] ^ (1 << bit % 8));
        store("maildrop/y", strbuf_str(&bytes));
        EXPECT_FALSE(open_drop("maildrop/y", arena, &message, &why));
        EXPECT_INT(why.kind, FAILURE_PERMANENT);
        bytes.data[bit / 8] = (char) (bytes.data[bit / 8] ^ (1 << bit % 8));
    }
    for (size_t len = 0; len < bytes.len; len++) {
        store("maildrop/y", str_part(strbuf_str(&bytes), 0, len));
        EXPECT_FALSE(open_drop("maildrop/y", arena, &message, &why));
    }
    EXPECT(symlink("y", "maildrop/z") == 0);
    EXPECT_FALSE(open_drop("maildrop/z", arena, &message, &why));
    strbuf_done(&bytes);
    strbuf_done(&path);
    arena_destroy(&arena);
}

TEST(a_submission_without_a_message_leaves_no_file)
{
    struct maildrop_writer *writer;
    char path[200];
    struct failure why;

    enter_fresh_queue();
    EXPECT(maildrop_create(&writer, &why));
    snprintf(path, sizeof(path), "%s", maildrop_writer_path(writer));
    EXPECT(file_exists(path));
    EXPECT_FALSE(maildrop_finish(&writer, &why));
    EXPECT(writer == NULL);
    EXPECT_FALSE(file_exists(path));
}
