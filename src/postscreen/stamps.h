/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTSCREEN_STAMPS_H
#define POSTSCREEN_STAMPS_H

#include "base/arena.h"
#include "base/time.h"

/*
 * stamps - which tests a client has passed, and until when that counts; in the cache one text an address: seconds since
 * 1970, one number a test, with ';' between, as Postfix has it.
 */
enum test {
    TEST_GREETING, /* pregreet */
    TEST_DNSBL,
    TEST_PIPELINING,
    TEST_NON_SMTP_COMMAND,
    TEST_BARE_NEWLINE,
    TESTS,
};

#define TEST_BIT(test) (1U << (test))
/* Those that need a dialogue. */
#define TESTS_OF_DIALOGUE (TEST_BIT(TEST_PIPELINING) | TEST_BIT(TEST_NON_SMTP_COMMAND) | TEST_BIT(TEST_BARE_NEWLINE))

struct stamps {
    struct instant ends[TESTS]; /* 0: never passed */
};

/* False: it is none. */
MUST_USE bool stamps_parse(struct str text, struct stamps *stamps_out);
struct str stamps_format(const struct stamps *stamps, struct arena *arena);

/* The bits of those tests that are not, or no longer, passed. */
unsigned stamps_missing(const struct stamps *stamps, struct instant now);
/* The bits of those that never were, though there was the test. */
unsigned stamps_never(const struct stamps *stamps);
/* A test that there is not, and that was not passed, is not missing either: in Postfix's format 1 second. */
void stamps_set_disabled(struct stamps *stamps, enum test test);
/* When the last of them ends. */
struct instant stamps_last(const struct stamps *stamps);

#endif
