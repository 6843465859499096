/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DRIVERS_LDAP_SETTINGS_H
#define DRIVERS_LDAP_SETTINGS_H

#include "table/driver.h"

/* ldap_settings - what ldap_table(5) can be told, read and judged. */

enum ldap_bind { LDAP_BIND_NONE, LDAP_BIND_SIMPLE, LDAP_BIND_SASL };

/* Names of attributes, NULL at the end. */
struct ldap_names {
    char **items;
    size_t count;
};

struct ldap_table {
    int port;
    int timeout_seconds;
    int version;
    int scope;
    int dereference;
    int debug_level;
    int size_limit;
    unsigned recursion_limit;
    bool chases_referrals;
    bool has_fixed_base; /* search_base is the same for all keys: it must be there */

    enum ldap_bind bind;
    const char *bind_dn;
    const char *bind_password;
    const char *sasl_mechanisms;
    const char *sasl_realm;
    const char *sasl_authorization;
    int sasl_minimum_strength;

    bool starts_tls;
    bool demands_certificate;
    const char *tls_ca_directory;
    const char *tls_ca_file;
    const char *tls_certificate;
    const char *tls_key;
    const char *tls_ciphers;

    struct ldap_names ordinary;
    struct ldap_names special; /* DNs and URLs of further entries */
    struct ldap_names terminal;
    struct ldap_names leaf;
    char **all; /* all of them, NULL at the end: the texts are those of the lists */
};

struct ldap_table *ldap_settings_read(const struct merpati_driver_settings *settings, struct merpati_table_text why);
void ldap_settings_free(struct ldap_table *table);

/* Case does not count, and "cn" stands for "cn;lang-de", too (RFC 4512 sections 2.5 and 2.5.2). */
bool ldap_names_contain(const struct ldap_names *names, const char *name);

#endif
