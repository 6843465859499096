/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/ldap_settings.h"

#include "base/memory.h"
#include "base/str.h"

#include <ldap.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Text settings, with a default. */
static const char *text_of(const struct merpati_driver_settings *settings, const char *name, const char *fallback)
{
    const char *text = settings->get(settings, name);

    return text == NULL || text[0] == '\0' ? fallback : text;
}

static bool read_number(const struct merpati_driver_settings *settings, const char *name, int fallback, int least,
                        int *number_out, struct merpati_table_text why)
{
    const char *text = text_of(settings, name, NULL);
    uint64_t number;

    *number_out = fallback;
    if (text == NULL)
        return true;
    if (!str_to_uint64(str_from_c(text), &number) || number > INT_MAX || (int) number < least) {
        snprintf(why.data, why.size, "%s = %s: expected a number from %d on", name, text, least);
        return false;
    }
    *number_out = (int) number;
    return true;
}

static bool read_choice(const struct merpati_driver_settings *settings, const char *name, bool *choice_out,
                        struct merpati_table_text why)
{
    const char *text = text_of(settings, name, "no");

    *choice_out = strcasecmp(text, "yes") == 0 || strcmp(text, "1") == 0;
    if (*choice_out || strcasecmp(text, "no") == 0 || strcmp(text, "0") == 0)
        return true;
    snprintf(why.data, why.size, "%s = %s: expected yes or no", name, text);
    return false;
}

struct word {
    const char *name;
    int value;
};

static bool read_word(const struct merpati_driver_settings *settings, const char *name, const char *fallback,
                      const struct word *words, int *value_out, struct merpati_table_text why)
{
    const char *text = text_of(settings, name, fallback);

    for (; words->name != NULL; words++) {
        if (strcasecmp(text, words->name) == 0) {
            *value_out = words->value;
            return true;
        }
    }
    snprintf(why.data, why.size, "%s = %s: there is no such value", name, text);
    return false;
}

static struct ldap_names read_names(const char *text)
{
    struct str rest = str_from_c(text);
    struct ldap_names names = { .items = memory_alloc_array(rest.len / 2 + 2, sizeof(*names.items)) };
    struct str word;

    while (str_next_word(&rest, ", \t\r\n", &word)) {
        char *name = memory_alloc(word.len + 1);

        memcpy(name, word.data, word.len);
        names.items[names.count++] = name;
    }
    return names;
}

static void names_free(struct ldap_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        memory_free(names->items[i]);
    memory_free(names->items);
}

static void collect(struct ldap_table *table)
{
    const struct ldap_names *lists[] = { &table->ordinary, &table->special, &table->terminal, &table->leaf };
    size_t count = 0;

    table->all =
        memory_alloc_array(table->ordinary.count + table->special.count + table->terminal.count + table->leaf.count + 1,
                           sizeof(*table->all));
    for (size_t i = 0; i < 4; i++) {
        for (size_t k = 0; k < lists[i]->count; k++)
            table->all[count++] = lists[i]->items[k];
    }
}

static void read_attributes(struct ldap_table *table, const struct merpati_driver_settings *settings)
{
    const char *ordinary = settings->get(settings, "result_attribute");

    /* Empty is not the same as not given. */
    table->ordinary = read_names(ordinary == NULL ? "maildrop" : ordinary);
    table->special = read_names(text_of(settings, "special_result_attribute", ""));
    table->terminal = read_names(text_of(settings, "terminal_result_attribute", ""));
    table->leaf = read_names(text_of(settings, "leaf_result_attribute", ""));
    collect(table);
}

static bool read_search(struct ldap_table *table, const struct merpati_driver_settings *settings,
                        struct merpati_table_text why)
{
    static const struct word scopes[] = {
        { "sub", LDAP_SCOPE_SUBTREE }, { "base", LDAP_SCOPE_BASE }, { "one", LDAP_SCOPE_ONELEVEL }, { NULL, 0 }
    };
    int expansion_limit;
    int recursion_limit;
    const char *base = text_of(settings, "search_base", "");

