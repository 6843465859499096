/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_AUTH_LINE_H
#define AUTH_AUTH_LINE_H

#include "base/arena.h"
#include "base/compiler.h"
#include "base/strbuf.h"

/*
 * auth_line - one line of Dovecot's authentication protocol (versions 1.0 to 1.3): words separated by TAB, in which
 * a byte that has a meaning is \001 and another one. Pure, both directions, and fuzzed.
 */
enum {
    AUTH_LINE_MAXIMUM = 16384, /* with its LF */
    AUTH_FIELDS_MAXIMUM = 64,
};

enum auth_verb {
    AUTH_VERB_OTHER, /* to be overlooked */
    AUTH_VERB_VERSION,
    AUTH_VERB_MECH,
    AUTH_VERB_DONE,
    AUTH_VERB_OK,
    AUTH_VERB_FAIL,
    AUTH_VERB_CONT,
    AUTH_VERB_CPID, /* what clients say, from here on */
    AUTH_VERB_AUTH,
    AUTH_VERB_CANCEL,
    AUTH_VERB_APPLICATION, /* of our own: see docs/sasl.md */
};

struct auth_line {
    enum auth_verb verb;
    struct str fields[AUTH_FIELDS_MAXIMUM]; /* what follows the verb; those beyond are dropped */
    size_t count;
};

/* text: without its LF. The fields are views of it, or copies in arena where they were escaped. */
void auth_line_parse(struct auth_line *line, struct str text, struct arena *arena);

/* The number of an exchange; false if field i is none. */
MUST_USE bool auth_line_number(const struct auth_line *line, size_t i, uint32_t *number_out);
/* The value of the first NAME=VALUE from field first on. */
bool auth_line_find(const struct auth_line *line, size_t first, const char *name, struct str *value_out);
/* There is a field NAME, without a value. */
bool auth_line_has(const struct auth_line *line, size_t first, const char *name);

/* A line is begun with a verb, gets its fields, and is ended with LF. */
void auth_line_begin(struct strbuf *out, const char *verb);
void auth_line_add(struct strbuf *out, struct str field);
void auth_line_add_number(struct strbuf *out, uint64_t number);
/* "name=value" */
void auth_line_add_value(struct strbuf *out, const char *name, struct str value);
void auth_line_end(struct strbuf *out);

/* RFC 4648 section 4, whole and with its padding; nothing is base64 too. */
bool auth_is_base64(struct str text);

#endif
