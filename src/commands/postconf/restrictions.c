/* SPDX-License-Identifier: Apache-2.0 */
#include "postconf/restrictions.h"

#include "config/policy_service.h"
#include "config/restriction_names.h"
#include "dns/dnsbl_filter.h"
#include "log/log.h"
#include "postconf/advice.h"
#include "table/table.h"
#include "table/table_list.h"

static const char separators[] = ", \t\r\n";

/* One list, and who said it. */
struct judge {
    struct str place;
    struct str parameter;
    struct str classes;
    struct table_set *set;
    struct arena *arena;
};

static void tell(const struct judge *judge, struct str what)
{
    log_warning("%.*s %.*s: %.*s: mail that comes to it is deferred", STR_ARG(judge->place), STR_ARG(judge->parameter),
                STR_ARG(what));
}

static bool is_class(struct str word, struct str classes)
{
    struct str name;

    while (table_list_next_word(&classes, separators, &name))
        if (str_equal_nocase(word, name))
            return true;
    return false;
}

/* "{ type:name, type:name }" or "type:name". */
static struct str without_braces(struct str word)
{
    if (word.len >= 2 && word.data[0] == '{' && word.data[word.len - 1] == '}')
        return str_trim(str_part(word, 1, word.len - 2));
    return word;
}

static void judge_tables(const struct judge *judge, struct str text)
{
    struct str rest = without_braces(text);
    struct table *table;
    struct failure why;
    struct str word;

    while (table_list_next_word(&rest, separators, &word))
        if (!table_open(judge->set, word, TABLE_FOLD | TABLE_NO_PROXY, &table, &why))
            tell(judge, arena_printf(judge->arena, "%.*s: %s", STR_ARG(word), why.text));
}

/* "dnsbl.example.com=127.0.0.[2..8]" */
static void judge_domain(const struct judge *judge, struct str word, struct str argument)
{
    struct dnsbl_filter ignored;
    struct str domain = argument;
    struct str filter = STR_EMPTY;
    struct failure why;

    (void) str_cut(argument, '=', &domain, &filter);
    if (str_is_empty(domain) || restriction_word_find(domain) != RESTRICTION_WORDS)
        log_warning("%.*s %.*s: restriction %.*s requires domain name argument, which \"%.*s\" is not",
                    STR_ARG(judge->place), STR_ARG(judge->parameter), STR_ARG(word), STR_ARG(argument));
    else if (!str_is_empty(filter) && !dnsbl_filter_parse(filter, &ignored, &why))
        tell(judge, arena_printf(judge->arena, "%.*s %.*s: %s", STR_ARG(word), STR_ARG(domain), why.text));
}

static void judge_service(const struct judge *judge, struct str word, struct str argument)
{
    static const struct policy_settings defaults;
    struct policy_service ignored;
    struct failure why;

    if (!policy_service_parse(argument, &defaults, judge->arena, &ignored, &why))
        tell(judge, arena_printf(judge->arena, "%.*s: %s", STR_ARG(word), why.text));
}

static void judge_number(const struct judge *judge, struct str word, struct str argument)
{
    uint64_t number;

    if (!str_to_uint64(argument, &number) || number > INT32_MAX)
        tell(judge,
             arena_printf(judge->arena, "restriction %.*s must be followed by a number of seconds, not by \"%.*s\"",
                          STR_ARG(word), STR_ARG(argument)));
}

static void judge_missing(const struct judge *judge, enum restriction_argument kind, struct str word)
{
    static const char *const wanted[] = {
        [RESTRICTION_ARGUMENT_TABLE] = "type:table",
        [RESTRICTION_ARGUMENT_NUMBER] = "a number of seconds",
        [RESTRICTION_ARGUMENT_SERVICE] = "inet:host:port or unix:path",
    };

    if (kind == RESTRICTION_ARGUMENT_DOMAIN)
        log_warning("%.*s %.*s: restriction %.*s requires domain name argument: it is passed over",
                    STR_ARG(judge->place), STR_ARG(judge->parameter), STR_ARG(word));
    else
        tell(judge, arena_printf(judge->arena, "restriction %.*s must be followed by %s", STR_ARG(word), wanted[kind]));
}

