/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_KEY_MARKS_H
#define TABLE_KEY_MARKS_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * key_marks - tells keys that are new for certain from those that may have been there, with about 8 bytes a key.
 *
 * For stores whose own search takes longer the more there is: it is asked only about the few that are not certain.
 */
struct key_marks {
    uint32_t *marks; /* 0: free */
    size_t size;     /* a power of two */
    size_t count;
};

void key_marks_init(struct key_marks *marks);
void key_marks_done(struct key_marks *marks);
/* Notes the key. True: it was noted before, or looks like one that was, as one of 400 does among ten million. */
bool key_marks_note(struct key_marks *marks, struct str key);

#endif
