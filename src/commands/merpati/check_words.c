/* SPDX-License-Identifier: Apache-2.0 */
#include "log/log.h"
#include "merpati/check.h"
#include "tls/library.h"

static const char *const keywords[] = {
    "8bitmime",       "auth",          "binarymime",
    "burl",           "chunking",      "delivery-by",
    "deliverby",      "dsn",           "enhancedstatuscodes",
    "etrn",           "futurerelease", "mt-priority",
    "mtrk",           "pipelining",    "requiretls",
    "silent-discard", "size",          "smtputf8",
    "starttls",       "vrfy",          "xclient",
    "xdelay",         "xforward",      "xverp",
};

static bool is_keyword(struct str word)
{
    for (size_t i = 0; i < ARRAY_COUNT(keywords); i++) {
        if (str_equal_nocase(word, str_from_c(keywords[i])))
            return true;
    }
    return false;
}

static bool is_grade(struct str word, struct arena *arena)
{
    const struct tls_settings none = { 0 };
    struct str ignored;

    return tls_ciphers_of_grade(&none, word, NULL, 0, arena, &ignored);
}

/* Of the list, what nobody acts on. */
static void check_keywords(const char *place, struct str name, struct str list)
{
    struct str word;

    while (str_next_word(&list, ", \t\r\n", &word)) {
        if (!is_keyword(word))
            log_warning("%s: %.*s: %.*s is no EHLO keyword: nothing is left out for it", place, STR_ARG(name),
                        STR_ARG(word));
    }
}

static void check_value(const char *place, struct str name, struct str value, struct arena *arena)
{
    struct tls_protocols ignored;

    if ((str_ends_with(name, STR("_tls_protocols")) || str_ends_with(name, STR("_tls_mandatory_protocols"))) &&
        !tls_protocols_parse(value, &ignored))
        log_warning("%s: %.*s = %.*s: not all of it is a protocol: write SSLv3, TLSv1, TLSv1.1, TLSv1.2 and TLSv1.3 "
                    "with \"!\", "
                    "\">=\" or \"<=\" in front; TLS cannot be used until this is put right",
                    place, STR_ARG(name), STR_ARG(value));
    if ((str_ends_with(name, STR("_tls_ciphers")) || str_ends_with(name, STR("_tls_mandatory_ciphers"))) &&
        !is_grade(value, arena))
        log_warning(
            "%s: %.*s = %.*s: there is no such grade of ciphers: high, medium, low, export and null are; there is no "
            "TLS until this is put right",
            place, STR_ARG(name), STR_ARG(value));
    if (str_ends_with(name, STR("_discard_ehlo_keywords")) || str_ends_with(name, STR("_discard_lhlo_keywords")))
        check_keywords(place, name, value);
}

/* "-o name=value" has its names replaced as a value of main.cf has. */
static void check_option(const struct instance *instance, const struct master_service *service, struct str option)
{
    const char *place = arena_printf(instance->arena, "%.*s, line %u", STR_ARG(service->file), service->line).data;
    struct str name, raw, value;
    struct failure ignored;

    if (main_cf_split_assignment(option, &name, &raw) &&
        main_cf_expand(instance->main_cf, raw, instance->arena, &value, &ignored))
        check_value(place, name, str_trim(value), instance->arena);
}

void check_words(const struct instance *instance, const struct master_cf *file)
{
    struct failure ignored;
    struct str value;

    for (size_t i = 0; i < main_cf_count(instance->main_cf); i++) {
        const struct main_cf_entry *entry = main_cf_at(instance->main_cf, i);
        const char *place =
            arena_printf(instance->arena, "%.*s, line %u", STR_ARG(entry->place.file), entry->place.line).data;

        if (main_cf_value(instance->main_cf, entry->name, instance->arena, &value, &ignored))
            check_value(place, entry->name, str_trim(value), instance->arena);
    }
    for (size_t i = 0; i < file->count; i++) {
        struct strlist options = master_service_overrides(&file->services[i], instance->arena);

        for (size_t j = 0; j < options.count; j++)
            check_option(instance, &file->services[i], options.items[j]);
    }
}
