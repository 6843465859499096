/* SPDX-License-Identifier: Apache-2.0 */
#include "os/user.h"

#include "unit.h"

TEST(a_name_that_nobody_can_have_is_absent)
{
    struct arena *arena = arena_create();
    struct user_account user;
    struct user_group group;
    struct failure why;

    EXPECT_INT(user_by_name(arena, STR(""), &user, &why), USER_ABSENT);
    EXPECT_INT(user_by_name(arena, STR("a\0b"), &user, &why), USER_ABSENT);
    EXPECT_INT(user_group_by_name(arena, STR("no:such:group"), &group, &why), USER_ABSENT);
    arena_destroy(&arena);
}

TEST(root_is_found_by_name_and_number)
{
    struct arena *arena = arena_create();
    struct user_account user;
    struct user_group group;
    struct failure why;

    EXPECT_INT(user_by_name(arena, STR("root"), &user, &why), USER_FOUND);
    EXPECT_UINT(user.uid, 0);
    EXPECT_INT(user_by_uid(arena, 0, &user, &why), USER_FOUND);
    EXPECT_STR(user.name, STR("root"));
    EXPECT_INT(user_group_by_gid(arena, 0, &group, &why), USER_FOUND);
    EXPECT_STR(group.name, STR("root"));
    arena_destroy(&arena);
}
