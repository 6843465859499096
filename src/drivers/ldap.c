/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ldap - tables in LDAP directories, as ldap_table(5) has them. Values of the attributes that are asked for are the
 * result; DNs and URLs in special attributes are followed, on the same connection.
 */
#include "base/memory.h"
#include "base/str.h"
#include "drivers/ldap_deadline.h"
#include "drivers/ldap_settings.h"

#include <ldap.h>
#include <sasl/sasl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const names[] = {
    "server_port",
    "timeout",
    "result_filter",
    "result_attribute",
    "special_result_attribute",
    "scope",
    "bind",
    "bind_dn",
    "bind_pw",
    "terminal_result_attribute",
    "cache",
    "cache_expiry",
    "cache_size",
    "recursion_limit",
    "leaf_result_attribute",
    "size_limit",
    "dereference",
    "chase_referrals",
    "version",
    "debuglevel",
    "sasl_mechs",
    "sasl_realm",
    "sasl_authz_id",
    "sasl_minssf",
    "start_tls",
    "tls_cert",
    "tls_key",
    "tls_ca_cert_dir",
    "tls_ca_cert_file",
    "tls_require_cert",
    "tls_random_file",
    "tls_cipher_suite",
    NULL,
};
static const char *const connection_names[] = {
    "server_port",      "timeout",  "bind",       "bind_dn",         "bind_pw",          "dereference",
    "chase_referrals",  "version",  "sasl_mechs", "sasl_realm",      "sasl_authz_id",    "sasl_minssf",
    "start_tls",        "tls_cert", "tls_key",    "tls_ca_cert_dir", "tls_ca_cert_file", "tls_require_cert",
    "tls_cipher_suite", NULL,
};

enum template_number { TEMPLATE_BASE, TEMPLATE_FILTER };

static const char *const templates[] = { "search_base", "query_filter", NULL };

enum { URI_MAX = 1024 };

static bool compose(const struct merpati_driver_settings *settings, unsigned index,
                    void (*put)(void *context, const char *text, size_t len), void *context,
                    struct merpati_table_text why)
{
    static const char filter[] = "(mailacceptinggeneralid=%s)";

    (void) settings;
    if (index == TEMPLATE_BASE) {
        snprintf(why.data, why.size, "\"search_base\" is missing: where to search, as dc=example,dc=com");
        return false;
    }
    put(context, filter, sizeof(filter) - 1);
    return true;
}

static void *open_table(const struct merpati_driver_settings *settings, struct merpati_table_text why)
{
    return ldap_settings_read(settings, why);
}

static void close_table(void *table)
{
    ldap_settings_free(table);
}

/* --- connecting --- */

struct connection {
    LDAP *ldap;
    struct ldap_deadline deadline;
};

static void disconnect(void *data)
{
    struct connection *connection = data;

    ldap_unbind_ext(connection->ldap, NULL, NULL);
    memory_free(connection);
}

static bool set_option(LDAP *ldap, int option, const char *value)
{
    return value == NULL || ldap_set_option(ldap, option, value) == LDAP_OPT_SUCCESS;
}

static bool set_tls(LDAP *ldap, const struct ldap_table *table)
{
    int demand = table->demands_certificate ? LDAP_OPT_X_TLS_DEMAND : LDAP_OPT_X_TLS_NEVER;
    int is_server = 0;

    /* What was set counts with a new context only. */
    return set_option(ldap, LDAP_OPT_X_TLS_CACERTDIR, table->tls_ca_directory) &&
           set_option(ldap, LDAP_OPT_X_TLS_CACERTFILE, table->tls_ca_file) &&
           set_option(ldap, LDAP_OPT_X_TLS_CERTFILE, table->tls_certificate) &&
           set_option(ldap, LDAP_OPT_X_TLS_KEYFILE, table->tls_key) &&
           set_option(ldap, LDAP_OPT_X_TLS_CIPHER_SUITE, table->tls_ciphers) &&
           ldap_set_option(ldap, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ldap, LDAP_OPT_X_TLS_NEWCTX, &is_server) == LDAP_OPT_SUCCESS;
}

