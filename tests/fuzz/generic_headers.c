/* SPDX-License-Identifier: Apache-2.0 */
/* generic_headers - the same comes out however the message is cut, and where nothing is mapped, what went in. */

#include "smtp/generic_headers.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum table_result map(void *context, struct arena *arena, struct str *address, struct failure *why)
{
    bool *has_mapped = context;

    (void) why;
    if (address->len == 0 || address->data[0] != 'm')
        return TABLE_ABSENT;
    *has_mapped = true;
    *address = arena_printf(arena, "n%.*s\"x y", STR_ARG(str_from(*address, 1)));
    return TABLE_FOUND;
}

static bool run(struct str content, size_t piece, struct strbuf *out)
{
    bool has_mapped = false;
    struct generic_headers *headers = generic_headers_create(map, &has_mapped, 1000);
    struct failure why;

    for (size_t i = 0; i < content.len; i += piece)
        CHECK(generic_headers_add(headers, str_part(content, i, piece), false, out, &why));
    CHECK(generic_headers_add(headers, STR_EMPTY, true, out, &why));
    generic_headers_destroy(&headers);
    return has_mapped;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str content = str_from(str_make((const char *) data, size), 1);
    struct strbuf whole, cut;

    if (size == 0)
        return 0;
    strbuf_init(&whole, STRBUF_UNLIMITED);
    strbuf_init(&cut, STRBUF_UNLIMITED);
    /* A line end may be added: at the end of the header, and where a body begins without one. */
    if (!run(content, size, &whole))
        CHECK(whole.len >= content.len && whole.len <= content.len + 2);
    (void) run(content, (size_t) data[0] + 1, &cut);
    CHECK(str_equal(strbuf_str(&whole), strbuf_str(&cut)));
    strbuf_done(&whole);
    strbuf_done(&cut);
    return 0;
}
