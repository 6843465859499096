/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_AUTH_MECHANISMS_H
#define AUTH_AUTH_MECHANISMS_H

#include "auth/auth_line.h"
#include "base/strlist.h"

/*
 * auth_mechanisms - the mechanisms that a back end offers, with what is known of them, and which of them an
 * administrator wants (smtpd_sasl_security_options).
 */
enum { AUTH_MECHANISMS_MAXIMUM = 64, AUTH_MECHANISM_NAME_MAXIMUM = 20 /* RFC 4422 section 3.1 */ };

enum auth_trait {
    AUTH_IS_PLAINTEXT = 1 << 0,  /* who listens has the password */
    AUTH_IS_ACTIVE = 1 << 1,     /* open to active attacks */
    AUTH_IS_DICTIONARY = 1 << 2, /* open to passive dictionary attacks */
    AUTH_IS_ANONYMOUS = 1 << 3,
    AUTH_HAS_FORWARD_SECRECY = 1 << 4,
    AUTH_IS_MUTUAL = 1 << 5,
    AUTH_IS_PRIVATE = 1 << 6, /* not to be announced */
};

struct auth_mechanism {
    struct str name; /* upper case */
    unsigned traits;
};

struct auth_mechanisms {
    struct auth_mechanism items[AUTH_MECHANISMS_MAXIMUM];
    size_t count;
};

/* The words of smtpd_sasl_security_options, for SETTING_WORDS: ends with NULL. */
extern const char *const auth_security_words[];

/* What must not be, and what must be: of such words. */
struct auth_security {
    unsigned forbidden, required;
};
struct auth_security auth_security_of(const struct strlist *words);
bool auth_security_allows(struct auth_security security, unsigned traits);

/* Takes a MECH line; false where it names none that can be, or one too many. name's memory: arena. */
bool auth_mechanisms_add(struct auth_mechanisms *mechanisms, const struct auth_line *line, struct arena *arena);
/* The words of a MECH line that stand for traits, each with its TAB. */
void auth_mechanism_append_traits(struct strbuf *out, unsigned traits);

#endif
