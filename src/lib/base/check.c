/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"

#include "base/last_words.h"

#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *condition, const char *file, int line)
{
    char text[500];

    (void) snprintf(text, sizeof text, "panic: %s:%d: check failed: %s", file, line, condition);
    last_words(text);
    abort();
}
