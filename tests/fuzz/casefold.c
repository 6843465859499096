/* SPDX-License-Identifier: Apache-2.0 */
/* casefold - what is folded stays as it is when folded again, and UTF-8 stays UTF-8. */

#include "mail/casefold.h"
#include "base/check.h"
#include "mail/domain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_make((const char *) data, size);
    struct arena *arena = arena_create();
    struct str folded = casefold(arena, text);

    CHECK(str_equal(casefold(arena, folded), folded));
    CHECK(domain_is_utf8(folded) == domain_is_utf8(text));
    CHECK(folded.len <= 3 * text.len);
    arena_destroy(&arena);
    return 0;
}
