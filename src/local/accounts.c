/* SPDX-License-Identifier: Apache-2.0 */
#include "local/accounts.h"

#include "base/map.h"
#include "base/memory.h"
#include "os/file.h"

enum {
    LIFE_US = 5000000,
    REMEMBERED_MAX = 10000,
};

struct accounts {
    const char *file;
    accounts_look_up *look_up;
    struct arena *arena; /* of what is remembered */
    struct map *by_name;
    struct instant begun;
    struct stat status; /* of the file then; zeros without a file */
};

struct accounts *accounts_create(const char *file, accounts_look_up *look_up)
{
    struct accounts *accounts = memory_alloc(sizeof(*accounts));

    accounts->file = file;
    accounts->look_up = look_up;
    accounts->arena = arena_create();
    accounts->by_name = map_create();
    return accounts;
}

void accounts_destroy(struct accounts **accounts)
{
    if (*accounts == NULL)
        return;
    map_destroy(&(*accounts)->by_name);
    arena_destroy(&(*accounts)->arena);
    memory_free(*accounts);
    *accounts = NULL;
}

static bool is_same_time(const struct timespec *one, const struct timespec *other)
{
    return one->tv_sec == other->tv_sec && one->tv_nsec == other->tv_nsec;
}

static bool is_unchanged(const struct stat *one, const struct stat *other)
{
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino && one->st_size == other->st_size &&
           is_same_time(&one->st_mtim, &other->st_mtim) && is_same_time(&one->st_ctim, &other->st_ctim);
}

static void forget_what_is_old(struct accounts *accounts, struct instant now)
{
    struct stat status = { 0 };
    struct failure ignored;

    (void) !file_stat(accounts->file, &status, &ignored);
    if (instant_since(now, accounts->begun).us < LIFE_US && map_count(accounts->by_name) < REMEMBERED_MAX &&
        is_unchanged(&status, &accounts->status))
        return;
    map_destroy(&accounts->by_name);
    accounts->by_name = map_create();
    arena_reset(accounts->arena);
    accounts->begun = now;
    accounts->status = status;
}

static struct user_account copy_of(struct arena *arena, const struct user_account *account)
{
    return (struct user_account){
        .name = arena_str(arena, account->name),
        .full_name = arena_str(arena, account->full_name),
        .home = arena_str(arena, account->home),
        .shell = arena_str(arena, account->shell),
        .uid = account->uid,
        .gid = account->gid,
    };
}

enum user_answer accounts_find(struct accounts *accounts, struct instant now, struct arena *arena, struct str name,
                               struct user_account *account_out, struct failure *why)
{
    struct user_account *known;
    enum user_answer answer;

    forget_what_is_old(accounts, now);
    known = map_get(accounts->by_name, name);
    if (known != NULL) {
        *account_out = copy_of(arena, known);
        return USER_FOUND;
    }
    answer = accounts->look_up(arena, name, account_out, why);
    if (answer == USER_FOUND) {
        known = arena_new(accounts->arena, struct user_account);
        *known = copy_of(accounts->arena, account_out);
        map_set(accounts->by_name, name, known);
    }
    return answer;
}
