/* SPDX-License-Identifier: Apache-2.0 */
#include "local/accounts.h"

#include "os/fd.h"
#include "os/file.h"
#include "unit.h"

#include <fcntl.h>

/* What the made-up source of users says, and how often it was asked. */
static enum user_answer next_answer;
static uid_t next_uid;
static unsigned lookups;

static enum user_answer look_up(struct arena *arena, struct str name, struct user_account *account_out,
                                struct failure *why)
{
    lookups++;
    if (next_answer == USER_FOUND)
        *account_out = (struct user_account){ .name = arena_str(arena, name),
                                              .home = STR("/home/user"),
                                              .shell = STR("/bin/sh"),
                                              .uid = next_uid,
                                              .gid = 7 };
    else if (next_answer == USER_UNKNOWN)
        failure_set(why, FAILURE_RETRY, 0, "no answer");
    return next_answer;
}

static struct instant second(int64_t seconds_since_start)
{
    return (struct instant){ 1000000 * (1000 + seconds_since_start) };
}

struct bench {
    struct arena *arena;
    const char *file;
    struct accounts *accounts;
};

static void write_file(const struct bench *bench, const char *text)
{
    int fd = -1;

    EXPECT(file_open(bench->file, O_WRONLY | O_CREAT | O_APPEND, 0600, &fd, NULL));
    EXPECT(file_write(fd, bench->file, str_from_c(text), NULL));
    fd_close(&fd);
}

static void bench_init(struct bench *bench)
{
    bench->arena = arena_create();
    bench->file = arena_printf(bench->arena, "%s/passwd", unit_directory()).data;
    write_file(bench, "one line\n");
    bench->accounts = accounts_create(bench->file, look_up);
    next_answer = USER_FOUND;
    next_uid = 1000;
    lookups = 0;
}

static void bench_done(struct bench *bench)
{
    accounts_destroy(&bench->accounts);
    EXPECT(file_unlink(bench->file, NULL));
    arena_destroy(&bench->arena);
}

static enum user_answer find(struct bench *bench, int64_t when, const char *name, struct user_account *account_out)
{
    struct failure why;

    return accounts_find(bench->accounts, second(when), bench->arena, str_from_c(name), account_out, &why);
}

TEST(a_user_that_was_found_is_not_looked_up_again_for_five_seconds)
{
    struct bench bench;
    struct user_account account;

    bench_init(&bench);
    EXPECT_INT(find(&bench, 0, "user", &account), USER_FOUND);
    EXPECT_INT(find(&bench, 0, "other", &account), USER_FOUND);
    next_uid = 2000;
    EXPECT_INT(find(&bench, 4, "user", &account), USER_FOUND);
    EXPECT_UINT(lookups, 2);
    EXPECT_UINT(account.uid, 1000);
    EXPECT_UINT(account.gid, 7);
    EXPECT_STR(account.name, STR("user"));
    EXPECT_STR(account.home, STR("/home/user"));
    EXPECT_STR(account.shell, STR("/bin/sh"));
    EXPECT_INT(find(&bench, 5, "user", &account), USER_FOUND);
    EXPECT_UINT(lookups, 3);
    EXPECT_UINT(account.uid, 2000);
    bench_done(&bench);
}

TEST(a_change_of_the_file_counts_at_once)
{
    struct bench bench;
    struct user_account account;

    bench_init(&bench);
    EXPECT_INT(find(&bench, 0, "user", &account), USER_FOUND);
    write_file(&bench, "another line\n");
    next_answer = USER_ABSENT;
    EXPECT_INT(find(&bench, 0, "user", &account), USER_ABSENT);
    bench_done(&bench);
}

TEST(neither_absence_nor_failure_is_remembered)
{
    struct bench bench;
    struct user_account account;

    bench_init(&bench);
    next_answer = USER_ABSENT;
    EXPECT_INT(find(&bench, 0, "user", &account), USER_ABSENT);
    next_answer = USER_UNKNOWN;
    EXPECT_INT(find(&bench, 0, "user", &account), USER_UNKNOWN);
    next_answer = USER_FOUND;
    EXPECT_INT(find(&bench, 0, "user", &account), USER_FOUND);
    EXPECT_UINT(lookups, 3);
    bench_done(&bench);
}
