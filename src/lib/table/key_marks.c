/* SPDX-License-Identifier: Apache-2.0 */
#include "table/key_marks.h"

#include "base/memory.h"

enum { SIZE_FIRST = 1024 };

void key_marks_init(struct key_marks *marks)
{
    *marks = (struct key_marks){ .marks = memory_alloc_array(SIZE_FIRST, sizeof(uint32_t)), .size = SIZE_FIRST };
}

void key_marks_done(struct key_marks *marks)
{
    memory_free(marks->marks);
    marks->marks = NULL;
}

/* FNV-1a, both halves together; never 0. */
static uint32_t mark_of(struct str key)
{
    uint64_t hash = 0xcbf29ce484222325;
    uint32_t mark;

    for (size_t i = 0; i < key.len; i++)
        hash = (hash ^ (unsigned char) key.data[i]) * 0x100000001b3;
    mark = (uint32_t) (hash ^ hash >> 32);
    return mark == 0 ? 1 : mark;
}

/* Where it stands, or would. */
static size_t place_of(const struct key_marks *marks, uint32_t mark)
{
    size_t place = mark & (marks->size - 1);

    while (marks->marks[place] != 0 && marks->marks[place] != mark)
        place = (place + 1) & (marks->size - 1);
    return place;
}

static void grow(struct key_marks *marks)
{
    struct key_marks larger = { .size = marks->size * 2, .count = marks->count };

    larger.marks = memory_alloc_array(larger.size, sizeof(uint32_t));
    for (size_t i = 0; i < marks->size; i++) {
        if (marks->marks[i] != 0)
            larger.marks[place_of(&larger, marks->marks[i])] = marks->marks[i];
    }
    memory_free(marks->marks);
    *marks = larger;
}

bool key_marks_note(struct key_marks *marks, struct str key)
{
    uint32_t mark = mark_of(key);
    size_t place = place_of(marks, mark);

    if (marks->marks[place] == mark)
        return true;
    marks->marks[place] = mark;
    if (++marks->count > marks->size / 3 * 2)
        grow(marks);
    return false;
}
