/* SPDX-License-Identifier: Apache-2.0 */
/* aliases - the source of an alias table as postalias reads it, and each right side as local does. */

#include "base/check.h"
#include "local/destination.h"
#include "table/table_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_line(struct str line)
{
    struct arena *arena = arena_create();
    struct destination_list list = { 0 };
    const char *problem = NULL;
    const char *advice = NULL;
    struct str key;
    struct str value;

    if (!table_source_split(TABLE_SOURCE_ALIASES, line, arena, &key, &value, &problem, &advice)) {
        CHECK(problem != NULL);
        arena_destroy(&arena);
        return;
    }
    CHECK(key.len > 0 && key.len + value.len <= line.len);
    destination_parse(&list, arena, value);
    CHECK(list.count <= value.len);
    for (size_t i = 0; i < list.count; i++) {
        CHECK(list.items[i].kind <= DESTINATION_BAD);
        CHECK(list.items[i].kind != DESTINATION_FILE || str_starts_with(list.items[i].text, STR("/")));
    }
    arena_destroy(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct table_source source;
    struct str line;
    unsigned number;
    unsigned last = 0;

    table_source_init(&source, str_make((const char *) data, size));
    while (table_source_next(&source, &line, &number)) {
        CHECK(number > last);
        last = number;
        read_line(line);
    }
    table_source_done(&source);
    return 0;
}
