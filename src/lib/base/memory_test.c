/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include "unit.h"

#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

static bool is_zero(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

TEST(a_block_is_zeroed_also_when_it_was_used_before)
{
    static const size_t sizes[] = { 0, 1, 16, 1032, 1033, 100000 };

    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        for (int turn = 0; turn < 3; turn++) {
            unsigned char *block = memory_alloc(sizes[i]);

            EXPECT(block != NULL);
            EXPECT(is_zero(block, sizes[i]));
            memset(block, 0xa5, sizes[i]);
            memory_free(block);
        }
    }
}

TEST(a_block_that_grows_keeps_what_was_in_it)
{
    char *block = memory_resize(NULL, 4);

    memcpy(block, "abc", 4);
    block = memory_resize(block, 200000);
    EXPECT_TEXT(block, "abc");
    memory_free(block);
    memory_free(NULL);
}

TEST(a_product_that_overflows_ends_the_process)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        close(STDERR_FILENO);
        memory_free(memory_alloc_array(SIZE_MAX / 2 + 1, 2)); /* 0, if nobody looks */
        _exit(0);
    }
    EXPECT(waitpid(child, &status, 0) == child);
    EXPECT(WIFEXITED(status));
    EXPECT_INT(WEXITSTATUS(status), EX_TEMPFAIL);
}
