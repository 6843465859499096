/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/upcoming.h"

#include "base/strbuf.h"
#include "base/strlist.h"
#include "mail/smtp_path.h"
#include "unit.h"

static void expect(struct str input, unsigned flags, const char *const *addresses, size_t count)
{
    struct arena *arena = arena_create();
    struct strlist found = upcoming_recipients(input, flags, arena);

    EXPECT_UINT(found.count, count);
    for (size_t i = 0; i < found.count && i < count; i++)
        EXPECT_STR(found.items[i], str_from_c(addresses[i]));
    arena_destroy(&arena);
}

TEST(commands_behind_each_other_are_seen_up_to_the_first_other_one)
{
    static const char *const both[] = { "a@one.test", "b c@two.test" };

    expect(STR("RCPT TO:<a@one.test>\r\nrcpt to: <\"b c\"@two.test> NOTIFY=NEVER\r\nDATA\r\n"), 0, both, 2);
    expect(STR("RCPT TO:<a@one.test>\nRSET\r\nRCPT TO:<b@two.test>\r\n"), 0, both, 1);
    expect(STR("RCPT TO:<a@one.test>\r\nRCPT TO:<a@one.test\0>\r\n"), 0, both, 1);
}

TEST(a_line_that_is_not_whole_is_not_looked_at)
{
    static const char *const first[] = { "a@one.test" };

    expect(STR("RCPT TO:<a@one.test>\r\nRCPT TO:<b@two.test>"), 0, first, 1);
    expect(STR("RCPT TO:<a@one.test>"), 0, NULL, 0);
    expect(STR(""), 0, NULL, 0);
}

TEST(what_is_no_address_ends_the_look)
{
    static const char *const first[] = { "a@one.test" };

    expect(STR("RCPT TO:<a@one.test>\r\nRCPT TO:<>\r\nRCPT TO:<c@two.test>\r\n"), 0, first, 1);
    expect(STR("RCPT TO:a@one.test\r\n"), 0, first, 1);
    expect(STR("RCPT TO:a@one.test\r\n"), SMTP_PATH_STRICT, NULL, 0);
}

TEST(one_look_is_bounded)
{
    struct arena *arena = arena_create();
    struct strbuf input;

    strbuf_init(&input, STRBUF_UNLIMITED);
    for (unsigned i = 0; i < UPCOMING_MAXIMUM + 10; i++)
        strbuf_printf(&input, "RCPT TO:<u%u@one.test>\r\n", i);
    EXPECT_UINT(upcoming_recipients(strbuf_str(&input), 0, arena).count, UPCOMING_MAXIMUM);
    strbuf_done(&input);
    arena_destroy(&arena);
}
