/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/verp.h"

bool verp_delimiters_are_good(struct str delimiters, struct str filter)
{
    return delimiters.len == 2 && str_contains_char(filter, delimiters.data[0]) &&
           str_contains_char(filter, delimiters.data[1]);
}

bool verp_append_sender(struct strbuf *out, struct str sender, struct str delimiters, struct str recipient)
{
    size_t sender_at = str_find_last_char(sender, '@');
    size_t recipient_at = str_find_last_char(recipient, '@');

    strbuf_append(out, str_part(sender, 0, sender_at));
    strbuf_append_char(out, delimiters.data[0]);
    strbuf_append(out, str_part(recipient, 0, recipient_at));
    if (recipient_at != STR_NOT_FOUND) {
        strbuf_append_char(out, delimiters.data[1]);
        strbuf_append(out, str_from(recipient, recipient_at + 1));
    }
    return strbuf_append(out, sender_at == STR_NOT_FOUND ? STR_EMPTY : str_from(sender, sender_at));
}
