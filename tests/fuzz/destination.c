/* SPDX-License-Identifier: Apache-2.0 */
/* What users write into .forward files, and administrators into templates: any text gives some list, and nothing else.
 */

#include "local/destination.h"
#include "base/check.h"
#include "local/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expand(struct arena *arena, struct str text)
{
    const struct template_name items[] = { { "user", STR("u ser") },
                                           { "home", STR("/home") },
                                           { "none", { NULL, 0 } } };
    const struct template_names names = { items, ARRAY_COUNT(items) };
    struct str out;

    (void) template_expand(text, &names, STR("abcdefghijklmnopqrstuvwxyz/"), arena, &out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_create();
    struct str text = str_make((const char *) data, size);
    struct destination_list list = { 0 };

    destination_parse_file(&list, arena, text);
    for (size_t i = 0; i < list.count; i++) {
        CHECK(list.items[i].kind <= DESTINATION_BAD);
        CHECK(list.items[i].kind != DESTINATION_FILE || str_starts_with(list.items[i].text, STR("/")));
    }
    expand(arena, text);
    arena_destroy(&arena);
    return 0;
}
