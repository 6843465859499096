/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MOST_TESTS = 500 };

static struct CMUnitTest tests[MOST_TESTS];
static size_t test_count;
static char directory[] = "/tmp/merpati-unit-XXXXXX";
static bool has_directory;

void unit_register(const char *name, CMUnitTestFunction function)
{
    if (test_count == MOST_TESTS)
        abort();
    tests[test_count++] = (struct CMUnitTest){ .name = name, .test_func = function };
}

void unit_expect(bool holds, const char *text, const char *file, int line)
{
    if (holds)
        return;
    print_error("expected: %s\n", text);
    _fail(file, line);
}

void unit_expect_int(intmax_t actual, intmax_t expected, const char *file, int line)
{
    if (actual == expected)
        return;
    print_error("got %jd, expected %jd\n", actual, expected);
    _fail(file, line);
}

void unit_expect_uint(uintmax_t actual, uintmax_t expected, const char *file, int line)
{
    if (actual == expected)
        return;
    print_error("got %ju, expected %ju\n", actual, expected);
    _fail(file, line);
}

void unit_expect_str(struct str actual, struct str expected, const char *file, int line)
{
    if (str_equal(actual, expected))
        return;
    print_error("got      [%.*s]\nexpected [%.*s]\n", STR_ARG(actual), STR_ARG(expected));
    _fail(file, line);
}

const char *unit_directory(void)
{
    if (!has_directory && mkdtemp(directory) == NULL)
        abort();
    has_directory = true;
    return directory;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void) info;
    (void) kind;
    (void) place;
    return remove(path);
}

int main(void)
{
    int failed = _cmocka_run_group_tests("unit", tests, test_count, NULL, NULL);

    if (has_directory)
        nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return failed != 0;
}