static bool set_options(LDAP *ldap, const struct ldap_table *table, const char *uri)
{
    struct timeval timeout = { .tv_sec = table->timeout_seconds };
    bool has_tls = table->starts_tls || strncasecmp(uri, "ldaps:", 6) == 0;

    return ldap_set_option(ldap, LDAP_OPT_PROTOCOL_VERSION, &table->version) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ldap, LDAP_OPT_NETWORK_TIMEOUT, &timeout) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ldap, LDAP_OPT_TIMEOUT, &timeout) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ldap, LDAP_OPT_DEREF, &table->dereference) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ldap, LDAP_OPT_REFERRALS, table->chases_referrals ? LDAP_OPT_ON : LDAP_OPT_OFF) ==
               LDAP_OPT_SUCCESS &&
           (table->debug_level == 0 ||
            ldap_set_option(ldap, LDAP_OPT_DEBUG_LEVEL, &table->debug_level) == LDAP_OPT_SUCCESS) &&
           (!has_tls || set_tls(ldap, table));
}

/* What a SASL mechanism asks for. */
static int answer_prompts(LDAP *ldap, unsigned flags, void *context, void *prompts)
{
    const struct ldap_table *table = context;

    (void) ldap;
    (void) flags;
    for (sasl_interact_t *prompt = prompts; prompt->id != SASL_CB_LIST_END; prompt++) {
        const char *answer = prompt->defresult == NULL ? "" : prompt->defresult;

        if (prompt->id == SASL_CB_AUTHNAME && table->bind_dn != NULL)
            answer = table->bind_dn;
        else if (prompt->id == SASL_CB_PASS)
            answer = table->bind_password;
        else if (prompt->id == SASL_CB_USER && table->sasl_authorization != NULL)
            answer = table->sasl_authorization;
        else if (prompt->id == SASL_CB_GETREALM && table->sasl_realm != NULL)
            answer = table->sasl_realm;
        prompt->result = answer;
        prompt->len = (unsigned) strlen(answer);
    }
    return LDAP_SUCCESS;
}

static int bind_sasl(LDAP *ldap, const struct ldap_table *table)
{
    char strength[40];

    snprintf(strength, sizeof(strength), "minssf=%d", table->sasl_minimum_strength);
    if (table->sasl_minimum_strength > 0 &&
        ldap_set_option(ldap, LDAP_OPT_X_SASL_SECPROPS, strength) != LDAP_OPT_SUCCESS)
        return LDAP_PARAM_ERROR;
    return ldap_sasl_interactive_bind_s(ldap, NULL, table->sasl_mechanisms, NULL, NULL, LDAP_SASL_QUIET, answer_prompts,
                                        (void *) (uintptr_t) table);
}

static int bind_simple(LDAP *ldap, const struct ldap_table *table)
{
    struct berval password = { strlen(table->bind_password), (char *) (uintptr_t) table->bind_password };

    return ldap_sasl_bind_s(ldap, table->bind_dn, LDAP_SASL_SIMPLE, &password, NULL, NULL, NULL);
}

/* Whatever there is to say: a server that is not there must be found out now, while there are others to try. */
static int log_in(LDAP *ldap, const struct ldap_table *table)
{
    int result = LDAP_SUCCESS;

    if (table->starts_tls)
        result = ldap_start_tls_s(ldap, NULL, NULL);
    else if (table->bind == LDAP_BIND_NONE)
        result = ldap_connect(ldap);
    if (result != LDAP_SUCCESS || table->bind == LDAP_BIND_NONE)
        return result;
    return table->bind == LDAP_BIND_SASL ? bind_sasl(ldap, table) : bind_simple(ldap, table);
}

/* "ldaps://host", "host:port", "host", "[2001:db8::1]:port". */
static void make_uri(const struct ldap_table *table, const char *host, char uri[URI_MAX])
{
    const char *end = strrchr(host, ']');

    if (strstr(host, "://") != NULL)
        snprintf(uri, URI_MAX, "%s", host);
    else if (strchr(end == NULL ? host : end, ':') != NULL)
        snprintf(uri, URI_MAX, "ldap://%s", host);
    else
        snprintf(uri, URI_MAX, "ldap://%s:%d", host, table->port);
}

