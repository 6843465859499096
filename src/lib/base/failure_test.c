/* SPDX-License-Identifier: Apache-2.0 */
#include "base/failure.h"

#include "unit.h"

#include <errno.h>

TEST(a_failure_says_what_and_why)
{
    struct failure why;

    EXPECT_FALSE(failure_system(&why, ENOSPC, "write %s", "x"));
    EXPECT_INT(why.kind, FAILURE_NO_SPACE);
    EXPECT_TEXT(why.text, "write x: No space left on device");
    EXPECT_FALSE(failure_prefix(&why, "queue file %s", "ABC"));
    EXPECT_TEXT(why.text, "queue file ABC: write x: No space left on device");
    EXPECT_TEXT(failure_kind_name(FAILURE_TIMEOUT), "timeout");
}
