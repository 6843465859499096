/* SPDX-License-Identifier: Apache-2.0 */
#include "postconf/lists.h"

#include "config/server_place.h"
#include "log/log.h"
#include "postconf/services.h"
#include "table/match_list.h"
#include "table/table_list.h"

static const char separators[] = ", \t\r\n";

static const struct list_row {
    const char *name;
    enum match_kind kind;
    bool stops_all; /* every client is answered 451 while it cannot be read */
} rows[] = {
    { "mynetworks", MATCH_HOSTS, true },
    { "smtpd_forbid_bare_newline_exclusions", MATCH_HOSTS, true },
    { "authorized_flush_users", MATCH_STRINGS, false },
    { "authorized_mailq_users", MATCH_STRINGS, false },
    { "authorized_submit_users", MATCH_STRINGS, false },
    { "authorized_verp_clients", MATCH_HOSTS, false },
    { "debug_peer_list", MATCH_HOSTS, false },
    { "fast_flush_domains", MATCH_DOMAINS, false },
    { "masquerade_exceptions", MATCH_STRINGS, false },
    { "mydestination", MATCH_STRINGS, false },
    { "permit_mx_backup_networks", MATCH_HOSTS, false },
    { "relay_domains", MATCH_DOMAINS, false },
    { "smtpd_authorized_verp_clients", MATCH_HOSTS, false },
    { "smtpd_authorized_xclient_hosts", MATCH_HOSTS, false },
    { "smtpd_authorized_xforward_hosts", MATCH_HOSTS, false },
    { "smtpd_client_connection_limit_exceptions", MATCH_HOSTS, false },
    { "smtpd_client_event_limit_exceptions", MATCH_HOSTS, false },
    { "smtpd_forbidden_commands", MATCH_STRINGS, false },
    { "smtpd_log_access_permit_actions", MATCH_STRINGS, false },
    { "smtpd_noop_commands", MATCH_STRINGS, false },
    { "smtpd_upstream_proxy_networks", MATCH_HOSTS, false },
    { "virtual_alias_domains", MATCH_STRINGS, false },
    { "virtual_mailbox_domains", MATCH_STRINGS, false },
};

struct complaint {
    struct str service; /* of master.cf; empty: main.cf itself */
    const struct main_cf_entry *entry;
    bool stops_all;
    bool is_error;
};

static struct str place_of(const struct complaint *complaint, struct arena *arena)
{
    const struct main_cf_entry *entry = complaint->entry;

    if (entry->place.line == 0)
        return arena_printf(arena, "%.*s: -o", STR_ARG(complaint->service));
    return arena_printf(arena, "%.*s, line %u:", STR_ARG(entry->place.file), entry->place.line);
}

/* What begins with the parameter's name is of the list itself; a table that is not there now may be there soon. */
static void complain(void *context, const char *text)
{
    struct complaint *complaint = context;
    struct arena *arena = arena_create();
    const struct str place = place_of(complaint, arena);
    const struct str name = complaint->entry->name;
    const bool is_lists = str_starts_with(str_from_c(text), name);

    if (complaint->stops_all && is_lists) {
        log_error("%.*s %s", STR_ARG(place), text);
        complaint->is_error = true;
    } else if (is_lists) {
        log_warning("%.*s %s: what asks it waits until this is put right", STR_ARG(place), text);
    } else {
        log_warning("%.*s %.*s: %s: what asks it waits until this is put right", STR_ARG(place), STR_ARG(name), text);
    }
    arena_destroy(&arena);
}

static bool look_at_list(const struct main_cf *cf, const struct list_row *row, struct complaint *complaint,
                         struct arena *arena)
{
    const struct table_set_options options = { .cf = cf, .warn = complain, .warn_context = complaint };
    struct table_set *set;
    struct failure why;
    struct str value;

    if (!main_cf_value(cf, str_from_c(row->name), arena, &value, &why))
        return true;
    set = table_set_create(&options);
    (void) match_list_open(set, str_from_c(row->name), value, row->kind, false);
    table_set_destroy(&set);
    return !complaint->is_error;
}

/* Where smtpd's filter listens: without it smtpd does not run. */
static bool look_at_filter(const struct main_cf *cf, struct str service, struct arena *arena)
{
    const struct str name = STR("smtpd_proxy_filter");
    const struct complaint complaint = { .service = service, .entry = main_cf_find(cf, name) };
    struct server_place ignored;
    struct failure why;
    struct str value, place;

    if (complaint.entry == NULL || str_is_empty(service) != (complaint.entry->place.line > 0) ||
        !main_cf_value(cf, name, arena, &value, &why) || str_is_empty(value) ||
        server_place_parse(value, &ignored, &why))
        return true;
    place = place_of(&complaint, arena);
    log_error("%.*s %.*s: %s", STR_ARG(place), STR_ARG(name), why.text);
    return false;
}

