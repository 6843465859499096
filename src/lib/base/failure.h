/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_FAILURE_H
#define BASE_FAILURE_H

#include "base/compiler.h"

#include <stdbool.h>

/*
 * failure - why something did not work. Functions that can fail return bool, are MUST_USE and take
 * struct failure *why last; it is written only on failure. The kind answers what the caller must
 * decide; the text is for people, names the culprit and has no newline.
 */
enum failure_kind {
    FAILURE_NONE,
    FAILURE_RETRY,         /* a passing trouble of this system or a back end: try later */
    FAILURE_PERMANENT,     /* trying again will not help */
    FAILURE_PROTOCOL,      /* the peer broke the protocol, or closed where it must not */
    FAILURE_TIMEOUT,       /* the deadline passed */
    FAILURE_CONFIGURATION, /* an administrator must mend something */
    FAILURE_NO_SPACE,      /* disk or quota full, or a limit on queue space reached */
    FAILURE_STOPPED,       /* the work was called off: shutdown, cancelled */
};

struct failure {
    enum failure_kind kind;
    int error; /* errno, or 0 */
    char text[500];
};

/*
 * Fills *why and returns false, so that "return failure_set(...)" reads well. A long text is cut.
 * With error not 0, ": " and the system's message are appended. NULL why is fine.
 */
PRINTF_LIKE(4, 5) bool failure_set(struct failure *why, enum failure_kind kind, int error, const char *format, ...);

/* As failure_set with the kind that fits error (ENOSPC and EDQUOT: NO_SPACE, ETIMEDOUT: TIMEOUT, else RETRY). */
PRINTF_LIKE(3, 4) bool failure_system(struct failure *why, int error, const char *format, ...);

/* Puts context and ": " before the text; returns false. */
PRINTF_LIKE(2, 3) bool failure_prefix(struct failure *why, const char *format, ...);

const char *failure_kind_name(enum failure_kind kind);

#endif
