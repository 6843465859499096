/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outgoing - content for a server without 8BITMIME, addresses in it mapped: the same comes out however it is cut, where
 * nothing is to be done it is what went in, and on the wire it has one end.
 */

#include "smtp/outgoing.h"
#include "base/check.h"
#include "checks/checks.h"
#include "smtp/wire_body.h"
#include "table/table.h"

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

static bool run(const struct checks *checks, struct str content, size_t piece, bool encodes_8bit, struct strbuf *out)
{
    bool has_mapped = false;
    const struct outgoing_options options = {
        .checks = checks,
        .encodes_8bit = encodes_8bit,
        .line_limit = 60,
        .boundary_limit = 40,
        .nesting_limit = 5,
        .map = map,
        .map_context = &has_mapped,
        .address_limit = 1000,
    };
    struct outgoing *outgoing = outgoing_create(&options);
    struct failure why;

    for (size_t i = 0; i < content.len; i += piece)
        CHECK(outgoing_add(outgoing, str_part(content, i, piece), false, out, &why) == OUTGOING_GOOD);
    CHECK(outgoing_add(outgoing, STR_EMPTY, true, out, &why) == OUTGOING_GOOD);
    outgoing_destroy(&outgoing);
    return has_mapped;
}

static void check_wire(struct str content)
{
    struct wire_body body;
    struct strbuf out;

    strbuf_init(&out, STRBUF_UNLIMITED);
    wire_body_init(&body, 998);
    wire_body_add(&body, content, &out);
    wire_body_end(&body, &out);
    CHECK(out.len >= 3);
    CHECK(out.len == 3 || str_find(strbuf_str(&out), STR("\r\n.\r\n")) == out.len - 5);
    strbuf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct table_set_options set_options = { .loop = NULL };
    const struct checks_options options = { .body_size_limit = 0 };
    struct str content = str_from(str_make((const char *) data, size), 1);
    struct table_set *set = table_set_create(&set_options);
    struct arena *arena = arena_create();
    /* Without tables. */
    const struct checks *checks = checks_open(set, &options, arena);
    struct strbuf whole, cut;

    strbuf_init(&whole, STRBUF_UNLIMITED);
    strbuf_init(&cut, STRBUF_UNLIMITED);
    /* A line end may be added: at the end of the header, and where a body begins without one; blanks before colons go.
     */
    if (!run(checks, content, size + 1, false, &whole))
        CHECK(whole.len <= content.len + 2);
    strbuf_clear(&whole);
    (void) run(checks, content, size + 1, true, &whole);
    (void) run(checks, content, size > 0 ? (size_t) data[0] + 1 : 1, true, &cut);
    CHECK(str_equal(strbuf_str(&whole), strbuf_str(&cut)));
    check_wire(strbuf_str(&whole));
    strbuf_done(&whole);
    strbuf_done(&cut);
    table_set_destroy(&set);
    arena_destroy(&arena);
    return 0;
}
