/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/read_parts.h"

#include "unit.h"

static void keep(struct read_parts *parts, unsigned number, uint64_t use, uint64_t from, size_t size, char letter)
{
    memset(read_parts_room(parts, size), letter, size);
    read_parts_keep(parts, number, use, from);
}

/* Whether these bytes are at hand; if so they are all this letter. */
static bool finds(const struct read_parts *parts, unsigned number, uint64_t use, uint64_t from, size_t size,
                  char letter)
{
    struct str bytes;

    if (!read_parts_find(parts, number, use, from, size, &bytes))
        return false;
    EXPECT_UINT(bytes.len, size);
    for (size_t i = 0; i < size; i++)
        EXPECT(bytes.data[i] == letter);
    return true;
}

TEST(what_was_read_is_found_by_segment_use_and_place)
{
    struct read_parts *parts = read_parts_create();

    keep(parts, 1, 7, 4096, 8192, 'a');
    keep(parts, 1, 7, 12288, 4096, 'b');
    EXPECT(finds(parts, 1, 7, 4096, 8192, 'a'));
    EXPECT(finds(parts, 1, 7, 5000, 100, 'a'));
    EXPECT(finds(parts, 1, 7, 12288, 4096, 'b'));
    EXPECT_FALSE(finds(parts, 2, 7, 4096, 100, 'a'));
    EXPECT_FALSE(finds(parts, 1, 8, 4096, 100, 'a'));
    EXPECT_FALSE(finds(parts, 1, 7, 4095, 100, 'a'));
    EXPECT_FALSE(finds(parts, 1, 7, 12200, 100, 'a'));
    EXPECT_FALSE(finds(parts, 1, 7, 16384, 1, 'b'));
    read_parts_destroy(&parts);
    EXPECT(parts == NULL);
}

TEST(room_that_is_not_kept_is_no_part)
{
    struct read_parts *parts = read_parts_create();

    keep(parts, 1, 7, 0, 1000, 'a');
    memset(read_parts_room(parts, 1000), 'x', 1000);
    keep(parts, 1, 7, 1000, 1000, 'b');
    EXPECT(finds(parts, 1, 7, 0, 1000, 'a'));
    EXPECT(finds(parts, 1, 7, 1000, 1000, 'b'));
    EXPECT_FALSE(finds(parts, 1, 7, 1999, 2, 'b'));
    read_parts_destroy(&parts);
}

/* Whatever is found has the letter it was kept with, and the last few are always found. */
static void play(size_t step)
{
    enum { ROUNDS = 3000, LAST = 3 };
    struct read_parts *parts = read_parts_create();
    size_t sizes[ROUNDS];
    size_t found = 0;

    for (size_t i = 0; i < ROUNDS; i++) {
        sizes[i] = 1 + (i * step) % READ_PART_MAXIMUM;
        keep(parts, 1, 7, i * READ_PART_MAXIMUM, sizes[i], (char) ('a' + i % 26));
        for (size_t k = 0; k < LAST && k <= i; k++) {
            size_t n = i - k;

            EXPECT(finds(parts, 1, 7, n * READ_PART_MAXIMUM, sizes[n], (char) ('a' + n % 26)));
        }
        if (i < LAST || i % 100 != 0)
            continue;
        for (size_t n = 0; n < i; n++)
            found += finds(parts, 1, 7, n * READ_PART_MAXIMUM, sizes[n], (char) ('a' + n % 26));
    }
    EXPECT(found > 0);
    read_parts_destroy(&parts);
}

TEST(new_parts_take_the_place_of_the_oldest)
{
    play(1);
    play(777);
    play(4096);
    play(100003);
}
