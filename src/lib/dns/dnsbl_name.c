/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/dnsbl_name.h"

#include "base/strbuf.h"

struct str dnsbl_name(struct arena *arena, const struct ip_address *address, struct str list)
{
    static const char digits[] = "0123456789abcdef";
    struct strbuf text;
    struct str name;

    strbuf_init(&text, STRBUF_UNLIMITED);
    /* Each byte of an IPv4 address, each half of one of an IPv6 address, the last first. */
    for (size_t i = ip_address_size(address); i-- > 0;) {
        unsigned byte = address->bytes[i];

        if (address->family == IP_V4) {
            strbuf_append_number(&text, byte);
        } else {
            strbuf_append_char(&text, digits[byte & 15U]);
            strbuf_append_char(&text, '.');
            strbuf_append_char(&text, digits[byte >> 4]);
        }
        strbuf_append_char(&text, '.');
    }
    name = strbuf_str(&text).len > 0 ? arena_join(arena, strbuf_str(&text), list) : STR_EMPTY;
    strbuf_done(&text);
    return name;
}
