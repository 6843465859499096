/* SPDX-License-Identifier: Apache-2.0 */
#include "table/key_marks.h"

#include "base/arena.h"
#include "unit.h"

TEST(a_key_that_was_noted_is_never_new)
{
    struct arena *arena = arena_create();
    struct key_marks marks;
    unsigned confused = 0;

    key_marks_init(&marks);
    for (unsigned i = 0; i < 100000; i++)
        confused += key_marks_note(&marks, arena_printf(arena, "user%u@example.com", i));
    EXPECT(confused < 20);
    for (unsigned i = 0; i < 100000; i++)
        EXPECT(key_marks_note(&marks, arena_printf(arena, "user%u@example.com", i)));
    EXPECT_FALSE(key_marks_note(&marks, STR("")));
    EXPECT(key_marks_note(&marks, STR("")));
    key_marks_done(&marks);
    arena_destroy(&arena);
}
