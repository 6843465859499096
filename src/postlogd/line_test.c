/* SPDX-License-Identifier: Apache-2.0 */
#include "postlogd/line.h"
#include "unit.h"

static void expect(struct str line, struct str expected)
{
    struct strbuf output;

    strbuf_init(&output, 10000);
    line_append(&output, line, STR("host"), STR("Jan  1 00:00:00"));
    EXPECT_STR(strbuf_str(&output), expected);
    strbuf_done(&output);
}

TEST(the_host_stands_after_the_time)
{
    expect(STR("Nov 22 01:02:03 merpati/smtpd[5]: connect from localhost[127.0.0.1]"),
           STR("Nov 22 01:02:03 host merpati/smtpd[5]: connect from localhost[127.0.0.1]\n"));
    expect(STR("Nov  2 01:02:03 a[5]: b"), STR("Nov  2 01:02:03 host a[5]: b\n"));
}

TEST(what_has_no_time_gets_ours)
{
    expect(STR("W"), STR("Jan  1 00:00:00 host W\n"));
    expect(STR("Nov 22 01:02-03 a[5]: b"), STR("Jan  1 00:00:00 host Nov 22 01:02-03 a[5]: b\n"));
}

TEST(control_characters_do_not_reach_the_file)
{
    expect(STR("Nov 22 01:02:03 a[5]: \033[31mred\rx"), STR("Nov 22 01:02:03 host a[5]: ?[31mred?x\n"));
}
