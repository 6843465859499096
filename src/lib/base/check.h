/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include "base/compiler.h"

/*
 * check - a programmer's mistake ends the process, in every build.
 * Never use it for anything that a peer, an administrator, a disk or a full memory can cause.
 */
#define CHECK(condition) ((condition) ? (void) 0 : check_failed(#condition, __FILE__, __LINE__))

/* Says where, in the log too when it is open (base/last_words.h), and aborts. */
NO_RETURN void check_failed(const char *condition, const char *file, int line);

#endif
