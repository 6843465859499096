/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/generic.h"

#include "base/strbuf.h"
#include "config/shared_settings.h"
#include "daemon/daemon.h"
#include "log/log.h"
#include "mail/address.h"
#include "mail/address_list.h"
#include "mail/quote.h"
#include "protocol/deliver.h"
#include "protocol/rewrite.h"
#include "smtp/own_domains.h"

struct generic {
    const struct shared_settings *shared;
    struct table_set *tables;
    struct table_list *maps;
    struct own_domains domains;
    struct address_rules rules;
    bool keeps_extension;
    struct endpoint *rewrite;
};

static void warn(void *context, const char *text)
{
    (void) context;
    log_warning("%s", text);
}

static void watch(void *context, const char *path)
{
    daemon_watch_file(context, path);
}

struct generic *generic_open(struct daemon *daemon, const char *parameter, struct str maps,
                             const struct strlist *propagated, struct failure *why)
{
    struct arena *arena = daemon_arena(daemon);
    const struct shared_settings *shared = daemon_shared(daemon);
    struct table_set_options options = {
        .loop = daemon_loop(daemon),
        .proxymap_path = daemon_service_path(daemon, "private", shared->proxymap_service_name),
        .warn = warn,
        .opening = watch,
        .opening_context = daemon,
        .cf = daemon_main_cf(daemon),
        .is_confined = true,
    };
    struct generic *generic = arena_new(arena, struct generic);

    generic->shared = shared;
    generic->tables = table_set_create(&options);
    if (!own_domains_open(&generic->domains, generic->tables, daemon, why))
        return NULL;
    generic->maps = table_list_open(generic->tables, str_from_c(parameter), maps, TABLE_FOLD);
    generic->keeps_extension = strlist_contains_nocase(propagated, STR("generic"));
    generic->rules = own_domains_rules(&generic->domains);
    return generic;
}

void generic_start(struct generic *generic, struct daemon *daemon)
{
    if (generic == NULL)
        return;
    generic->rewrite = daemon_endpoint(
        daemon, daemon_service_path(daemon, "private", generic->shared->rewrite_service_name), &rewrite_protocol);
}

void generic_stop(struct generic *generic)
{
    if (generic != NULL)
        table_set_destroy(&generic->tables);
}

static struct str in_arena(struct arena *arena, bool (*form)(struct strbuf *, struct str), struct str address)
{
    struct strbuf text;
    struct str copy;

    strbuf_init(&text, STRBUF_UNLIMITED);
    (void) form(&text, address);
    copy = arena_str(arena, strbuf_str(&text));
    strbuf_done(&text);
    return copy;
}

/* Complete, as every address in the queue is. */
static bool standardize(struct generic *generic, struct arena *arena, struct str *address, struct failure *why)
{
    struct str external = in_arena(arena, quote_address, *address);

    if (!rewrite_address(generic->rewrite, true, external, arena, generic->shared->ipc_timeout, &external, why))
        return false;
    *address = in_arena(arena, quote_undo, external);
    return true;
}

static struct str with_extension(struct arena *arena, struct str address, struct str extension)
{
    struct strbuf text;
    struct str local, domain, longer;
    bool has_domain = address_split(address, &local, &domain);

    strbuf_init(&text, STRBUF_UNLIMITED);
    strbuf_append(&text, local);
    strbuf_append(&text, extension);
    longer = has_domain ? address_join(arena, strbuf_str(&text), domain) : arena_str(arena, strbuf_str(&text));
    strbuf_done(&text);
    return longer;
}

enum table_result generic_map(struct generic *generic, struct arena *arena, struct str *address, struct failure *why)
{
    struct address_answer answer;
    struct address_list list;
    enum table_result result;
    struct str mapped;

    if (generic == NULL || address->len == 0)
        return TABLE_ABSENT;
    result = address_lookup(generic->maps, &generic->rules, *address, arena, &answer, why);
    if (result != TABLE_FOUND)
        return result;
    address_list_parse(&list, arena, answer.value, 2);
    if (list.count == 0 || list.items[0].address.len == 0)
        return TABLE_ABSENT;
    if (list.count > 1)
        log_warning("multi-valued %.*s entry for %.*s", STR_ARG(table_list_title(generic->maps)), STR_ARG(*address));
    mapped = list.items[0].address;
    if (mapped.len > 1 && mapped.data[0] == '@')
        mapped = address_join(arena, address_local(*address), str_from(mapped, 1));
    else if (generic->keeps_extension && answer.extension.len > 0)
        mapped = with_extension(arena, mapped, answer.extension);
    if (!standardize(generic, arena, &mapped, why))
        return TABLE_UNKNOWN;
    *address = mapped;
    return TABLE_FOUND;
}

bool generic_map_envelope(struct generic *generic, struct arena *arena, const struct deliver_request **request,
                          struct failure *why)
{
    const struct deliver_recipient *recipients = (*request)->recipients.items;
    size_t count = (*request)->recipients.count;
    struct deliver_request *copy;
    struct deliver_recipient *mapped;

    if (generic == NULL)
        return true;
    copy = arena_new(arena, struct deliver_request);
    mapped = arena_new_array(arena, count, struct deliver_recipient);
    *copy = **request;
    if (generic_map(generic, arena, &copy->sender, why) == TABLE_UNKNOWN)
        return false;
    for (size_t i = 0; i < count; i++) {
        mapped[i] = recipients[i];
        if (generic_map(generic, arena, &mapped[i].address, why) == TABLE_UNKNOWN)
            return false;
    }
    copy->recipients.items = mapped;
    *request = copy;
    return true;
}
