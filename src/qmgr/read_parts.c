/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/read_parts.h"

#include "base/check.h"
#include "base/memory.h"

enum { ROOM = 1024 * 1024, PARTS = 256 };

struct part {
    unsigned number;
    uint64_t use;
    uint64_t from;
    size_t at; /* in the room */
    size_t size;
};

/* The parts follow each other in the room, the oldest first, and go on at its beginning when its end is reached. */
struct read_parts {
    struct part parts[PARTS];
    size_t first; /* the oldest */
    size_t count;
    struct part next; /* asked for and not kept yet */
    size_t end;       /* of the newest, in the room */
    char room[ROOM];
};

struct read_parts *read_parts_create(void)
{
    return memory_alloc(sizeof(struct read_parts));
}

void read_parts_destroy(struct read_parts **parts)
{
    memory_free(*parts);
    *parts = NULL;
}

static void drop_oldest(struct read_parts *parts)
{
    parts->first = (parts->first + 1) % PARTS;
    parts->count--;
}

static bool is_in(const struct part *part, size_t from, size_t to)
{
    return part->at < to && part->at + part->size > from;
}

char *read_parts_room(struct read_parts *parts, size_t size)
{
    size_t at = ROOM - parts->end < size ? 0 : parts->end;
    size_t from = at < parts->end ? parts->end : at;

    CHECK(size <= READ_PART_MAXIMUM);
    /* What is left at the end of the room is passed over, with what still stands there. */
    while (at != from && parts->count > 0 && is_in(&parts->parts[parts->first], from, ROOM))
        drop_oldest(parts);
    while (parts->count > 0 && (parts->count == PARTS || is_in(&parts->parts[parts->first], at, at + size)))
        drop_oldest(parts);
    parts->next = (struct part){ .at = at, .size = size };
    return parts->room + at;
}

void read_parts_keep(struct read_parts *parts, unsigned number, uint64_t use, uint64_t from)
{
    parts->next.number = number;
    parts->next.use = use;
    parts->next.from = from;
    parts->end = parts->next.at + parts->next.size;
    parts->parts[(parts->first + parts->count) % PARTS] = parts->next;
    parts->count++;
}

static const struct part *part_at(const struct read_parts *parts, size_t n)
{
    return &parts->parts[(parts->first + n) % PARTS];
}

bool read_parts_find(const struct read_parts *parts, unsigned number, uint64_t use, uint64_t from, size_t length,
                     struct str *bytes_out)
{
    /* The newest first: that is where most is looked for. */
    for (size_t n = parts->count; n-- > 0;) {
        const struct part *part = part_at(parts, n);

        if (part->number != number || part->use != use || from < part->from || from - part->from > part->size ||
            length > part->size - (size_t) (from - part->from))
            continue;
        *bytes_out = str_make(parts->room + part->at + (size_t) (from - part->from), length);
        return true;
    }
    return false;
}
