/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz target: main.cf's language: read, expand every value, make the shared settings. */

#include "config/main_cf.h"
#include "config/shared_settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_create();
    const struct shared_settings *shared;
    struct main_cf *cf;
    struct failure why;
    size_t i;

    if (main_cf_parse(str_make((const char *) data, size), STR("main.cf"), STR("/nonexistent"), arena, &cf, &why)) {
        for (i = 0; i < main_cf_count(cf); i++) {
            struct str value;

            if (main_cf_value(cf, main_cf_at(cf, i)->name, arena, &value, &why))
                main_cf_fields(value, arena);
        }
        /* Host names must not be asked of a resolver here, nor files be opened. */
        (void) !main_cf_override(cf, STR("inet_interfaces=127.0.0.1"), &why);
        (void) !main_cf_override(cf, STR("myorigin=example.com"), &why);
        (void) !shared_settings_load(cf, arena, &shared, &why);
    }
    arena_destroy(&arena);
    return 0;
}
