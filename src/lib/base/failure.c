/* SPDX-License-Identifier: Apache-2.0 */
#include "base/failure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

PRINTF_LIKE(4, 0)
PRINTF_LIKE(4, 0)
static void fill(struct failure *why, enum failure_kind kind, int error, const char *format, va_list args)
{
    char reason[128];
    size_t len;

    why->kind = kind;
    why->error = error;
    vsnprintf(why->text, sizeof why->text, format, args);
    if (error == 0)
        return;
    len = strlen(why->text);
    snprintf(why->text + len, sizeof why->text - len, ": %s", strerror_r(error, reason, sizeof reason));
}

bool failure_set(struct failure *why, enum failure_kind kind, int error, const char *format, ...)
{
    va_list args;

    if (why == NULL)
        return false;
    va_start(args, format);
    fill(why, kind, error, format, args);
    va_end(args);
    return false;
}

static enum failure_kind kind_of_error(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
        return FAILURE_NO_SPACE;
    case ETIMEDOUT:
        return FAILURE_TIMEOUT;
    default:
        return FAILURE_RETRY;
    }
}

bool failure_system(struct failure *why, int error, const char *format, ...)
{
    va_list args;

    if (why == NULL)
        return false;
    va_start(args, format);
    fill(why, kind_of_error(error), error, format, args);
    va_end(args);
    return false;
}

bool failure_prefix(struct failure *why, const char *format, ...)
{
    char old[sizeof why->text];
    va_list args;
    size_t len;

    if (why == NULL)
        return false;
    memcpy(old, why->text, sizeof old);
    va_start(args, format);
    vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    len = strlen(why->text);
    snprintf(why->text + len, sizeof why->text - len, ": %s", old);
    return false;
}

const char *failure_kind_name(enum failure_kind kind)
{
    static const char *const names[] = {
        [FAILURE_NONE] = "none",         [FAILURE_RETRY] = "retry",     [FAILURE_PERMANENT] = "permanent",
        [FAILURE_PROTOCOL] = "protocol", [FAILURE_TIMEOUT] = "timeout", [FAILURE_CONFIGURATION] = "configuration",
        [FAILURE_NO_SPACE] = "no space", [FAILURE_STOPPED] = "stopped",
    };

    return (size_t) kind < ARRAY_COUNT(names) ? names[kind] : "unknown";
}
