/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_UNIT_H
#define SUPPORT_UNIT_H

/*
 * unit - what a unit test is written with: TEST(a_sentence_that_is_true) { ... } and EXPECT calls.
 * Tests register themselves; unit.c has the main that runs them under cmocka.
 */

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

void unit_register(const char *name, CMUnitTestFunction function);

#define TEST(name)                                                                                                     \
    static void test_##name(void);                                                                                     \
    static void run_##name(void **state)                                                                               \
    {                                                                                                                  \
        (void) state;                                                                                                  \
        test_##name();                                                                                                 \
    }                                                                                                                  \
    __attribute__((constructor)) static void register_##name(void)                                                     \
    {                                                                                                                  \
        unit_register(#name, run_##name);                                                                              \
    }                                                                                                                  \
    static void test_##name(void)

#define EXPECT(condition) unit_expect((condition), #condition, __FILE__, __LINE__)
#define EXPECT_FALSE(condition) unit_expect(!(condition), "not " #condition, __FILE__, __LINE__)
#define EXPECT_INT(actual, expected) unit_expect_int((intmax_t) (actual), (intmax_t) (expected), __FILE__, __LINE__)
#define EXPECT_UINT(actual, expected) unit_expect_uint((uintmax_t) (actual), (uintmax_t) (expected), __FILE__, __LINE__)
/* Two struct str. */
#define EXPECT_STR(actual, expected) unit_expect_str((actual), (expected), __FILE__, __LINE__)
/* Two C strings. */
#define EXPECT_TEXT(actual, expected) unit_expect_str(str_from_c(actual), str_from_c(expected), __FILE__, __LINE__)

void unit_expect(bool holds, const char *text, const char *file, int line);
void unit_expect_int(intmax_t actual, intmax_t expected, const char *file, int line);
void unit_expect_uint(uintmax_t actual, uintmax_t expected, const char *file, int line);
void unit_expect_str(struct str actual, struct str expected, const char *file, int line);

/* A fresh directory for this test program, removed with all in it at its end. */
const char *unit_directory(void);

#endif
