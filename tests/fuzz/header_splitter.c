/* SPDX-License-Identifier: Apache-2.0 */
/* A message comes apart into the same fields and body however it is cut. The first byte says where. */

#include "mail/header_splitter.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELD_LIMIT = 64 };

static void split(struct str text, size_t piece, struct strbuf *out)
{
    struct header_splitter splitter;
    bool is_last = false;

    header_splitter_init(&splitter, FIELD_LIMIT);
    while (!is_last) {
        struct str input = str_part(text, 0, piece);
        enum header_splitter_event event;
        struct str found;

        text = str_from(text, piece);
        is_last = text.len == 0;
        while ((event = header_splitter_next(&splitter, &input, is_last, &found)) != SPLITTER_MORE) {
            if (event == SPLITTER_FIELD)
                CHECK(found.len <= FIELD_LIMIT);
            if (event != SPLITTER_BODY)
                strbuf_append_char(out, event == SPLITTER_FIELD ? '\1' : '\2');
            strbuf_append(out, found);
        }
    }
    header_splitter_done(&splitter);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_from(str_make((const char *) data, size), 1);
    struct strbuf whole, cut;

    if (size == 0)
        return 0;
    strbuf_init(&whole, STRBUF_UNLIMITED);
    strbuf_init(&cut, STRBUF_UNLIMITED);
    split(text, text.len + 1, &whole);
    split(text, data[0] % 16 + 1u, &cut);
    CHECK(str_equal(strbuf_str(&whole), strbuf_str(&cut)));
    strbuf_done(&whole);
    strbuf_done(&cut);
    return 0;
}
