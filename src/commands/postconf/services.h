/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTCONF_SERVICES_H
#define POSTCONF_SERVICES_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/strbuf.h"
#include "base/strlist.h"
#include "config/main_cf.h"
#include "config/master_cf.h"

#include <stdio.h>

/*
 * services - master.cf as postconf shows and changes it: each entry as written, also one that comes twice,
 * its options in the form "-o name=value".
 */
struct service_entry {
    struct str fields[MASTER_FIELD_COUNT];
    struct strlist arguments; /* options taken apart: "-v", "-o", "name=value" */
    size_t option_count;      /* of arguments, how many belong to the options at the beginning */
    struct str file;          /* where it stands */
    struct str source;        /* "foo unix - n n - 0 other", for messages */
};

struct services {
    struct str file; /* master.cf itself */
    struct service_entry *items;
    size_t count;
    struct strlist warnings;
};

MUST_USE bool services_load(struct str config_directory, struct arena *arena, struct services **services_out,
                            struct failure *why);
/* One entry's text, as given to postconf -M. */
MUST_USE bool services_parse_entry(struct str text, struct arena *arena, struct service_entry *entry_out,
                                   struct strlist *warnings, struct failure *why);

/* Why a field's text cannot be. */
MUST_USE bool service_field_check(int field, struct str text, struct str source, struct failure *why);

/* pattern: "name/type" or "name", each also "*". */
bool service_matches(const struct service_entry *entry, struct str pattern);

struct services_print {
    FILE *out;
    bool is_folded;
    bool is_exact; /* to be read again: an argument with white space always has its braces */
    bool is_plain; /* fields are one space apart, not in columns */
    /* Not NULL: values of -o are expanded, from main.cf and this service's other -o. */
    const struct main_cf *expand_from;
};

MUST_USE bool service_print(const struct services_print *print, const struct service_entry *entry, struct failure *why);

/* The command with its arguments, from column on, without a line's end. */
MUST_USE bool service_print_command(const struct services_print *print, const struct service_entry *entry, int column,
                                    struct failure *why);
/* Replaces $name in a value of -o: from the entry's other -o, then from cf. */
MUST_USE bool service_expand(const struct main_cf *cf, const struct service_entry *entry, struct str value,
                             struct strbuf *out, struct failure *why);
/* "service", "type", "private" ... as -F has them; field is an enum master_field. */
const char *service_field_name(int field);

/* A copy of cf's view with the entry's own -o values over it is too costly for a scan: this looks one up. */
bool service_option(const struct service_entry *entry, struct str name, struct str *value_out);

#endif