static void explain(struct connection *connection, const char *what, int result, struct merpati_table_text why)
{
    char *detail = NULL;

    ldap_get_option(connection->ldap, LDAP_OPT_DIAGNOSTIC_MESSAGE, &detail);
    if (result == LDAP_SERVER_DOWN && ldap_deadline_is_over(&connection->deadline))
        result = LDAP_TIMEOUT;
    snprintf(why.data, why.size, "%s: %d: %s%s%s", what, result, ldap_err2string(result),
             detail == NULL || detail[0] == '\0' ? "" : ": ", detail == NULL ? "" : detail);
    ldap_memfree(detail);
}

static void *connect_host(const void *data, const char *host, struct merpati_table_text why)
{
    const struct ldap_table *table = data;
    struct connection *connection;
    LDAP *ldap = NULL;
    char uri[URI_MAX];
    int result;

    make_uri(table, host, uri);
    result = ldap_initialize(&ldap, uri);
    if (result != LDAP_SUCCESS) {
        snprintf(why.data, why.size, "cannot use this address: %d: %s", result, ldap_err2string(result));
        return NULL;
    }
    connection = memory_alloc(sizeof(*connection));
    connection->ldap = ldap;
    ldap_deadline_set(&connection->deadline, table->timeout_seconds);
    if (!ldap_deadline_watch(&connection->deadline, ldap) || !set_options(ldap, table, uri)) {
        explain(connection, "cannot set options", LDAP_PARAM_ERROR, why);
    } else {
        result = log_in(ldap, table);
        if (result == LDAP_SUCCESS)
            return connection;
        explain(connection, "cannot log in", result, why);
    }
    disconnect(connection);
    return NULL;
}

/* --- asking --- */

/* In a filter (RFC 4515 section 3): the special characters in hexadecimal. */
static void quote_for_filter(const char *text, size_t len, char *quoted, size_t *len_out)
{
    size_t at = 0;

    for (size_t i = 0; i < len; i++) {
        if (memchr("*()\\", text[i], 4) != NULL)
            at += (size_t) snprintf(quoted + at, 4, "\\%02x", (unsigned char) text[i]);
        else
            quoted[at++] = text[i];
    }
    *len_out = at;
}

/* In a distinguished name (RFC 4514 section 2.4). */
static void quote_for_name(const char *text, size_t len, char *quoted, size_t *len_out)
{
    size_t at = 0;

    for (size_t i = 0; i < len; i++) {
        bool is_outer_blank = text[i] == ' ' && (i == 0 || i + 1 == len);

        if (memchr(" \t\"#+,;<>\\=", text[i], 11) != NULL && (text[i] != ' ' || is_outer_blank))
            at += (size_t) snprintf(quoted + at, 4, "\\%02x", (unsigned char) text[i]);
        else
            quoted[at++] = text[i];
    }
    *len_out = at;
}

static bool quote(void *connection, unsigned index, const char *text, size_t len,
                  void (*put)(void *context, const char *text, size_t len), void *context)
{
    char *quoted = memory_alloc(3 * len + 1);
    size_t quoted_len;

    (void) connection;
    if (index == TEMPLATE_BASE)
        quote_for_name(text, len, quoted, &quoted_len);
    else
        quote_for_filter(text, len, quoted, &quoted_len);
    put(context, quoted, quoted_len);
    memory_free(quoted);
    return true;
}

/* One lookup: a search, and those that follow from what it finds. */
struct search {
    const struct ldap_table *table;
    struct connection *connection;
    LDAP *ldap; /* its */
    const struct merpati_driver_values *values;
    struct merpati_table_text why;
};

static enum merpati_driver_result follow(struct search *search, const char *reference, unsigned depth);

static bool is_lost(int result)
{
    return result == LDAP_SERVER_DOWN || result == LDAP_CONNECT_ERROR || result == LDAP_TIMEOUT ||
           result == LDAP_UNAVAILABLE || result == LDAP_BUSY || result == LDAP_DECODING_ERROR;
}

