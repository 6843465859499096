/* SPDX-License-Identifier: Apache-2.0 */
#include "trivial-rewrite/resolver.h"

#include "config/main_cf.h"
#include "config/own_addresses.h"
#include "log/log.h"
#include "mail/address.h"
#include "mail/domain.h"
#include "mail/quote.h"
#include "table/address_lookup.h"
#include "table/match_list.h"
#include "trivial-rewrite/standard_form.h"

enum { DOMAIN_MAXIMUM = 255, STEPS_MAXIMUM = 100 };

struct resolver {
    const struct trivial_rewrite_settings *settings;
    const struct shared_settings *shared;
    struct standard_form_rules form;
    struct own_address_list own;
    struct own_address_list proxies;
    struct match_list *mydestination;
    struct match_list *virtual_alias_domains;
    struct match_list *virtual_mailbox_domains;
    struct match_list *relay_domains;
    struct table_list *transport_maps;
    struct table_list *sender_relayhosts;
    struct table_list *sender_transports;
    struct table_list *relocated_maps;
    bool transport_parents;
};

/* One address on its way. */
struct resolving {
    struct resolver *resolver;
    struct arena *arena;
    struct failure *why;
    struct str sender;
    struct str local;
    struct str domain;
    struct str hop;   /* the domain, its ASCII in lower case: the next hop where nothing names another */
    bool is_deferred; /* a table could not answer: why says which */
    struct resolved_address *answer;
};

static bool lists_parents(const struct shared_settings *shared, const char *parameter, struct arena *arena)
{
    struct strlist names = main_cf_words(shared->parent_domain_matches_subdomains, arena);

    return strlist_contains(&names, str_from_c(parameter));
}

static struct match_list *open_domains(struct table_set *set, const char *name, struct str value)
{
    return match_list_open(set, str_from_c(name), value, MATCH_STRINGS, false);
}

static struct table_list *open_tables(struct table_set *set, const char *name, struct str value)
{
    return table_list_open(set, str_from_c(name), value, TABLE_FOLD);
}

bool resolver_create(const struct trivial_rewrite_settings *settings, const struct shared_settings *shared,
                     const struct main_cf *cf, struct table_set *set, struct arena *arena,
                     struct resolver **resolver_out, struct failure *why)
{
    struct resolver *resolver = arena_new(arena, struct resolver);

    resolver->settings = settings;
    resolver->shared = shared;
    resolver->form = (struct standard_form_rules){
        .domain = settings->append_dot_mydomain ? shared->mydomain : STR_EMPTY,
        .may_swap_bangpath = settings->swap_bangpath,
        .may_use_percent = settings->allow_percent_hack,
    };
    if (!own_addresses(cf, arena, &resolver->own, why) || !own_proxy_addresses(cf, arena, &resolver->proxies, why))
        return false;
    resolver->mydestination = open_domains(set, "mydestination", shared->mydestination);
    resolver->virtual_alias_domains = open_domains(set, "virtual_alias_domains", shared->virtual_alias_domains);
    resolver->virtual_mailbox_domains = open_domains(set, "virtual_mailbox_domains", shared->virtual_mailbox_domains);
    /* The others take no part in parent_domain_matches_subdomains. */
    resolver->relay_domains = match_list_open(set, STR("relay_domains"), shared->relay_domains, MATCH_DOMAINS,
                                              lists_parents(shared, "relay_domains", arena));
    resolver->transport_maps = open_tables(set, "transport_maps", settings->transport_maps);
    resolver->sender_relayhosts =
        open_tables(set, "sender_dependent_relayhost_maps", settings->sender_dependent_relayhost_maps);
    resolver->sender_transports =
        open_tables(set, "sender_dependent_default_transport_maps", settings->sender_dependent_default_transport_maps);
    resolver->relocated_maps = open_tables(set, "relocated_maps", settings->relocated_maps);
    resolver->transport_parents = lists_parents(shared, "transport_maps", arena);
    *resolver_out = resolver;
    return true;
}

