/* SPDX-License-Identifier: Apache-2.0 */
#include "log/dialogue.h"

#include "base/strbuf.h"
#include "log/log.h"
#include "unit.h"

static void gather(enum log_level level, struct str line, void *context)
{
    EXPECT_INT(level, LOG_LEVEL_INFO);
    strbuf_printf(context, "%.*s|", STR_ARG(line));
}

TEST(each_line_is_one_of_the_log_with_the_peer_and_the_direction)
{
    struct strbuf lines;

    strbuf_init(&lines, STRBUF_UNLIMITED);
    log_set_sink(gather, &lines);
    log_dialogue_out(STR("a[192.0.2.1]"), STR("250-one\n250 two"));
    log_dialogue_in(STR("a[192.0.2.1]"), STR("EHLO b \r\n"));
    log_dialogue_in(STR("a[192.0.2.1]"), STR(""));
    log_set_sink(NULL, NULL);
    EXPECT_TEXT(strbuf_c(&lines),
                "> a[192.0.2.1]: 250-one|> a[192.0.2.1]: 250 two|< a[192.0.2.1]: EHLO b|< a[192.0.2.1]: |");
    strbuf_done(&lines);
}
