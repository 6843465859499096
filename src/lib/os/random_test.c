/* SPDX-License-Identifier: Apache-2.0 */
#include "os/random.h"

#include "unit.h"

TEST(random_numbers_stay_below_their_bound)
{
    for (int i = 0; i < 1000; i++)
        EXPECT(random_below(7) < 7);
    EXPECT_UINT(random_below(1), 0);
}