/* FOUND is yes, ABSENT no; UNKNOWN is kept and counts as no until the answer is given up. */
static bool is_found(struct resolving *resolving, enum table_result result)
{
    if (result == TABLE_UNKNOWN)
        resolving->is_deferred = true;
    return result == TABLE_FOUND;
}

static bool is_in(struct resolving *resolving, struct match_list *list, struct str domain)
{
    return !resolving->is_deferred && is_found(resolving, match_list_has(list, domain, resolving->why));
}

static bool is_own_literal(const struct resolver *resolver, struct str domain)
{
    struct str text;
    struct ip_address address;

    return domain_is_literal(domain, &text) && ip_address_parse(text, &address) &&
           (own_address_list_has(&resolver->own, &address) || own_address_list_has(&resolver->proxies, &address));
}

static bool is_local(struct resolving *resolving)
{
    return is_own_literal(resolving->resolver, resolving->domain) ||
           is_in(resolving, resolving->resolver->mydestination, resolving->domain);
}

/* What is quoted routes only if resolve_dequoted_address says so. */
static bool may_route(const struct resolving *resolving)
{
    return resolving->resolver->settings->resolve_dequoted_address || !quote_is_needed(resolving->local);
}

/* Takes one operator off the local part and makes it the domain; false if there is none. */
static bool follow_operator(struct resolving *resolving)
{
    const struct standard_form_rules *form = &resolving->resolver->form;
    struct str local = resolving->local;
    size_t at = str_find_last_char(local, '@');
    bool is_site_first = false;

    if (!may_route(resolving))
        return false;
    if (at == STR_NOT_FOUND && form->may_swap_bangpath) {
        at = str_find_char(local, '!');
        is_site_first = true;
    }
    if (at == STR_NOT_FOUND && form->may_use_percent) {
        at = str_find_last_char(local, '%');
        is_site_first = false;
    }
    if (at == STR_NOT_FOUND)
        return false;
    resolving->local = is_site_first ? str_from(local, at + 1) : str_part(local, 0, at);
    resolving->domain = is_site_first ? str_part(local, 0, at) : str_from(local, at + 1);
    resolving->domain = standard_form_domain(form, resolving->domain, resolving->arena);
    return true;
}

static void apply_numeric_domain(struct resolving *resolving)
{
    if (resolving->resolver->settings->resolve_numeric_domain && domain_is_ipv4(resolving->domain))
        resolving->domain = arena_printf(resolving->arena, "[%.*s]", STR_ARG(resolving->domain));
}

/* The domain that decides: operators are followed as long as the domain is ours. True if it is ours in the end. */
static bool find_domain(struct resolving *resolving)
{
    const struct resolver *resolver = resolving->resolver;
    bool has_domain = resolving->domain.data != NULL;
    bool is_ours;
    int steps;

    for (steps = 0; steps < STEPS_MAXIMUM; steps++) {
        if (has_domain) {
            struct standard_form_rules only_dot = { 0 };

            resolving->domain = standard_form_domain(&only_dot, resolving->domain, resolving->arena);
            apply_numeric_domain(resolving);
            if (resolving->domain.len == 0 && resolver->settings->resolve_null_domain)
                resolving->domain = resolver->shared->myhostname;
            /* "a@b@" is a@b: an empty domain stands for nothing while another operator follows. */
            if (resolving->domain.len > 0 && !is_local(resolving))
                return false;
        }
        if (!follow_operator(resolving))
            break;
        has_domain = true;
    }
    if (!has_domain)
        resolving->domain = resolver->shared->myhostname;
    /* Where mydestination leaves this host out, as on a null client, not even a bare user is local. */
    is_ours = resolving->domain.len > 0 && (has_domain || is_local(resolving));
    if (resolving->local.len == 0 && (is_ours || !has_domain))
        resolving->local = resolver->settings->empty_address_recipient;
    return is_ours;
}

static bool is_valid_domain(struct str domain)
{
    if (domain.len > DOMAIN_MAXIMUM)
        return false;
    return domain_is_literal(domain, NULL) || domain_is_valid_hostname(domain, true);
}

