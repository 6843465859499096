/* SPDX-License-Identifier: Apache-2.0 */
#include "os/signals.h"

#include "os/fd.h"
#include "unit.h"

#include <signal.h>

TEST(signals_are_told_by_a_descriptor)
{
    static const int numbers[] = { SIGUSR1 };
    int fd = -1;

    EXPECT(signals_open(numbers, 1, &fd, NULL));
    EXPECT_INT(signals_next(fd), 0);
    EXPECT(raise(SIGUSR1) == 0);
    EXPECT_INT(signals_next(fd), SIGUSR1);
    fd_close(&fd);
}
