/* SPDX-License-Identifier: Apache-2.0 */
#include "postconf/named.h"

#include "config/main_cf.h"
#include "config/master_cf.h"
#include "config/registry.h"
#include "log/log.h"
#include "mail/domain.h"
#include "os/user.h"
#include "postconf/services.h"

static const char *const transports[] = {
    "address_verify_default_transport",
    "address_verify_local_transport",
    "address_verify_relay_transport",
    "address_verify_virtual_transport",
    "best_mx_transport",
    "content_filter",
    "default_transport",
    "fallback_transport",
    "local_transport",
    "mailbox_transport",
    "relay_transport",
    "virtual_transport",
    NULL,
};

static const char *const next_hops[] = { "lmtp_fallback_relay", "relayhost", "smtp_fallback_relay", NULL };

static bool is_one_of(const char *const *names, struct str name)
{
    for (size_t i = 0; names[i] != NULL; i++)
        if (str_equal(name, str_from_c(names[i])))
            return true;
    return false;
}

static bool has_service(const struct services *services, struct str name)
{
    for (size_t i = 0; i < services->count; i++)
        if (str_equal(services->items[i].fields[MASTER_FIELD_NAME], name) &&
            !str_equal(services->items[i].fields[MASTER_FIELD_TYPE], STR("inet")))
            return true;
    return false;
}

static void tell(const struct main_cf_entry *entry, struct str value, const char *what)
{
    log_warning("%.*s, line %u: %.*s = %.*s: %s", STR_ARG(entry->place.file), entry->place.line, STR_ARG(entry->name),
                STR_ARG(str_part(value, 0, 100)), what);
}

static void look_at_transport(const struct services *services, const struct main_cf_entry *entry, struct str value)
{
    struct str name = value;
    struct str nexthop;

    if (services == NULL || str_is_empty(value))
        return;
    if (str_cut(value, ':', &name, &nexthop) && str_is_empty(str_trim(name)))
        tell(entry, value, "no service is named before the colon: mail that goes there waits until this is put right");
    else if (!has_service(services, str_trim(name)))
        tell(entry, value, "master.cf has no service of this name: mail that goes there waits until it has");
}

static void look_at_service(const struct services *services, const struct main_cf_entry *entry, struct str value)
{
    if (services != NULL && registry_find(entry->name) != NULL && !has_service(services, value))
        tell(entry, value, "master.cf has no service of this name: whatever needs it waits until it has");
}

static void look_at_user(const struct main_cf_entry *entry, struct str value, struct arena *arena)
{
    struct user_account account;
    struct failure why;

    if (user_by_name(arena, value, &account, &why) != USER_FOUND)
        tell(entry, value, "there is no such user: what would be done with its rights waits until there is");
    else if (account.uid == 0)
        tell(entry, value, "this user must not be root: what would be done with its rights waits until it is another");
}

/* "[host]", and behind it nothing or a port; names without brackets are for the DNS to judge. */
static bool is_next_hop(struct str word)
{
    const size_t end = str_find_char(word, ']');
    struct str host, rest;

    if (str_find(word, STR("://")) != STR_NOT_FOUND || str_starts_with(word, STR("/")))
        return false;
    if (!str_starts_with(word, STR("[")))
        return end == STR_NOT_FOUND;
    if (end == STR_NOT_FOUND || end < 2)
        return false;
    host = str_part(word, 1, end - 1);
    rest = str_from(word, end + 1);
    /* An address of version 6 has more than one colon. */
    if (!domain_is_ipv6(host) && !str_starts_with(host, STR("IPv6:")) && str_contains_char(host, ':'))
        return false;
    return rest.len == 0 || (rest.len > 1 && rest.data[0] == ':');
}

static void look_at_next_hops(const struct main_cf_entry *entry, struct str value, struct arena *arena)
{
    const struct strlist words = main_cf_words(value, arena);

    for (size_t i = 0; i < words.count; i++) {
        if (!is_next_hop(words.items[i]))
            tell(entry, words.items[i],
                 "write [host] or [host]:port: mail that goes there waits until this is put right");
    }
}

void named_check(const struct main_cf *cf, const struct services *services, struct arena *arena)
{
    for (size_t i = 0; i < main_cf_count(cf); i++) {
        const struct main_cf_entry *entry = main_cf_at(cf, i);
        struct failure why;
        struct str value;

        if (!main_cf_value(cf, entry->name, arena, &value, &why))
            continue;
        if (is_one_of(transports, entry->name))
            look_at_transport(services, entry, value);
        else if (str_ends_with(entry->name, STR("_service_name")))
            look_at_service(services, entry, value);
        else if (str_equal(entry->name, STR("default_privs")))
            look_at_user(entry, value, arena);
        else if (is_one_of(next_hops, entry->name))
            look_at_next_hops(entry, value, arena);
    }
}
