/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"

#include "unit.h"

TEST(takes_move_on_and_failures_stay)
{
    struct cursor cursor = cursor_over(STR("RCPT to:<a> 12"));
    uint64_t value;

    EXPECT_FALSE(cursor_skip_char(&cursor, 'x'));
    EXPECT(cursor_skip_str_nocase(&cursor, STR("rcpt")));
    EXPECT_UINT(cursor_skip_any(&cursor, " "), 1);
    EXPECT_STR(cursor_take_until(&cursor, ":"), STR("to"));
    EXPECT(cursor_skip_char(&cursor, ':'));
    EXPECT_FALSE(cursor_take_uint64(&cursor, &value));
    EXPECT_STR(cursor_take_until(&cursor, " "), STR("<a>"));
    EXPECT(cursor_skip_char(&cursor, ' '));
    EXPECT(cursor_take_uint64(&cursor, &value));
    EXPECT_UINT(value, 12);
    EXPECT(cursor_at_end(&cursor));
}

TEST(lines_lose_their_ends)
{
    struct cursor cursor = cursor_over(STR("one\r\ntwo\n\nlast"));
    struct str line;

    EXPECT(cursor_take_line(&cursor, &line));
    EXPECT_STR(line, STR("one"));
    EXPECT(cursor_take_line(&cursor, &line));
    EXPECT_STR(line, STR("two"));
    EXPECT(cursor_take_line(&cursor, &line));
    EXPECT_STR(line, STR(""));
    EXPECT(cursor_take_line(&cursor, &line));
    EXPECT_STR(line, STR("last"));
    EXPECT_FALSE(cursor_take_line(&cursor, &line));
}
