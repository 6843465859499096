/* SPDX-License-Identifier: Apache-2.0 */
#include "postconf/advice.h"

#include "config/restriction_names.h"
#include "log/log.h"
#include "os/file.h"
#include "table/match_list.h"
#include "table/table_list.h"

enum { NAME_MAX_LENGTH = 100 };

/* ---- names ---- */

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Letters that are more, less, other, or swapped with their neighbour (optimal string alignment). */
static unsigned distance(struct str a, struct str b)
{
    unsigned rows[3][NAME_MAX_LENGTH + 1];
    unsigned *before = rows[0], *last = rows[1], *now = rows[2];

    for (unsigned j = 0; j <= b.len; j++)
        last[j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned *unused = before;

        now[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            const bool is_same = a.data[i - 1] == b.data[j - 1];

            now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + (is_same ? 0 : 1));
            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] && a.data[i - 2] == b.data[j - 1])
                now[j] = least(now[j], before[j - 2] + 1);
        }
        before = last;
        last = now;
        now = unused;
    }
    return last[b.len];
}

const struct str *advice_nearest(struct str name, const struct str *names, size_t count)
{
    /* The longer the name, the more slips leave no doubt. */
    unsigned best = name.len < 5 ? 2 : name.len < 16 ? 3 : 4;
    const struct str *nearest = NULL;

    if (name.len > NAME_MAX_LENGTH)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        const size_t difference = names[i].len > name.len ? names[i].len - name.len : name.len - names[i].len;
        unsigned found;

        if (names[i].len > NAME_MAX_LENGTH || difference >= best)
            continue;
        found = distance(name, names[i]);
        if (found < best) {
            best = found;
            nearest = &names[i];
        }
    }
    return nearest;
}

static struct strlist known_names(const struct parameters *parameters, struct arena *arena)
{
    struct strlist names = { 0 };

    for (size_t i = 0; i < parameters->count; i++)
        if (parameters->items[i].kind != PARAMETER_USER)
            strlist_add_view(&names, arena, parameters->items[i].name);
    return names;
}

static void advise(const struct parameters *parameters, const struct strlist *names, struct str place, struct str name)
{
    const struct str *nearest;
    struct str transport;

    if (parameters_find(parameters, name) != NULL)
        return;
    if (parameter_transport(name, &transport)) {
        log_warning("%.*s: %.*s: there is no service %.*s in master.cf that it could be for", STR_ARG(place),
                    STR_ARG(name), STR_ARG(transport));
        return;
    }
    nearest = advice_nearest(name, names->items, names->count);
    if (nearest != NULL)
        log_warning("%.*s: there is no parameter %.*s: is %.*s meant?", STR_ARG(place), STR_ARG(name),
                    STR_ARG(*nearest));
}

static void advise_on_options(const struct parameters *parameters, const struct strlist *names,
                              const struct service_entry *entry, struct arena *arena)
{
    const struct str place =
        arena_printf(arena, "%.*s: service %.*s/%.*s", STR_ARG(entry->file), STR_ARG(entry->fields[MASTER_FIELD_NAME]),
                     STR_ARG(entry->fields[MASTER_FIELD_TYPE]));
    struct str name;
    struct str value;

    for (size_t i = 0; i + 1 < entry->option_count; i++)
        if (str_equal(entry->arguments.items[i], STR("-o")) &&
            str_cut(entry->arguments.items[i + 1], '=', &name, &value))
            advise(parameters, names, place, str_trim(name));
}

void advice_on_names(const struct main_cf *cf, const struct parameters *parameters, const struct services *services,
                     struct arena *arena)
{
    const struct strlist names = known_names(parameters, arena);

    for (size_t i = 0; i < main_cf_count(cf); i++) {
        const struct main_cf_entry *entry = main_cf_at(cf, i);

        advise(parameters, &names, arena_printf(arena, "%.*s, line %u", STR_ARG(entry->place.file), entry->place.line),
               entry->name);
    }
    for (size_t i = 0; services != NULL && i < services->count; i++)
        advise_on_options(parameters, &names, &services->items[i], arena);
}

/* ---- who may relay ---- */

static bool has_each(struct match_list *list, const char *const *addresses, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (match_list_has_host(list, STR("unknown"), str_from_c(addresses[i]), NULL) != TABLE_FOUND)
            return false;
    }
    return true;
}

/* Domains that nobody's list has all of: those of documents (RFC 2606). */
static bool is_every_domain(struct main_cf *cf, struct str domains)
{
    static const char *const names[] = { "example.com", "relay.example.net", "one.test" };
    const struct table_set_options options = { .cf = cf };
    struct table_set *set = table_set_create(&options);
    struct match_list *list = match_list_open(set, STR("relay_domains"), domains, MATCH_DOMAINS, false);
    bool has_all = true;

    for (size_t i = 0; has_all && i < ARRAY_COUNT(names); i++)
        has_all = match_list_has(list, str_from_c(names[i]), NULL) == TABLE_FOUND;
    table_set_destroy(&set);
    return has_all;
}

/* Addresses that nobody's own networks have all of: those of documents (RFC 5737, 3849 and 9637). */
static bool is_everybody(struct main_cf *cf, struct str networks)
{
    static const char *const v4[] = { "192.0.2.1", "198.51.100.1", "203.0.113.1" };
    static const char *const v6[] = { "2001:db8::1", "3fff::1" };
    const struct table_set_options options = { .cf = cf };
    struct table_set *set = table_set_create(&options);
    struct match_list *list = match_list_open(set, STR("mynetworks"), networks, MATCH_HOSTS, false);
    bool has_all = has_each(list, v4, ARRAY_COUNT(v4)) || has_each(list, v6, ARRAY_COUNT(v6));

    table_set_destroy(&set);
    return has_all;
}

