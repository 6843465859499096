/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/spool.h"

#include "base/check.h"
#include "os/fault.h"
#include "os/fd.h"
#include "os/file.h"
#include "spool/spool_walking.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
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

static void store(const char *path, struct str bytes)
{
    struct failure why;
    int fd;

    EXPECT(file_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600, &fd, &why));
    EXPECT(file_write(fd, path, bytes, &why));
    fd_close(&fd);
}

TEST(files_are_found_at_any_depth_and_moved_durably)
{
    char path[SPOOL_PATH_SIZE];
    enum spool_queue queue;
    struct failure why;

    enter_fresh_queue();
    spool_path(&usual, SPOOL_INCOMING, id_of(77), path);
    store(path, STR("x\n"));
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
    store("hold/DEAD", STR("x"));
    EXPECT_FALSE(spool_find(&usual, id_of(78), &queue, path, &why));
}

TEST(what_another_depth_of_hashing_left_is_found)
{
    static const unsigned all = 1u << SPOOL_INCOMING | 1u << SPOOL_DEFERRED;

    for (unsigned depth = 0; depth <= QUEUE_ID_HASH_DIGITS; depth++) {
        const struct spool_settings other = { .hash_depth = depth, .hashed_queues = all };

        for (unsigned at = SPOOL_INCOMING; at <= SPOOL_DEFERRED; at += SPOOL_DEFERRED - SPOOL_INCOMING) {
            enum spool_queue queue;
            char found[SPOOL_PATH_SIZE];
            char path[SPOOL_PATH_SIZE];
            struct failure why;

            enter_fresh_queue();
            EXPECT(spool_make_folder(&other, (enum spool_queue) at, id_of(77), &why));
            spool_path(&other, (enum spool_queue) at, id_of(77), path);
            store(path, STR("x"));
            EXPECT(spool_find(&usual, id_of(77), &queue, found, &why));
            EXPECT_INT(queue, at);
            EXPECT_TEXT(found, path);
        }
    }
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

/* The same, seven names at a time. */
static void expect_steps(void)
{
    struct spool_walking *walking = spool_walking_create(SPOOL_DEFERRED, 0, 1);
    struct walked walked = { 0 };
    struct failure why;
    bool is_over = false;
    size_t before;

    do {
        before = walked.count;
        EXPECT(spool_walking_step(walking, 7, count_entry, &walked, &is_over, &why));
        EXPECT(walked.count - before <= 7);
    } while (!is_over);
    EXPECT_UINT(walked.count, 40);
    EXPECT(spool_walking_strange(walking) > 0);
    spool_walking_destroy(&walking);
}

/* In three parts at one time, none of them sees what another does. */
static void expect_parts(size_t strange)
{
    struct walked walked = { 0 };
    struct failure why;
    bool is_over;

    for (unsigned part = 0; part < 3; part++) {
        struct spool_walking *walking = spool_walking_create(SPOOL_DEFERRED, part, 3);
        size_t before = walked.count;

        EXPECT(spool_walking_step(walking, SIZE_MAX, count_entry, &walked, &is_over, &why));
        EXPECT(is_over);
        EXPECT(walked.count > before);
        strange -= spool_walking_strange(walking);
        spool_walking_destroy(&walking);
    }
    EXPECT_UINT(walked.count, 40);
    EXPECT_UINT(strange, 0);
}

struct removed {
    size_t seen;
    size_t count;
};

/* All others go when the first is seen. */
static bool remove_others(void *context, const struct spool_entry *entry)
{
    struct removed *removed = context;

    removed->seen++;
    for (uint64_t i = 1; i <= 40; i++) {
        char path[SPOOL_PATH_SIZE];
        char text[QUEUE_ID_TEXT_SIZE];

        snprintf(path, sizeof(path), "deferred/%s", queue_id_format(id_of(i * 100), text).data);
        if (strcmp(path, entry->path) != 0)
            removed->count += unlink(path) == 0;
    }
    return true;
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
        store(path, STR("x"));
    }
    store("deferred/notes.txt", STR("what is this"));
    EXPECT(spool_walk(SPOOL_DEFERRED, count_entry, &walked, &strange, &why));
    EXPECT_UINT(walked.count, 40);
    EXPECT_UINT(strange, 1);
    expect_parts(1);
    expect_steps();
    walked = (struct walked){ .most = 5 };
    EXPECT(spool_walk(SPOOL_DEFERRED, count_entry, &walked, NULL, &why));
    EXPECT_UINT(walked.count, 5);
}

TEST(a_message_that_goes_during_a_walk_is_not_strange)
{
    static const struct spool_settings flat = { 0 };
    struct removed removed = { 0 };
    size_t strange;
    struct failure why;

    enter_fresh_queue();
    for (uint64_t i = 1; i <= 40; i++) {
        char path[SPOOL_PATH_SIZE];

        spool_path(&flat, SPOOL_DEFERRED, id_of(i * 100), path);
        store(path, STR("x"));
    }
    EXPECT(spool_walk(SPOOL_DEFERRED, remove_others, &removed, &strange, &why));
    EXPECT_UINT(removed.seen, 1);
    EXPECT_UINT(removed.count, 39);
    EXPECT_UINT(strange, 0);
}

