/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/daemon_private.h"

#include "unit.h"

#include <stdlib.h>

static size_t limit_of(enum daemon_shape shape, unsigned own, const char *share)
{
    struct daemon_program program = { .name = "test", .shape = shape, .session_limit = own };
    struct daemon daemon = { .program = &program, .arguments = { .service = "test" } };
    size_t limit;

    if (share != NULL)
        setenv(MASTER_VARIABLE_SESSIONS, share, 1);
    limit = daemon_session_limit(&daemon);
    unsetenv(MASTER_VARIABLE_SESSIONS);
    return limit;
}

TEST(a_process_has_its_share_or_what_its_program_says)
{
    static const struct {
        enum daemon_shape shape;
        unsigned own;
        const char *share;
        size_t limit;
    } rows[] = {
        { DAEMON_SEQUENTIAL, 0, "50", 1 },
        { DAEMON_SEQUENTIAL, 7, "50", 1 },
        { DAEMON_EVENT, 7, "50", 7 },
        { DAEMON_EVENT, 0, "50", 50 },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        EXPECT_UINT(limit_of(rows[i].shape, rows[i].own, rows[i].share), rows[i].limit);
}

TEST(without_a_share_the_system_s_limits_count)
{
    size_t possible = limit_of(DAEMON_EVENT, 0, NULL);

    EXPECT(possible >= 100);
    EXPECT_UINT(limit_of(DAEMON_EVENT, 0, "0"), possible);
    EXPECT_UINT(limit_of(DAEMON_EVENT, 0, "many"), possible);
    EXPECT_UINT(limit_of(DAEMON_EVENT, 0, "4000000000"), possible);
}
