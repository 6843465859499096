/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup/rewriter.h"

#include "base/map.h"
#include "base/memory.h"
#include "base/strbuf.h"
#include "mail/address.h"
#include "mail/quote.h"
#include "protocol/rewrite.h"

enum { REMEMBERED_MAXIMUM = 10000, KEY_MAXIMUM = 512 };

struct rewriter {
    struct endpoint *endpoint;
    struct duration timeout;
    uint64_t generation;
    struct map *known; /* context and address to struct str in memory */
    struct arena *memory;
};

struct rewriter *rewriter_create(struct endpoint *endpoint, struct duration timeout)
{
    struct rewriter *rewriter = memory_alloc(sizeof *rewriter);

    rewriter->endpoint = endpoint;
    rewriter->timeout = timeout;
    rewriter->known = map_create();
    rewriter->memory = arena_create();
    return rewriter;
}

void rewriter_destroy(struct rewriter **rewriter)
{
    if (*rewriter == NULL)
        return;
    map_destroy(&(*rewriter)->known);
    arena_destroy(&(*rewriter)->memory);
    memory_free(*rewriter);
    *rewriter = NULL;
}

static void forget_all(struct rewriter *rewriter)
{
    map_destroy(&rewriter->known);
    rewriter->known = map_create();
    arena_reset(rewriter->memory);
}

/* Addresses may hold any byte, so no printf. */
static struct str make_key(struct arena *arena, bool is_local, struct str address)
{
    char *key = arena_alloc(arena, address.len + 1);

    key[0] = is_local ? 'l' : 'r';
    if (address.len > 0)
        memcpy(key + 1, address.data, address.len);
    return str_make(key, address.len + 1);
}

static void remember(struct rewriter *rewriter, struct str key, struct str result)
{
    struct str *copy;

    if (key.len > KEY_MAXIMUM)
        return;
    if (map_count(rewriter->known) >= REMEMBERED_MAXIMUM)
        forget_all(rewriter);
    copy = arena_new(rewriter->memory, struct str);
    *copy = arena_str(rewriter->memory, result);
    map_set(rewriter->known, key, copy);
}

static struct str to_external(struct arena *arena, struct str address)
{
    struct strbuf text;
    struct str copy;

    strbuf_init(&text, 2 * address.len + 3);
    quote_address(&text, address);
    copy = arena_str(arena, strbuf_str(&text));
    strbuf_done(&text);
    return copy;
}

static struct str to_internal(struct arena *arena, struct str external)
{
    struct strbuf text;
    struct str copy;

    strbuf_init(&text, external.len + 1);
    quote_undo(&text, external);
    copy = arena_str(arena, strbuf_str(&text));
    strbuf_done(&text);
    return copy;
}

/* Asks for at most REWRITE_BATCH_MAXIMUM addresses, which places[] points to. */
static bool ask(struct rewriter *rewriter, bool is_local, struct str **places, size_t count, struct arena *arena,
                struct failure *why)
{
    struct rewrite_request request = { .is_local = is_local };
    const struct rewrite_reply *reply;
    void *message;

    for (size_t i = 0; i < count; i++)
        strlist_add_view(&request.addresses, arena, to_external(arena, address_skip_route(*places[i])));
    if (!endpoint_ask(rewriter->endpoint, &rewrite_request_message, &request, &rewrite_reply_message, arena,
                      rewriter->timeout, &message, why))
        return false;
    reply = message;
    if (reply->addresses.count != count)
        return failure_set(why, FAILURE_PROTOCOL, 0, "rewrite service answered for %zu of %zu addresses",
                           reply->addresses.count, count);
    if (reply->generation != rewriter->generation)
        forget_all(rewriter);
    rewriter->generation = reply->generation;
    for (size_t i = 0; i < count; i++) {
        struct str result = to_internal(arena, reply->addresses.items[i]);

        remember(rewriter, make_key(arena, is_local, *places[i]), result);
        *places[i] = result;
    }
    return true;
}

bool rewriter_standardize(struct rewriter *rewriter, bool is_local, struct str *addresses, size_t count,
                          struct arena *arena, struct failure *why)
{
    struct str **unknown =
        arena_new_array(arena, count < REWRITE_BATCH_MAXIMUM ? count + 1 : REWRITE_BATCH_MAXIMUM, struct str *);
    size_t unknown_count = 0;

    if (!endpoint_is_open(rewriter->endpoint))
        forget_all(rewriter);
    for (size_t i = 0; i < count; i++) {
        const struct str *found = map_get(rewriter->known, make_key(arena, is_local, addresses[i]));

        if (found != NULL)
            addresses[i] = arena_str(arena, *found);
        else if (addresses[i].len > 0)
            unknown[unknown_count++] = &addresses[i];
        if (unknown_count == REWRITE_BATCH_MAXIMUM) {
            if (!ask(rewriter, is_local, unknown, unknown_count, arena, why))
                return false;
            unknown_count = 0;
        }
    }
    return unknown_count == 0 || ask(rewriter, is_local, unknown, unknown_count, arena, why);
}