struct order {
    ino_t last;
    size_t count;
};

static bool expect_order(void *context, const struct spool_entry *entry)
{
    struct order *order = context;
    struct stat status;

    EXPECT(stat(entry->path, &status) == 0);
    EXPECT(status.st_ino > order->last);
    order->last = status.st_ino;
    order->count++;
    return true;
}

TEST(a_folder_is_walked_in_the_order_of_inodes)
{
    static const struct spool_settings flat = { 0 };
    struct order order = { 0 };
    struct failure why;

    enter_fresh_queue();
    for (uint64_t i = 0; i < 500; i++) {
        char path[SPOOL_PATH_SIZE];

        spool_path(&flat, SPOOL_DEFERRED, id_of(1 + i * 317 % 500), path);
        store(path, STR("x"));
    }
    EXPECT(spool_walk(SPOOL_DEFERRED, expect_order, &order, NULL, &why));
    EXPECT_UINT(order.count, 500);
}

TEST(a_folder_that_cannot_be_entered_costs_the_others_nothing)
{
    struct walked walked = { 0 };
    struct rlimit before, few;
    char path[SPOOL_PATH_SIZE];
    struct failure why;
    int lowest;

    enter_fresh_queue();
    EXPECT(spool_make_folder(&usual, SPOOL_DEFERRED, id_of(1), &why));
    spool_path(&(struct spool_settings){ 0 }, SPOOL_DEFERRED, id_of(2), path);
    store(path, STR("x"));
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0 && fd_copy(0, 3, &lowest, &why));
    few = (struct rlimit){ (rlim_t) lowest + 1, before.rlim_max };
    fd_close(&lowest);
    CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    EXPECT_FALSE(spool_walk(SPOOL_DEFERRED, count_entry, &walked, NULL, &why));
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    EXPECT_INT(why.error, EMFILE);
    EXPECT_UINT(walked.count, 1);
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

TEST(what_is_set_aside_takes_no_other_file_s_place)
{
    static const char *const kept[] = { "", ".2", ".3" };
    char path[SPOOL_PATH_SIZE];
    char aside[SPOOL_PATH_SIZE + 8];
    struct failure why;

    enter_fresh_queue();
    spool_path(&usual, SPOOL_ACTIVE, id_of(5), path);
    for (size_t i = 0; i < ARRAY_COUNT(kept); i++) {
        store(path, STR("x"));
        EXPECT(spool_set_aside(&usual, id_of(5), path, &why));
        EXPECT_FALSE(file_exists(path));
    }
    spool_path(&usual, SPOOL_CORRUPT, id_of(5), path);
    for (size_t i = 0; i < ARRAY_COUNT(kept); i++) {
        snprintf(aside, sizeof(aside), "%s%s", path, kept[i]);
        EXPECT(file_exists(aside));
    }
    EXPECT_FALSE(spool_set_aside(&usual, id_of(5), "active/nothing", &why));
    EXPECT_INT(why.error, ENOENT);
}

static unsigned parent_syncs;

static int count_parent_syncs(const struct fault_event *event, void *context)
{
    (void) context;
    parent_syncs += event->operation == FAULT_SYNC && strcmp(event->path, "deferred") == 0;
    return 0;
}

/* Its maker was killed before the name was durable. */
TEST(a_folder_that_was_not_finished_is_made_durable_by_the_next)
{
    char folder[SPOOL_PATH_SIZE];
    struct stat status;
    struct failure why;

    enter_fresh_queue();
    spool_folder(&usual, SPOOL_DEFERRED, id_of(6), folder);
    CHECK(mkdir(folder, 01700) == 0);
    parent_syncs = 0;
    fault_set_hook(count_parent_syncs, NULL);
    EXPECT(spool_make_folder(&usual, SPOOL_DEFERRED, id_of(6), &why));
    EXPECT_UINT(parent_syncs, 1);
    EXPECT(spool_make_folder(&usual, SPOOL_DEFERRED, id_of(6), &why));
    EXPECT_UINT(parent_syncs, 1);
    fault_set_hook(NULL, NULL);
    EXPECT(file_stat(folder, &status, &why));
    EXPECT_UINT(status.st_mode & 07777, 0700);
}

static int fail_syncs(const struct fault_event *event, void *context)
{
    (void) context;
    return event->operation == FAULT_SYNC ? EIO : 0;
}

TEST(a_move_that_is_not_durable_is_told)
{
    char path[SPOOL_PATH_SIZE];
    struct failure why;

    enter_fresh_queue();
    spool_path(&usual, SPOOL_INCOMING, id_of(7), path);
    store(path, STR("x"));
    fault_set_hook(fail_syncs, NULL);
    EXPECT_FALSE(spool_move(&usual, id_of(7), path, SPOOL_HOLD, true, &why));
    EXPECT_FALSE(spool_make_folders(&why));
    fault_set_hook(NULL, NULL);
    EXPECT_INT(why.error, EIO);
    CHECK(chdir(unit_directory()) == 0);
    EXPECT_FALSE(spool_move(&usual, id_of(7), path, SPOOL_HOLD, true, &why));
}