static bool has_values(LDAP *ldap, LDAPMessage *entry, const char *name)
{
    struct berval **found = ldap_get_values_len(ldap, entry, name);
    bool is_there = found != NULL && found[0] != NULL;

    ldap_value_free_len(found);
    return is_there;
}

static bool has_any(LDAP *ldap, LDAPMessage *entry, const struct ldap_names *wanted)
{
    BerElement *position = NULL;
    bool is_there = false;
    char *name;

    if (wanted->count == 0)
        return false;
    name = ldap_first_attribute(ldap, entry, &position);
    while (name != NULL) {
        is_there = is_there || (ldap_names_contain(wanted, name) && has_values(ldap, entry, name));
        ldap_memfree(name);
        name = ldap_next_attribute(ldap, entry, position);
    }
    ber_free(position, 0);
    return is_there;
}

static enum merpati_driver_result take_values(struct search *search, struct berval **found, bool is_reference,
                                              unsigned depth)
{
    enum merpati_driver_result result = MERPATI_DRIVER_DONE;

    for (size_t i = 0; found != NULL && found[i] != NULL && result == MERPATI_DRIVER_DONE; i++) {
        if (is_reference)
            result = follow(search, found[i]->bv_val, depth + 1);
        else if (memchr(found[i]->bv_val, '\0', found[i]->bv_len) == NULL)
            search->values->add(search->values->context, found[i]->bv_val, found[i]->bv_len);
    }
    return result;
}

/* In the order in which the entry has its attributes. */
static enum merpati_driver_result read_entry(struct search *search, LDAPMessage *entry, unsigned depth)
{
    const struct ldap_table *table = search->table;
    bool has_terminal = has_any(search->ldap, entry, &table->terminal);
    bool has_special = !has_terminal && has_any(search->ldap, entry, &table->special);
    enum merpati_driver_result result = MERPATI_DRIVER_DONE;
    BerElement *position = NULL;
    char *name = ldap_first_attribute(search->ldap, entry, &position);

    while (name != NULL) {
        bool is_reference = !has_terminal && ldap_names_contain(&table->special, name);
        bool is_wanted = has_terminal ? ldap_names_contain(&table->terminal, name)
                                      : is_reference || ldap_names_contain(&table->ordinary, name) ||
                                            (!has_special && ldap_names_contain(&table->leaf, name));
        struct berval **found = is_wanted ? ldap_get_values_len(search->ldap, entry, name) : NULL;

        if (result == MERPATI_DRIVER_DONE)
            result = take_values(search, found, is_reference, depth);
        ldap_value_free_len(found);
        ldap_memfree(name);
        name = ldap_next_attribute(search->ldap, entry, position);
    }
    ber_free(position, 0);
    return result;
}

static enum merpati_driver_result read_entries(struct search *search, LDAPMessage *answer, unsigned depth)
{
    enum merpati_driver_result result = MERPATI_DRIVER_DONE;

    for (LDAPMessage *entry = ldap_first_entry(search->ldap, answer); entry != NULL && result == MERPATI_DRIVER_DONE;
         entry = ldap_next_entry(search->ldap, entry))
        result = read_entry(search, entry, depth);
    return result;
}

struct place {
    const char *base;
    const char *filter;
    int scope;
    char **attributes;
    bool may_be_absent; /* then nothing is found there */
};

static enum merpati_driver_result run(struct search *search, const struct place *place, unsigned depth)
{
    struct timeval timeout = { .tv_sec = search->table->timeout_seconds };
    enum merpati_driver_result outcome = MERPATI_DRIVER_DONE;
    LDAPMessage *answer = NULL;
    int result;

    ldap_deadline_set(&search->connection->deadline, search->table->timeout_seconds);
    result = ldap_search_ext_s(search->ldap, place->base, place->scope, place->filter, place->attributes, 0, NULL, NULL,
                               &timeout, search->table->size_limit, &answer);

