/* SPDX-License-Identifier: Apache-2.0 */
#include "postmap/file_values.h"

#include "unit.h"

TEST(what_is_encoded_is_decoded)
{
    static const char *const rows[][2] = {
        { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foobar\xff", "Zm9vYmFy/w==" }
    };
    struct arena *arena = arena_create();

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str back;

        EXPECT_STR(file_values_encode(str_from_c(rows[i][0]), arena), str_from_c(rows[i][1]));
        EXPECT(file_values_decode(str_from_c(rows[i][1]), arena, &back));
        EXPECT_STR(back, str_from_c(rows[i][0]));
    }
    arena_destroy(&arena);
}

TEST(what_is_no_base64_is_told)
{
    static const char *const rows[] = { "x", "Zg=", "Z===", "Zg==Zm9v", "Zm 9", "Zm9!", "=Zm9" };
    struct arena *arena = arena_create();
    struct str back;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        EXPECT_FALSE(file_values_decode(str_from_c(rows[i]), arena, &back));
    arena_destroy(&arena);
}