/* How a list that strangers come to goes on with them. */
struct passage {
    bool lets_all_pass; /* nothing refuses them, or "permit" comes first */
    bool has_stop;      /* anywhere: smtpd works with the list */
};

static struct passage passage_of(struct main_cf *cf, struct str name, struct arena *arena)
{
    struct passage passage = { .lets_all_pass = true };
    bool is_decided = false;
    struct str rest;
    struct str word;

    if (!main_cf_value(cf, name, arena, &rest, NULL))
        return passage;
    while (table_list_next_word(&rest, ", \t\r\n", &word)) {
        const enum restriction_word known = restriction_word_find(word);
        const bool is_stop = restriction_word_stops_relaying(known);

        passage.has_stop = passage.has_stop || is_stop;
        if (!is_decided && is_stop)
            passage.lets_all_pass = false;
        is_decided = is_decided || is_stop || known == RESTRICTION_PERMIT;
    }
    return passage;
}

/* NULL: not set, or not where this is about. */
static const struct main_cf_entry *entry_at(const struct main_cf *cf, const char *name, struct str service)
{
    const struct main_cf_entry *entry = main_cf_find(cf, str_from_c(name));

    return entry != NULL && (entry->place.line > 0) == (service.len == 0) ? entry : NULL;
}

static struct str where(const struct main_cf_entry *entry, struct str service, struct arena *arena)
{
    return service.len > 0 ? arena_printf(arena, "%.*s: -o", STR_ARG(service))
                           : arena_printf(arena, "%.*s, line %u:", STR_ARG(entry->place.file), entry->place.line);
}

static void advise_on_lists(struct main_cf *cf, struct str service, struct arena *arena)
{
    const struct main_cf_entry *networks = entry_at(cf, "mynetworks", service);
    const struct main_cf_entry *domains = entry_at(cf, "relay_domains", service);
    struct str value;

    if (networks != NULL && main_cf_value(cf, networks->name, arena, &value, NULL) && is_everybody(cf, value))
        log_warning("%.*s mynetworks has the whole Internet: everybody may send mail to anybody through this machine: "
                    "list your own networks only",
                    STR_ARG(where(networks, service, arena)));
    if (domains != NULL && main_cf_value(cf, domains->name, arena, &value, NULL) && is_every_domain(cf, value))
        log_warning(
            "%.*s relay_domains has every domain: everybody may send mail to anybody through this machine: list "
            "the domains that this host takes mail for",
            STR_ARG(where(domains, service, arena)));
}

void advice_on_relaying(struct main_cf *cf, struct str service, struct arena *arena)
{
    struct passage relaying = passage_of(cf, STR("smtpd_relay_restrictions"), arena);
    struct passage receiving = passage_of(cf, STR("smtpd_recipient_restrictions"), arena);
    struct str place = service.len > 0 ? service : arena_printf(arena, "%.*s/main.cf", STR_ARG(main_cf_directory(cf)));

    advise_on_lists(cf, service, arena);
    if ((service.len == 0 || entry_at(cf, "smtpd_relay_restrictions", service) != NULL ||
         entry_at(cf, "smtpd_recipient_restrictions", service) != NULL) &&
        relaying.lets_all_pass && receiving.lets_all_pass && (relaying.has_stop || receiving.has_stop))
        log_warning("%.*s: in smtpd_relay_restrictions and smtpd_recipient_restrictions \"permit\" comes before "
                    "all that refuses strangers: everybody may send mail to anybody through this machine: write "
                    "reject_unauth_destination before it",
                    STR_ARG(place));
}

/* ---- indexes ---- */

static bool changed_at(struct str path, struct timespec *time_out)
{
    struct stat status;

    if (!file_stat(path.data, &status, NULL))
        return false;
    *time_out = status.st_mtim;
    return true;
}

void advice_on_index(struct str table, struct str parameter, struct str place, bool tells_missing, struct arena *arena)
{
    static const struct {
        const char *type;
        const char *suffix;
    } rows[] = { { "hash", ".db" }, { "btree", ".db" }, { "lmdb", ".lmdb" }, { "cdb", ".cdb" }, { "dbm", ".pag" } };
    const bool are_aliases = str_starts_with(parameter, STR("alias_"));
    struct timespec source, index;
    struct str type;
    struct str path;

    while (str_starts_with(table, STR("proxy:")) || str_starts_with(table, STR("debug:")))
        table = str_from(table, strlen("proxy:"));
    if (!str_cut(table, ':', &type, &path) || !str_starts_with(path, STR("/")))
        return;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (!str_equal(type, str_from_c(rows[i].type)) || !changed_at(arena_str(arena, path), &source))
            continue;
        const bool is_there = changed_at(arena_printf(arena, "%.*s%s", STR_ARG(path), rows[i].suffix), &index);

        if (!is_there && tells_missing)
            log_warning("%.*s %.*s: there is no %.*s%s: run %s %.*s", STR_ARG(place), STR_ARG(parameter), STR_ARG(path),
                        rows[i].suffix, are_aliases ? "postalias" : "postmap", STR_ARG(table));
        if (!is_there)
            continue;
        if (source.tv_sec > index.tv_sec || (source.tv_sec == index.tv_sec && source.tv_nsec > index.tv_nsec))
            log_warning("%.*s %.*s: %.*s%s is older than %.*s: what was changed there is not in force: run %s %.*s",
                        STR_ARG(place), STR_ARG(parameter), STR_ARG(path), rows[i].suffix, STR_ARG(path),
                        are_aliases ? "postalias" : "postmap", STR_ARG(table));
    }
}
