/* SPDX-License-Identifier: Apache-2.0 */
#include "local/resolving.h"

#include "base/strbuf.h"
#include "config/shared_settings.h"
#include "mail/domain.h"
#include "mail/quote.h"

enum { RESOLVE_SECONDS = 3600, ADDRESS_MAX = 16 * 1024 };

/* For the log and for reports, which are UTF-8. */
static struct str printable(struct arena *arena, struct str address)
{
    char *copy = arena_c(arena, address);

    for (size_t i = 0; i < address.len; i++) {
        if ((unsigned char) copy[i] >= 0x80)
            copy[i] = '?';
    }
    return str_make(copy, address.len);
}

static bool refuse(struct attempt *attempt, struct str address, struct failure *why)
{
    return failure_set(why, FAILURE_PERMANENT, 0, "bad recipient address syntax: %.*s",
                       STR_ARG(printable(attempt->arena, address)));
}

bool resolving_complete(struct attempt *attempt, struct str address, struct str *address_out, struct failure *why)
{
    struct strbuf text;
    struct str external;
    bool is_done;

    strbuf_init(&text, ADDRESS_MAX);
    if (!quote_address(&text, address)) {
        strbuf_done(&text);
        return refuse(attempt, str_part(address, 0, 100), why);
    }
    is_done = rewrite_address(attempt->local->rewrite, true, strbuf_str(&text), attempt->arena,
                              seconds(RESOLVE_SECONDS), &external, why);
    strbuf_clear(&text);
    if (is_done && !quote_undo(&text, external))
        is_done = refuse(attempt, address, why);
    if (is_done)
        *address_out = arena_str(attempt->arena, strbuf_str(&text));
    strbuf_done(&text);
    return is_done;
}

bool resolving_find(struct attempt *attempt, struct str sender, struct str address,
                    const struct resolved_address **resolved_out, struct failure *why)
{
    struct str complete;

    if (!resolving_complete(attempt, address, &complete, why))
        return false;
    if (attempt->local->shared->smtputf8_enable && !domain_is_utf8(complete))
        return refuse(attempt, complete, why);
    return resolve_address(attempt->local->rewrite, sender, complete, attempt->arena, seconds(RESOLVE_SECONDS),
                           resolved_out, why);
}
