/* SPDX-License-Identifier: Apache-2.0 */
/* mime_downgrade - content for a server without 8BITMIME: the first byte is the size of the pieces that it comes in. */

#include "smtp/mime_downgrade.h"
#include "base/check.h"
#include "smtp/wire_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(struct str content, size_t piece, struct strbuf *out)
{
    struct mime_downgrade *downgrade = mime_downgrade_create();

    for (size_t i = 0; i < content.len; i += piece)
        mime_downgrade_add(downgrade, str_part(content, i, piece), out);
    mime_downgrade_end(downgrade, out);
    mime_downgrade_destroy(&downgrade);
}

/* What goes over the wire has one end, at its end. */
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
    struct strbuf whole, cut;

    if (size == 0)
        return 0;
    strbuf_init(&whole, STRBUF_UNLIMITED);
    strbuf_init(&cut, STRBUF_UNLIMITED);
    run(str_make((const char *) data + 1, size - 1), size, &whole);
    run(str_make((const char *) data + 1, size - 1), (size_t) data[0] + 1, &cut);
    /* Lines longer than its memory may be cut differently. */
    if (size < 30000)
        CHECK(str_equal(strbuf_str(&whole), strbuf_str(&cut)));
    check_wire(strbuf_str(&whole));
    strbuf_done(&whole);
    strbuf_done(&cut);
    return 0;
}
