/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTTLS_FINGER_SAY_H
#define POSTTLS_FINGER_SAY_H

#include "base/str.h"

/*
 * say - the lines of posttls-finger, "posttls-finger: text" on standard output, at once and in the order of events.
 * What a server or a certificate says is printable and one line: the rest becomes question marks.
 */
PRINTF_LIKE(1, 2) void say(const char *format, ...);
PRINTF_LIKE(1, 2) void say_warning(const char *format, ...);
/* "fatal: text"; returns 1, for main. */
PRINTF_LIKE(1, 2) int say_fatal(const char *format, ...);
/* A line without the program's name, as it is: of what is to be copied. */
PRINTF_LIKE(1, 2) void say_plain(const char *format, ...);

#endif