bool lists_check(struct main_cf *cf, struct str service, struct arena *arena)
{
    bool is_good = look_at_filter(cf, service, arena);

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct complaint complaint = { .service = service,
                                       .entry = main_cf_find(cf, str_from_c(rows[i].name)),
                                       .stops_all = rows[i].stops_all };

        if (complaint.entry != NULL && str_is_empty(service) == (complaint.entry->place.line > 0))
            is_good = look_at_list(cf, &rows[i], &complaint, arena) && is_good;
    }
    return is_good;
}

/* ---- address classes ---- */

/* A class's domains as main.cf names them, and as they can be asked for without waiting for a server. */
struct address_class {
    const char *parameter;
    struct str value;
    struct match_list *list;
};

static bool is_servers(struct table_set *set, struct str word)
{
    return str_find(word, STR("proxy:")) != STR_NOT_FOUND || table_is_remote(set, word);
}

static void open_class(const struct main_cf *cf, struct table_set *set, struct arena *arena,
                       struct address_class *class)
{
    struct str near = STR_EMPTY;
    struct str rest;
    struct str word;
    struct failure why;

    if (!main_cf_value(cf, str_from_c(class->parameter), arena, &class->value, &why))
        class->value = STR_EMPTY;
    rest = class->value;
    while (table_list_next_word(&rest, separators, &word))
        if (!is_servers(set, word))
            near = arena_printf(arena, "%.*s %.*s", STR_ARG(near), STR_ARG(word));
    class->list = match_list_open(set, str_from_c(class->parameter), near, MATCH_STRINGS, false);
}

static bool is_domain(struct str word)
{
    return !str_contains_char(word, ':') && !str_contains_char(word, '/') && !str_starts_with(word, STR("!"));
}

/* The words that trivial-rewrite has for it, once a message comes. */
static void tell_shared(const struct address_class *first, const struct address_class *second, struct str domain)
{
    struct failure ignored;

    if (match_list_has(first->list, domain, &ignored) == TABLE_FOUND &&
        match_list_has(second->list, domain, &ignored) == TABLE_FOUND)
        log_warning("do not list domain %.*s in BOTH %s and %s", STR_ARG(domain), first->parameter, second->parameter);
}

static void add_domains(struct strlist *domains, struct str value, struct arena *arena)
{
    struct str word;

    while (table_list_next_word(&value, separators, &word))
        if (is_domain(word) && !strlist_contains_nocase(domains, word))
            strlist_add(domains, arena, word);
}

static void compare(const struct address_class *first, const struct address_class *second, struct arena *arena)
{
    struct strlist domains = { 0 };

    add_domains(&domains, first->value, arena);
    add_domains(&domains, second->value, arena);
    for (size_t i = 0; i < domains.count; i++)
        tell_shared(first, second, domains.items[i]);
}

static void look_at_classes(const struct main_cf *cf, struct arena *arena)
{
    const struct table_set_options options = { .cf = cf };
    struct table_set *set = table_set_create(&options);
    struct address_class local = { .parameter = "mydestination" };
    struct address_class aliases = { .parameter = "virtual_alias_domains" };
    struct address_class mailboxes = { .parameter = "virtual_mailbox_domains" };

    open_class(cf, set, arena, &local);
    open_class(cf, set, arena, &aliases);
    open_class(cf, set, arena, &mailboxes);
    compare(&local, &aliases, arena);
    compare(&local, &mailboxes, arena);
    compare(&aliases, &mailboxes, arena);
    table_set_destroy(&set);
}

/* ---- virtual mailboxes ---- */

static bool has_no_base(const struct main_cf *cf, const struct service_entry *service, struct arena *arena)
{
    const struct str name = STR("virtual_mailbox_base");
    struct failure why;
    struct str base;

    return service_option(service, name, &base) ? str_is_empty(base)
                                                : main_cf_value(cf, name, arena, &base, &why) && str_is_empty(base);
}

/* The agent virtual, if it is the one that virtual_transport names, has nowhere to put what comes. */
static void look_at_mailboxes(const struct main_cf *cf, const struct services *services, struct arena *arena)
{
    struct str transport;
    struct str domains;
    struct failure why;

    if (!main_cf_value(cf, STR("virtual_mailbox_domains"), arena, &domains, &why) || str_is_empty(str_trim(domains)) ||
        !main_cf_value(cf, STR("virtual_transport"), arena, &transport, &why))
        return;
    (void) str_cut(transport, ':', &transport, &domains);
    for (size_t i = 0; services != NULL && i < services->count; i++) {
        const struct service_entry *service = &services->items[i];

        if (str_equal(service->fields[MASTER_FIELD_NAME], str_trim(transport)) &&
            str_equal(service->fields[MASTER_FIELD_COMMAND], STR("virtual")) && has_no_base(cf, service, arena))
            log_warning("%.*s/main.cf: virtual_mailbox_base is empty: mail to virtual_mailbox_domains waits until it "
                        "names a directory",
                        STR_ARG(main_cf_directory(cf)));
    }
}

void lists_check_domains(struct main_cf *cf, const struct services *services, struct arena *arena)
{
    look_at_classes(cf, arena);
    look_at_mailboxes(cf, services, arena);
}
