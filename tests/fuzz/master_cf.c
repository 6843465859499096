/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz target: master.cf. */

#include "config/master_cf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_create();
    struct master_cf *cf;
    struct failure why;
    size_t i;

    if (master_cf_parse(str_make((const char *) data, size), STR("master.cf"), arena, &cf, &why))
        for (i = 0; i < cf->count; i++)
            master_service_overrides(&cf->services[i], arena);
    arena_destroy(&arena);
    return 0;
}
