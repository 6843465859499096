/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/describe.h"

#include "unit.h"

TEST(a_descriptor_is_one_line_of_fields)
{
    static const char *const calls[] = { "cleanup", "rewrite", NULL };
    static const struct daemon_program program = {
        .name = "smtpd", .user = DAEMON_AS_NET_OWNER, .seccomp = "network", .calls = calls
    };
    struct strbuf line;

    strbuf_init(&line, 1000);
    describe_program(&program, &line);
    EXPECT_TEXT(strbuf_c(&line), "smtpd\tworkers\tnet_owner\tnetwork\tcleanup, rewrite\n");
    strbuf_done(&line);
}

TEST(what_a_program_has_not_is_a_dash)
{
    static const struct daemon_program program = { .name = "local",
                                                   .shape = DAEMON_SEQUENTIAL,
                                                   .user = DAEMON_AS_ROOT };
    struct strbuf line;

    strbuf_init(&line, 1000);
    describe_program(&program, &line);
    EXPECT_TEXT(strbuf_c(&line), "local\tone job a process\troot\t-\t-\n");
    strbuf_done(&line);
}