    table->has_fixed_base = strchr(base, '%') == NULL;
    if (!read_word(settings, "scope", "sub", scopes, &table->scope, why) ||
        !read_number(settings, "server_port", LDAP_PORT, 1, &table->port, why) ||
        !read_number(settings, "timeout", 10, 1, &table->timeout_seconds, why) ||
        !read_number(settings, "version", LDAP_VERSION3, LDAP_VERSION2, &table->version, why) ||
        !read_number(settings, "dereference", LDAP_DEREF_NEVER, LDAP_DEREF_NEVER, &table->dereference, why) ||
        !read_number(settings, "debuglevel", 0, 0, &table->debug_level, why) ||
        !read_number(settings, "recursion_limit", 1000, 1, &recursion_limit, why) ||
        !read_number(settings, "expansion_limit", 0, 0, &expansion_limit, why) ||
        !read_number(settings, "size_limit", expansion_limit, 0, &table->size_limit, why) ||
        !read_choice(settings, "chase_referrals", &table->chases_referrals, why))
        return false;
    table->recursion_limit = (unsigned) recursion_limit;
    if (table->dereference > LDAP_DEREF_ALWAYS || table->version > LDAP_VERSION3) {
        snprintf(why.data, why.size, "dereference is at most %d, version %d", LDAP_DEREF_ALWAYS, LDAP_VERSION3);
        return false;
    }
    return true;
}

static bool read_login(struct ldap_table *table, const struct merpati_driver_settings *settings,
                       struct merpati_table_text why)
{
    static const struct word binds[] = { { "yes", LDAP_BIND_SIMPLE }, { "simple", LDAP_BIND_SIMPLE },
                                         { "no", LDAP_BIND_NONE },    { "none", LDAP_BIND_NONE },
                                         { "sasl", LDAP_BIND_SASL },  { NULL, 0 } };
    int bind;

    if (!read_word(settings, "bind", "yes", binds, &bind, why) ||
        !read_number(settings, "sasl_minssf", 0, 0, &table->sasl_minimum_strength, why))
        return false;
    table->bind = (enum ldap_bind) bind;
    table->bind_dn = text_of(settings, "bind_dn", NULL);
    table->bind_password = text_of(settings, "bind_pw", "");
    table->sasl_mechanisms = text_of(settings, "sasl_mechs", NULL);
    table->sasl_realm = text_of(settings, "sasl_realm", NULL);
    table->sasl_authorization = text_of(settings, "sasl_authz_id", NULL);
    return true;
}

static bool read_tls(struct ldap_table *table, const struct merpati_driver_settings *settings,
                     struct merpati_table_text why)
{
    table->tls_ca_directory = text_of(settings, "tls_ca_cert_dir", NULL);
    table->tls_ca_file = text_of(settings, "tls_ca_cert_file", NULL);
    table->tls_certificate = text_of(settings, "tls_cert", NULL);
    table->tls_key = text_of(settings, "tls_key", NULL);
    table->tls_ciphers = text_of(settings, "tls_cipher_suite", NULL);
    return read_choice(settings, "start_tls", &table->starts_tls, why) &&
           read_choice(settings, "tls_require_cert", &table->demands_certificate, why);
}

struct ldap_table *ldap_settings_read(const struct merpati_driver_settings *settings, struct merpati_table_text why)
{
    struct ldap_table *table = memory_alloc(sizeof(*table));

    read_attributes(table, settings);
    if (read_search(table, settings, why) && read_login(table, settings, why) && read_tls(table, settings, why))
        return table;
    ldap_settings_free(table);
    return NULL;
}

void ldap_settings_free(struct ldap_table *table)
{
    names_free(&table->ordinary);
    names_free(&table->special);
    names_free(&table->terminal);
    names_free(&table->leaf);
    memory_free(table->all);
    memory_free(table);
}

bool ldap_names_contain(const struct ldap_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        size_t len = strlen(names->items[i]);

        if (strncasecmp(names->items[i], name, len) == 0 && (name[len] == '\0' || name[len] == ';'))
            return true;
    }
    return false;
}