    if (result == LDAP_SUCCESS) {
        outcome = read_entries(search, answer, depth);
    } else if (result != LDAP_NO_SUCH_OBJECT || !place->may_be_absent) {
        explain(search->connection, result == LDAP_NO_SUCH_OBJECT ? "search base not found" : "search error", result,
                search->why);
        outcome = is_lost(result) ? MERPATI_DRIVER_LOST : MERPATI_DRIVER_FAILED;
    }
    ldap_msgfree(answer);
    return outcome;
}

/* Of what the URL asks for, that which the table wants too; RFC 4516: none named is all. NULL at the end. */
static char **attributes_of_url(const struct ldap_table *table, char **asked)
{
    size_t count = 0;
    size_t found = 0;
    char **attributes;

    while (table->all[count] != NULL)
        count++;
    attributes = memory_alloc_array(count + 1, sizeof(*attributes));
    for (size_t i = 0; i < count; i++) {
        bool is_asked = asked == NULL || asked[0] == NULL;

        for (size_t k = 0; !is_asked && asked[k] != NULL; k++)
            is_asked = strcasecmp(asked[k], table->all[i]) == 0 || strcmp(asked[k], "*") == 0;
        if (is_asked)
            attributes[found++] = table->all[i];
    }
    attributes[found] = NULL;
    return attributes;
}

static enum merpati_driver_result follow_url(struct search *search, const char *url, unsigned depth)
{
    enum merpati_driver_result result = MERPATI_DRIVER_DONE;
    LDAPURLDesc *parsed = NULL;
    char **attributes;

    /* One that is malformed leads nowhere, as a name that nobody has. */
    if (ldap_url_parse(url, &parsed) != LDAP_URL_SUCCESS)
        return MERPATI_DRIVER_DONE;
    attributes = attributes_of_url(search->table, parsed->lud_attrs);
    if (attributes[0] != NULL)
        result = run(search,
                     &(struct place){
                         .base = parsed->lud_dn == NULL ? "" : parsed->lud_dn,
                         .filter = parsed->lud_filter == NULL ? "(objectclass=*)" : parsed->lud_filter,
                         .scope = parsed->lud_scope == LDAP_SCOPE_DEFAULT ? LDAP_SCOPE_BASE : parsed->lud_scope,
                         .attributes = attributes,
                         .may_be_absent = true,
                     },
                     depth);
    memory_free(attributes);
    ldap_free_urldesc(parsed);
    return result;
}

static enum merpati_driver_result follow(struct search *search, const char *reference, unsigned depth)
{
    if (depth > search->table->recursion_limit) {
        snprintf(search->why.data, search->why.size, "recursion limit exceeded at %s", reference);
        return MERPATI_DRIVER_FAILED;
    }
    if (ldap_is_ldap_url(reference))
        return follow_url(search, reference, depth);
    return run(search, &(struct place){ reference, "(objectclass=*)", LDAP_SCOPE_BASE, search->table->all, true },
               depth);
}

static enum merpati_driver_result ask(const void *data, void *connection, const char *const *texts,
                                      const struct merpati_driver_values *values, struct merpati_table_text why)
{
    const struct ldap_table *table = data;
    struct connection *it = connection;
    struct search search = { table, it, it->ldap, values, why };

    return run(&search,
               &(struct place){ texts[TEMPLATE_BASE], texts[TEMPLATE_FILTER], table->scope, table->all,
                                !table->has_fixed_base },
               1);
}

__attribute__((visibility("default"))) extern const struct merpati_driver merpati_ldap;

const struct merpati_driver merpati_ldap = {
    .magic = MERPATI_DRIVER_MAGIC,
    .version = MERPATI_DRIVER_VERSION,
    .flags = MERPATI_TABLE_BLOCKS | MERPATI_TABLE_IS_REMOTE,
    .names = names,
    .connection_names = connection_names,
    .hosts_name = "server_host",
    .hosts_default = "localhost",
    .hosts_order = MERPATI_DRIVER_AS_WRITTEN,
    .templates = templates,
    .compose = compose,
    .open = open_table,
    .close = close_table,
    .connect = connect_host,
    .disconnect = disconnect,
    .quote = quote,
    .ask = ask,
};