static void judge_argument(const struct judge *judge, enum restriction_argument kind, struct str word, struct str *rest)
{
    struct str argument;

    if (!table_list_next_word(rest, separators, &argument)) {
        judge_missing(judge, kind, word);
        return;
    }
    switch (kind) {
    case RESTRICTION_ARGUMENT_TABLE:
        if (str_contains_char(argument, ':'))
            judge_tables(judge, argument);
        else
            tell(judge, arena_printf(judge->arena, "restriction %.*s: bad argument \"%.*s\": need maptype:mapname",
                                     STR_ARG(word), STR_ARG(argument)));
        break;
    case RESTRICTION_ARGUMENT_DOMAIN:
        judge_domain(judge, word, without_braces(argument));
        break;
    case RESTRICTION_ARGUMENT_SERVICE:
        judge_service(judge, word, argument);
        break;
    case RESTRICTION_ARGUMENT_NUMBER:
        judge_number(judge, word, without_braces(argument));
        break;
    case RESTRICTION_ARGUMENT_NONE:
        break;
    }
}

/* warn_if_reject takes no argument: what stands behind it is judged by itself. */
static bool is_restriction(enum restriction_word word)
{
    return word != RESTRICTION_WORDS && word != RESTRICTION_CHECK_ADDRESS_MAP && !restriction_word_is_removed(word);
}

static void tell_unknown(const struct judge *judge, struct str word)
{
    struct str names[RESTRICTION_WORDS];
    const struct str *nearest;

    for (enum restriction_word known = 0; known < RESTRICTION_WORDS; known++)
        names[known] = restriction_word_is_removed(known) ? STR_EMPTY : restriction_word_name(known);
    nearest = advice_nearest(word, names, RESTRICTION_WORDS);
    if (nearest == NULL)
        tell(judge, arena_printf(judge->arena, "this version has no restriction %.*s", STR_ARG(word)));
    else
        tell(judge, arena_printf(judge->arena, "this version has no restriction %.*s: is %.*s meant?", STR_ARG(word),
                                 STR_ARG(*nearest)));
}

static void judge_list(const struct judge *judge, struct str value)
{
    struct str rest = value;
    struct str word;

    while (table_list_next_word(&rest, separators, &word)) {
        const enum restriction_word known = restriction_word_find(word);

        if (is_restriction(known)) {
            if (restriction_word_argument(known) != RESTRICTION_ARGUMENT_NONE)
                judge_argument(judge, restriction_word_argument(known), word, &rest);
        } else if (known == RESTRICTION_WORDS && is_class(word, judge->classes)) {
            continue;
        } else if (known == RESTRICTION_WORDS && str_contains_char(word, ':')) {
            judge_tables(judge, word);
        } else {
            tell_unknown(judge, word);
        }
    }
}

static bool is_list(struct str name, struct str classes)
{
    return (str_starts_with(name, STR("smtpd_")) && str_ends_with(name, STR("_restrictions"))) ||
           is_class(name, classes);
}

void restrictions_check(struct main_cf *cf, struct str name, struct str place, struct table_set *set,
                        struct arena *arena)
{
    struct judge judge = { .place = place, .parameter = name, .set = set, .arena = arena };
    struct failure why;
    struct str value;

    if (main_cf_value(cf, STR("smtpd_restriction_classes"), arena, &judge.classes, &why) &&
        is_list(name, judge.classes) && main_cf_value(cf, name, arena, &value, &why))
        judge_list(&judge, value);
}

/* A class may; that it does is for smtpd to find. */
static bool may_stop_relaying(struct main_cf *cf, struct str name, struct arena *arena)
{
    struct str rest;
    struct str classes;
    struct str word;
    struct failure why;
    bool only_warns = false;

    if (!main_cf_value(cf, name, arena, &rest, &why) ||
        !main_cf_value(cf, STR("smtpd_restriction_classes"), arena, &classes, &why))
        return true;
    while (table_list_next_word(&rest, separators, &word)) {
        const enum restriction_word known = restriction_word_find(word);

        if (!only_warns && (restriction_word_stops_relaying(known) || is_class(word, classes)))
            return true;
        only_warns = known == RESTRICTION_WARN_IF_REJECT;
    }
    return false;
}

void restrictions_check_relaying(struct main_cf *cf, struct arena *arena)
{
    if (!may_stop_relaying(cf, STR("smtpd_relay_restrictions"), arena) &&
        !may_stop_relaying(cf, STR("smtpd_recipient_restrictions"), arena))
        log_warning("%s/main.cf: neither smtpd_relay_restrictions nor smtpd_recipient_restrictions has one of "
                    "reject_unauth_destination, defer_unauth_destination, reject, defer, defer_if_permit: "
                    "every recipient is deferred until one has",
                    arena_c(arena, main_cf_directory(cf)));
}
