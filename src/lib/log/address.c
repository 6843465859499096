/* SPDX-License-Identifier: Apache-2.0 */
#include "log/address.h"

#include "log/log.h"
#include "mail/quote.h"

bool log_append_address(struct strbuf *out, struct str address)
{
    return log_has_plain_addresses() ? strbuf_append(out, address) : quote_address(out, address);
}

bool log_append_external_address(struct strbuf *out, struct str address)
{
    return log_has_plain_addresses() ? quote_undo(out, address) : strbuf_append(out, address);
}
