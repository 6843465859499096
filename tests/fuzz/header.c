/* SPDX-License-Identifier: Apache-2.0 */
/* Header blocks: fields are views that cover the block without a gap; folding and dates take any bytes. */

#include "mail/header.h"
#include "base/check.h"
#include "mail/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_make((const char *) data, size);
    struct str rest = text;
    struct header_field field;
    struct strbuf out;
    size_t taken = 0;

    strbuf_init(&out, STRBUF_UNLIMITED);
    while (header_take_field(&rest, &field)) {
        struct instant when;

        CHECK(field.whole.data == text.data + taken);
        CHECK(field.name.len > 0 && field.value.len < field.whole.len);
        taken += field.whole.len;
        header_kind_find(field.name);
        CHECK(header_unfold(&out, field.value));
        CHECK(header_fold(&out, field.name, field.value));
        if (date_parse(field.value, &when))
            CHECK(date_append_utc(&out, when));
    }
    CHECK(taken + rest.len == text.len);
    strbuf_done(&out);
    return 0;
}
