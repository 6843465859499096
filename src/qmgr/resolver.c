/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/resolver.h"

#include "base/map.h"
#include "base/memory.h"
#include "base/strbuf.h"

enum { REMEMBERED_MAXIMUM = 50000, REMEMBERED_SECONDS = 60 };

struct remembered {
    struct resolved_address answer;
    char text[];
};

struct resolver {
    struct endpoint *rewrite;
    bool is_sender_dependent;
    bool is_for_probes;
    struct duration timeout;
    struct map *answers;
    uint64_t generation;
    struct instant begun; /* when the first of what is remembered was asked */
};

struct resolver *resolver_create(struct endpoint *rewrite, bool is_sender_dependent, struct duration timeout)
{
    struct resolver *resolver = memory_alloc(sizeof *resolver);

    resolver->rewrite = rewrite;
    resolver->is_sender_dependent = is_sender_dependent;
    resolver->timeout = timeout;
    resolver->answers = map_create();
    return resolver;
}

void resolver_set_probes(struct resolver *resolver)
{
    resolver->is_for_probes = true;
}

void resolver_forget(struct resolver *resolver)
{
    for (struct map_entry *entry = map_first(resolver->answers); entry != NULL; entry = map_next(entry))
        memory_free(map_entry_value(entry));
    map_destroy(&resolver->answers);
    resolver->answers = map_create();
}

void resolver_destroy(struct resolver **resolver)
{
    if (*resolver == NULL)
        return;
    resolver_forget(*resolver);
    map_destroy(&(*resolver)->answers);
    memory_free(*resolver);
    *resolver = NULL;
}

static struct str put(char **place, struct str text)
{
    struct str copy = str_make(*place, text.len);

    if (text.len > 0)
        memcpy(*place, text.data, text.len);
    *place += text.len; /* UNSAFE: the block was made for all three texts */
    return copy;
}

static struct remembered *remember(const struct resolved_address *answer)
{
    struct remembered *copy =
        memory_alloc(sizeof *copy + answer->transport.len + answer->nexthop.len + answer->recipient.len);
    char *place = copy->text;

    copy->answer = *answer;
    copy->answer.transport = put(&place, answer->transport);
    copy->answer.nexthop = put(&place, answer->nexthop);
    copy->answer.recipient = put(&place, answer->recipient);
    return copy;
}

static void make_key(const struct resolver *resolver, struct str sender, struct str address, struct strbuf *key)
{
    strbuf_clear(key);
    strbuf_append(key, address);
    if (resolver->is_sender_dependent) {
        strbuf_append_char(key, '\0');
        strbuf_append(key, sender);
    }
}

static struct resolved_address in_arena(const struct resolved_address *answer, struct arena *arena)
{
    struct resolved_address copy = *answer;

    copy.transport = arena_str(arena, answer->transport);
    copy.nexthop = arena_str(arena, answer->nexthop);
    copy.recipient = arena_str(arena, answer->recipient);
    return copy;
}

static bool is_stale(const struct resolver *resolver, struct instant now)
{
    return map_count(resolver->answers) >= REMEMBERED_MAXIMUM || !endpoint_is_open(resolver->rewrite) ||
           !instant_is_before(now, instant_add(resolver->begun, seconds(REMEMBERED_SECONDS)));
}

static void learn(struct resolver *resolver, struct str sender, struct str address,
                  const struct resolved_address *answer, struct strbuf *key)
{
    struct remembered *old;

    if (answer->status != RESOLVE_OK)
        return;
    make_key(resolver, sender, address, key);
    old = map_set(resolver->answers, strbuf_str(key), remember(answer));
    memory_free(old);
}

/* Asks for the addresses at these places, at most REWRITE_BATCH_MAXIMUM. */
static bool ask_batch(struct resolver *resolver, struct str sender, const struct str *addresses, const size_t *places,
                      size_t count, struct arena *arena, struct resolved_address *answers_out, struct strbuf *key,
                      struct failure *why)
{
    struct resolve_request request = { .sender = resolver->is_sender_dependent ? sender : STR_EMPTY,
                                       .is_probe = resolver->is_for_probes };
    const struct resolve_reply *reply;
    const struct resolved_address *found;
    void *message;

    for (size_t i = 0; i < count; i++)
        strlist_add_view(&request.addresses, arena, addresses[places[i]]);
    if (!endpoint_ask(resolver->rewrite, &resolve_request_message, &request, &resolve_reply_message, arena,
                      resolver->timeout, &message, why))
        return false;
    reply = message;
    if (reply->addresses.count != count)
        return failure_set(why, FAILURE_PROTOCOL, 0, "rewrite service: %zu answers for %zu addresses",
                           reply->addresses.count, count);
    if (reply->generation != resolver->generation)
        resolver_forget(resolver);
    resolver->generation = reply->generation;
    found = reply->addresses.items;
    for (size_t i = 0; i < count; i++) {
        answers_out[places[i]] = found[i];
        learn(resolver, sender, addresses[places[i]], &found[i], key);
    }
    return true;
}

static void forget_stale(struct resolver *resolver, struct instant now)
{
    if (!is_stale(resolver, now))
        return;
    resolver_forget(resolver);
    resolver->begun = now;
}

bool resolver_recall(struct resolver *resolver, struct str sender, const struct str *addresses, size_t count,
                     struct instant now, struct resolved_address *answers_out)
{
    struct strbuf key;
    size_t known = 0;

    forget_stale(resolver, now);
    strbuf_init(&key, STRBUF_UNLIMITED);
    for (; known < count; known++) {
        const struct remembered *found;

        make_key(resolver, sender, addresses[known], &key);
        found = map_get(resolver->answers, strbuf_str(&key));
        if (found == NULL)
            break;
        answers_out[known] = found->answer;
    }
    strbuf_done(&key);
    return known == count;
}

bool resolver_ask(struct resolver *resolver, struct str sender, const struct str *addresses, size_t count,
                  struct instant now, struct arena *arena, struct resolved_address *answers_out, struct failure *why)
{
    size_t *places = arena_new_array(arena, count, size_t);
    size_t missing = 0;
    struct strbuf key;
    bool is_answered = true;

    forget_stale(resolver, now);
    strbuf_init(&key, STRBUF_UNLIMITED);
    for (size_t i = 0; i < count; i++) {
        const struct remembered *known;

        make_key(resolver, sender, addresses[i], &key);
        known = map_get(resolver->answers, strbuf_str(&key));
        if (known != NULL)
            answers_out[i] = in_arena(&known->answer, arena);
        else
            places[missing++] = i;
    }
    for (size_t done = 0; is_answered && done < missing; done += REWRITE_BATCH_MAXIMUM) {
        size_t batch = missing - done < REWRITE_BATCH_MAXIMUM ? missing - done : REWRITE_BATCH_MAXIMUM;

        is_answered = ask_batch(resolver, sender, addresses, places + done, batch, arena, answers_out, &key, why);
    }
    strbuf_done(&key);
    return is_answered;
}
