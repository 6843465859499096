/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_DOMAIN_H
#define MAIL_DOMAIN_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/str.h"

/*
 * domain - what may stand as a host name, an address, an address literal; and the two spellings
 * of an internationalised domain. No look-up is made.
 */

/* Labels of letters, digits, '-' and '_' (8-bit with may_be_utf8), at most 63 and 255 bytes, not all numeric, no end
 * dot. */
bool domain_is_valid_hostname(struct str name, bool may_be_utf8);
/* "192.0.2.1": four decimal octets. */
bool domain_is_ipv4(struct str text);
/* "2001:db8::1", no brackets, no zone. */
bool domain_is_ipv6(struct str text);
bool domain_is_address(struct str text);
/* "[192.0.2.1]" or "[IPv6:2001:db8::1]"; address_out, which may be NULL, is what stands inside, without "IPv6:". */
bool domain_is_literal(struct str text, struct str *address_out);

/* A mail domain that somebody may ask for: a host's name in ASCII, or an address literal. */
bool domain_is_site(struct str text);

/* Well-formed UTF-8, no surrogates, no overlong forms. */
bool domain_is_utf8(struct str text);
bool domain_is_ascii(struct str text);

/*
 * "bücher.example" to "xn--bcher-kva.example"; ASCII names come back in lower case unchecked. is_transitional: where
 * IDNA2003 and IDNA2008 differ, as in "straße", IDNA2003's name ("strasse").
 */
MUST_USE bool domain_to_ascii(struct arena *arena, struct str name, bool is_transitional, struct str *ascii_out,
                              struct failure *why);
/* The other way; names without A-labels come back as they are. */
MUST_USE bool domain_to_utf8(struct arena *arena, struct str name, struct str *utf8_out, struct failure *why);

#endif
