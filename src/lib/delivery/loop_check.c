/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/loop_check.h"

#include "base/strbuf.h"
#include "delivery/content.h"
#include "mail/casefold.h"
#include "mail/header.h"
#include "mail/quote.h"
#include "protocol/deliver.h"

/* Beyond this much header nothing is looked at; cleanup's hop count ends such a loop. */
enum { HEADER_MAX = 1024 * 1024, ADDRESS_MAX = 16 * 1024 };

static bool load_header(struct loop *loop, const struct deliver_request *request, struct strbuf *header,
                        struct failure *why)
{
    struct content content;
    struct str piece;
    bool is_read = true;

    content_open(&content, loop, request);
    do {
        is_read = content_next(&content, &piece, why);
    } while (is_read && !str_is_empty(piece) && strbuf_append(header, piece) &&
             str_find(strbuf_str(header), STR("\n\n")) == STR_NOT_FOUND);
    content_close(&content);
    return is_read;
}

/* folded: as casefold makes it. */
static bool is_same_address(struct str external, struct str folded, struct arena *arena)
{
    struct strbuf internal;
    bool is_same;

    strbuf_init(&internal, ADDRESS_MAX);
    is_same = quote_undo(&internal, str_trim(external)) && str_equal(casefold(arena, strbuf_str(&internal)), folded);
    strbuf_done(&internal);
    return is_same;
}

bool loop_check(struct loop *loop, const struct deliver_request *request, struct str address, bool *has_been_here_out,
                struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct str folded = casefold(arena, address);
    struct strbuf header;
    struct header_field field;
    struct str rest;
    bool is_read;

    strbuf_init(&header, HEADER_MAX);
    is_read = load_header(loop, request, &header, why);
    *has_been_here_out = false;
    rest = strbuf_str(&header);
    while (is_read && header_take_field(&rest, &field)) {
        if (str_equal_nocase(field.name, STR("Delivered-To")) && is_same_address(field.value, folded, arena))
            *has_been_here_out = true;
    }
    strbuf_done(&header);
    return is_read;
}