/* A domain in two classes is a mistake that the first class hides. */
static void warn_of_both(struct resolving *resolving, struct match_list *list, const char *class_parameter,
                         const char *parameter)
{
    struct failure ignored;

    /* A list that cannot be read is no reason to defer: the class is certain already. */
    if (match_list_has(list, resolving->domain, &ignored) == TABLE_FOUND)
        log_warning("do not list domain %.*s in BOTH %s and %s", STR_ARG(resolving->domain), class_parameter,
                    parameter);
}

static enum resolve_class local_class(struct resolving *resolving)
{
    const struct resolver *resolver = resolving->resolver;

    warn_of_both(resolving, resolver->virtual_alias_domains, "mydestination", "virtual_alias_domains");
    warn_of_both(resolving, resolver->virtual_mailbox_domains, "mydestination", "virtual_mailbox_domains");
    return RESOLVE_LOCAL;
}

static enum resolve_class class_of(struct resolving *resolving)
{
    const struct resolver *resolver = resolving->resolver;

    if (is_in(resolving, resolver->virtual_alias_domains, resolving->domain)) {
        warn_of_both(resolving, resolver->virtual_mailbox_domains, "virtual_alias_domains", "virtual_mailbox_domains");
        return RESOLVE_VIRTUAL_ALIAS;
    }
    if (is_in(resolving, resolver->virtual_mailbox_domains, resolving->domain))
        return RESOLVE_VIRTUAL_MAILBOX;
    if (is_in(resolving, resolver->relay_domains, resolving->domain))
        return RESOLVE_RELAY;
    return RESOLVE_DEFAULT;
}

/* "transport:nexthop": an empty part leaves what the caller has put there. */
static void apply_pair(struct str pair, struct str nexthop_without, struct resolved_address *answer)
{
    struct str transport;
    struct str nexthop;

    str_cut(pair, ':', &transport, &nexthop);
    transport = str_trim(transport);
    nexthop = str_trim(nexthop);
    if (transport.len > 0) {
        answer->transport = transport;
        answer->nexthop = nexthop_without;
    }
    if (nexthop.len > 0)
        answer->nexthop = nexthop;
}

/* Where the bare user name is a key too. */
static enum table_result is_bare_domain(void *context, struct str domain, struct failure *why)
{
    const struct resolver *resolver = context;

    if (str_equal_nocase(domain, resolver->shared->myorigin) || is_own_literal(resolver, domain))
        return TABLE_FOUND;
    return match_list_has(resolver->mydestination, domain, why);
}

static bool ask_sender(struct resolving *resolving, struct table_list *list, struct str empty_key,
                       struct str *value_out)
{
    const struct resolver *resolver = resolving->resolver;
    struct address_rules rules = {
        .steps = ADDRESS_STEPS_DEFAULT,
        .recipient_delimiter = resolver->shared->recipient_delimiter,
        .is_owner_plain = !resolver->shared->owner_request_special,
        .is_local_domain = is_bare_domain,
        .context = resolving->resolver,
    };
    struct str key = resolving->sender.len > 0 ? resolving->sender : empty_key;
    struct address_answer answer;

    if (resolving->is_deferred || table_list_is_empty(list) ||
        !is_found(resolving, address_lookup(list, &rules, key, resolving->arena, &answer, resolving->why)) ||
        str_equal_nocase(answer.value, STR("DUNNO")))
        return false;
    *value_out = answer.value;
    return true;
}

/* The next hop of mail for elsewhere when its transport names none. */
static struct str outside_nexthop(struct resolving *resolving)
{
    const struct resolver *resolver = resolving->resolver;
    struct str host;

    if (ask_sender(resolving, resolver->sender_relayhosts, resolver->settings->empty_address_relayhost_key, &host))
        return host;
    return resolver->settings->relayhost.len > 0 ? resolver->settings->relayhost : resolving->hop;
}

