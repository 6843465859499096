/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/queue_file_part.h"

#include "base/check.h"
#include "os/fd.h"
#include "os/file.h"
#include "spool/queue_file_writer.h"
#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RECIPIENTS = 2500, PENDING = 1 << RECIPIENT_PENDING, FAILED = 1 << RECIPIENT_FAILED };

static const struct instant now = { 1767229200000000 };

static void write_sample(const char *path)
{
    struct arena *arena = arena_create();
    struct envelope envelope = { .id = queue_id_make(77, 0, false), .arrival = now, .sender = STR("a@example.com") };
    struct queue_file_writer *writer;
    struct failure why;

    CHECK(chdir(unit_directory()) == 0);
    CHECK(spool_make_folders(&why));
    for (size_t i = 0; i < RECIPIENTS; i++)
        envelope_add_recipient(&envelope, arena, arena_printf(arena, "r%zu@example.test", i), STR_EMPTY, STR_EMPTY, 0);
    EXPECT(queue_file_create(path, envelope.id, &writer, &why));
    EXPECT(queue_file_write(writer, STR("hello\n"), &why));
    EXPECT(queue_file_finish(writer, &envelope, now, &why));
    EXPECT(queue_file_sync(writer, &why));
    queue_file_close(&writer);
    arena_destroy(&arena);
}

static void append(const char *path, size_t number, enum recipient_status status, const char *reason)
{
    struct queue_file_outcome outcome = { .number = number, .status = status, .reason = str_from_c(reason) };
    struct failure why;

    EXPECT(queue_file_append(path, &outcome, 1, 0, now, false, &why));
}

static int open_sample(const char *path)
{
    struct failure why;
    int fd;

    CHECK(file_open(path, O_RDONLY, 0, &fd, &why));
    return fd;
}

static struct queue_file_survey look_through(int fd, struct arena *arena)
{
    struct queue_file_survey survey = { 0 };
    struct envelope envelope;
    struct failure why;

    EXPECT(queue_file_survey(fd, arena, &envelope, &survey, &why));
    EXPECT_UINT(envelope.recipient_count, 0);
    EXPECT_STR(envelope.sender, STR("a@example.com"));
    return survey;
}

static size_t read_some(int fd, struct queue_file_place *place, unsigned statuses, size_t most, struct arena *arena,
                        struct envelope *envelope, size_t **numbers)
{
    struct failure why;

    *envelope = (struct envelope){ 0 };
    EXPECT(queue_file_read_part(fd, place, statuses, most, arena, envelope, numbers, &why));
    return envelope->recipient_count;
}

TEST(parts_of_any_size_make_the_whole_message)
{
    static const size_t sizes[] = { 1, 7, 999, 1000, 1001, 5000 };

    write_sample("whole");
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        struct arena *arena = arena_create();
        int fd = open_sample("whole");
        struct queue_file_survey survey = look_through(fd, arena);
        struct envelope envelope;
        size_t expected = 0;
        size_t *numbers;

        EXPECT_UINT(survey.pending, RECIPIENTS);
        EXPECT_UINT(survey.start.total, RECIPIENTS);
        while (read_some(fd, &survey.start, PENDING, sizes[i], arena, &envelope, &numbers) > 0) {
            EXPECT(envelope.recipient_count <= sizes[i]);
            for (size_t j = 0; j < envelope.recipient_count; j++, expected++) {
                EXPECT_UINT(numbers[j], expected);
                EXPECT_STR(envelope.recipients[j].address, arena_printf(arena, "r%zu@example.test", expected));
            }
        }
        EXPECT_UINT(expected, RECIPIENTS);
        fd_close(&fd);
        arena_destroy(&arena);
    }
    EXPECT(unlink("whole") == 0);
}

TEST(a_part_has_only_what_is_wanted_with_its_reason)
{
    struct arena *arena = arena_create();
    struct queue_file_survey survey;
    struct envelope envelope;
    size_t *numbers;
    int fd;

    write_sample("some");
    for (size_t i = 0; i < RECIPIENTS; i++)
        if (i % 1000 != 5)
            append("some", i, i % 1000 == 6 ? RECIPIENT_FAILED : RECIPIENT_DELIVERED, "said so");
    append("some", 1005, RECIPIENT_PENDING, "try later");
    fd = open_sample("some");
    survey = look_through(fd, arena);
    EXPECT_UINT(survey.pending, 3);
    EXPECT_UINT(survey.failed, 3);
    /* What comes later is not looked at, unless all is asked for. */
    append("some", 5, RECIPIENT_DELIVERED, "");
    {
        struct queue_file_place place = survey.start;

        EXPECT_UINT(read_some(fd, &place, PENDING, 2, arena, &envelope, &numbers), 2);
        EXPECT_UINT(numbers[0], 5);
        EXPECT_UINT(numbers[1], 1005);
        EXPECT_STR(envelope.recipients[1].reason, STR("try later"));
        EXPECT_UINT(read_some(fd, &place, PENDING, 2, arena, &envelope, &numbers), 1);
        EXPECT_UINT(numbers[0], 2005);
        EXPECT_UINT(read_some(fd, &place, PENDING, 2, arena, &envelope, &numbers), 0);
    }
    survey.start.statuses_end = UINT64_MAX;
    EXPECT_UINT(read_some(fd, &survey.start, PENDING | FAILED, RECIPIENTS, arena, &envelope, &numbers), 5);
    EXPECT_UINT(numbers[0], 6);
    EXPECT_STR(envelope.recipients[0].reason, STR("said so"));
    EXPECT_INT(envelope.recipients[0].status, RECIPIENT_FAILED);
    fd_close(&fd);
    arena_destroy(&arena);
    EXPECT(unlink("some") == 0);
}

TEST(a_small_read_tells_when_there_is_more)
{
    struct arena *arena = arena_create();
    struct queue_file_content content;
    struct envelope envelope;
    struct failure why;
    bool is_larger;
    int fd;

    write_sample("small");
    fd = open_sample("small");
    EXPECT(queue_file_read_small(fd, RECIPIENTS - 1, arena, &envelope, &content, &is_larger, &why));
    EXPECT(is_larger);
    EXPECT(queue_file_read_small(fd, RECIPIENTS, arena, &envelope, &content, &is_larger, &why));
    EXPECT_FALSE(is_larger);
    EXPECT_UINT(envelope.recipient_count, RECIPIENTS);
    fd_close(&fd);
    arena_destroy(&arena);
    EXPECT(unlink("small") == 0);
}

TEST(a_damaged_file_is_told_as_such)
{
    struct arena *arena = arena_create();
    struct queue_file_survey survey;
    struct envelope envelope;
    struct failure why;
    struct stat status;
    int fd;

    write_sample("damaged");
    EXPECT(stat("damaged", &status) == 0);
    EXPECT(truncate("damaged", status.st_size - 100) == 0);
    fd = open_sample("damaged");
    EXPECT_FALSE(queue_file_survey(fd, arena, &envelope, &survey, &why));
    EXPECT(why.kind == FAILURE_PERMANENT);
    fd_close(&fd);
    arena_destroy(&arena);
    EXPECT(unlink("damaged") == 0);
}
