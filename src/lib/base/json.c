/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

bool json_append_string(struct strbuf *out, struct str text)
{
    strbuf_append_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char) text.data[i];

        if (c == '"' || c == '\\')
            strbuf_printf(out, "\\%c", c);
        else if (c < 32 || c == 127)
            strbuf_printf(out, "\\u%04X", c);
        else
            strbuf_append_char(out, (char) c);
    }
    return strbuf_append_char(out, '"');
}