static struct str default_pair(struct resolving *resolving)
{
    const struct resolver *resolver = resolving->resolver;
    struct str pair;

    if (ask_sender(resolving, resolver->sender_transports, resolver->settings->empty_address_transport_key, &pair))
        return pair;
    return resolver->settings->default_transport;
}

static void choose_by_class(struct resolving *resolving)
{
    const struct trivial_rewrite_settings *settings = resolving->resolver->settings;
    struct resolved_address *answer = resolving->answer;

    switch ((enum resolve_class) answer->address_class) {
    case RESOLVE_LOCAL:
        apply_pair(settings->local_transport, resolving->hop, answer);
        break;
    case RESOLVE_VIRTUAL_ALIAS:
        answer->transport = resolving->resolver->shared->error_service_name;
        answer->nexthop = settings->show_user_unknown_table_name ? STR("5.1.1 User unknown in virtual alias table")
                                                                 : STR("5.1.1 User unknown");
        break;
    case RESOLVE_VIRTUAL_MAILBOX:
        apply_pair(settings->virtual_transport, resolving->hop, answer);
        break;
    case RESOLVE_RELAY:
        apply_pair(settings->relay_transport, outside_nexthop(resolving), answer);
        break;
    case RESOLVE_DEFAULT:
        apply_pair(default_pair(resolving), outside_nexthop(resolving), answer);
        break;
    }
}

static bool find_transport(struct resolving *resolving, struct str *pair_out)
{
    const struct resolver *resolver = resolving->resolver;
    struct table_list *list = resolver->transport_maps;
    struct address_rules rules = {
        .steps = ADDRESS_STEPS_TRANSPORT,
        .recipient_delimiter = resolver->shared->recipient_delimiter,
        .is_owner_plain = !resolver->shared->owner_request_special,
        .parents_match_subdomains = resolver->transport_parents,
    };
    struct address_answer answer;
    enum table_result result;

    if (resolving->is_deferred || table_list_is_empty(list))
        return false;
    result = address_lookup(list, &rules, resolving->answer->recipient, resolving->arena, &answer, resolving->why);
    if (result == TABLE_ABSENT)
        result = table_list_find(list, STR("*"), TABLE_FIXED, resolving->arena, &answer.value, resolving->why);
    if (!is_found(resolving, result))
        return false;
    *pair_out = answer.value;
    return true;
}

static void apply_transport_maps(struct resolving *resolving)
{
    struct resolved_address *answer = resolving->answer;
    struct str pair;

    /* Aliases only: what is left of such a domain is unknown, whatever its transport. */
    if (answer->address_class == RESOLVE_VIRTUAL_ALIAS || !find_transport(resolving, &pair))
        return;
    apply_pair(pair, resolving->hop, answer);
    if (str_equal(answer->transport, resolving->resolver->shared->error_service_name) &&
        str_equal(answer->nexthop, resolving->hop))
        answer->nexthop = STR("Address is undeliverable");
}

/* Who has moved is refused whatever the class and the transport, and told where to. */
static void apply_relocated_maps(struct resolving *resolving)
{
    struct resolver *resolver = resolving->resolver;
    struct address_rules rules = {
        .steps = ADDRESS_STEPS_DEFAULT,
        .recipient_delimiter = resolver->shared->recipient_delimiter,
        .is_owner_plain = !resolver->shared->owner_request_special,
        .is_local_domain = is_bare_domain,
        .context = resolver,
    };
    struct resolved_address *answer = resolving->answer;
    struct address_answer found;

    if (resolving->is_deferred || table_list_is_empty(resolver->relocated_maps) ||
        !is_found(resolving, address_lookup(resolver->relocated_maps, &rules, answer->recipient, resolving->arena,
                                            &found, resolving->why)))
        return;
    answer->transport = resolver->shared->error_service_name;
    answer->nexthop = found.value;
    if (resolver->settings->relocated_prefix_enable)
        answer->nexthop = arena_printf(resolving->arena, "5.1.6 User has moved to %.*s", STR_ARG(found.value));
}

static void fail(struct resolved_address *answer, enum resolve_status status, struct str reason)
{
    answer->status = status;
    answer->nexthop = reason;
}

/* The text of an error may be cut; a name may not, it would be another's. */
static bool is_text(const struct resolving *resolving)
{
    struct str transport = resolving->answer->transport;

    return str_equal(transport, resolving->resolver->shared->error_service_name) || str_equal(transport, STR("retry"));
}

/* What cannot be delivered to, or not even be told, the administrator has to mend in the table. */
static void check_answer(struct resolving *resolving)
{
    struct resolved_address *answer = resolving->answer;

    if (is_text(resolving))
        answer->nexthop = str_part(answer->nexthop, 0, RESOLVE_NEXTHOP_MAXIMUM);
    if (answer->transport.len == 0)
        fail(answer, RESOLVE_DEFER, STR("a transport table or default_transport names no transport"));
    if (answer->transport.len <= RESOLVE_TRANSPORT_MAXIMUM && answer->nexthop.len <= RESOLVE_NEXTHOP_MAXIMUM)
        return;
    log_warning("transport or next hop for %.*s is too long: %.*s:%.*s", STR_ARG(answer->recipient),
                STR_ARG(str_part(answer->transport, 0, 100)), STR_ARG(str_part(answer->nexthop, 0, 100)));
    answer->transport = STR_EMPTY;
    fail(answer, RESOLVE_DEFER, STR("a transport table names a transport or next hop that is too long"));
}

/* A command that gets "-user@example.com" could take it for an option; what is no UTF-8 can be told to nobody. */
static bool is_valid(const struct resolving *resolving, bool is_ours)
{
    if (str_starts_with(resolving->answer->recipient, STR("-")) && !resolving->resolver->shared->allow_min_user)
        return false;
    if (resolving->resolver->shared->smtputf8_enable && !domain_is_utf8(resolving->answer->recipient))
        return false;
    return is_ours || is_valid_domain(resolving->domain);
}

/* Room for "local@domain" in an answer. */
static bool is_recipient_too_long(const struct resolving *resolving)
{
    return resolving->local.len + 1 + resolving->domain.len > RESOLVE_RECIPIENT_MAXIMUM;
}

void resolver_resolve(struct resolver *resolver, struct str sender, struct str address, struct arena *arena,
                      struct resolved_address *resolved_out)
{
    struct failure why = { 0 };
    struct resolved_address answer = { .address_class = RESOLVE_DEFAULT };
    struct resolving resolving = {
        .resolver = resolver, .arena = arena, .why = &why, .sender = sender, .answer = &answer
    };
    bool is_ours;

    if (!address_split(address, &resolving.local, &resolving.domain))
        resolving.domain = (struct str){ NULL, 0 };
    is_ours = find_domain(&resolving);
    if (is_recipient_too_long(&resolving)) {
        fail(&answer, RESOLVE_ERROR, STR("address too long"));
        *resolved_out = answer;
        return;
    }
    answer.recipient = arena_printf(arena, "%.*s@%.*s", STR_ARG(resolving.local), STR_ARG(resolving.domain));
    answer.is_routed = str_find_any(resolving.local, "@%!") != STR_NOT_FOUND;
    if (!resolving.is_deferred && !is_valid(&resolving, is_ours)) {
        fail(&answer, RESOLVE_ERROR, STR("bad address syntax"));
        *resolved_out = answer;
        return;
    }
    resolving.hop = domain_is_literal(resolving.domain, NULL) ? resolving.domain : arena_lower(arena, resolving.domain);
    answer.address_class = is_ours ? local_class(&resolving) : class_of(&resolving);
    choose_by_class(&resolving);
    apply_transport_maps(&resolving);
    apply_relocated_maps(&resolving);
    check_answer(&resolving);
    if (resolving.is_deferred)
        fail(&answer, RESOLVE_DEFER, arena_str(arena, str_from_c(why.text)));
    *resolved_out = answer;
}
